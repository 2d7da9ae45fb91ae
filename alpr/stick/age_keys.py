"""Encryption for a stick, by age (pyrage), to the CURVE keys that devices and collectors have. Its only importer.

Both are X25519 keys; age writes them in another alphabet, that of BIP 173.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from alpr.errors import StickError
from alpr.link.keys.curve_keys import KeyPair, key_bytes

if TYPE_CHECKING:
    from types import ModuleType

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def encrypt(plain: bytes, recipient: str) -> bytes:
    """Encrypt bytes to one public key.

    Args:
        plain: whatever they are.
        recipient: public key in Z85.

    Raises:
        StickError: pyrage is not installed.
    """
    age = _age()
    return bytes(age.encrypt(plain, [_recipient(age, recipient)]))


def decrypt(sealed: bytes, own: KeyPair) -> bytes:
    """Decrypt what `encrypt` made.

    Args:
        sealed: from anywhere.
        own: the recipient's pair.

    Raises:
        StickError: it is for another key, or damaged.
    """
    age = _age()
    try:
        return bytes(age.decrypt(sealed, [_identity(age, own)]))
    except age.DecryptError as error:
        raise StickError("cannot be decrypted with the key here") from error


def encrypt_file(source: BinaryIO, target: BinaryIO, recipients: Iterable[str]) -> None:
    """Encrypt a file of any size to several public keys.

    Args:
        source: read to its end.
        target: written.
        recipients: public keys in Z85, at least one.

    Raises:
        StickError: pyrage is not installed.
        OSError: either cannot be used.
    """
    age = _age()
    age.encrypt_io(source, target, [_recipient(age, key) for key in recipients])


def decrypt_file(source: BinaryIO, target: BinaryIO, own: KeyPair) -> None:
    """Decrypt what `encrypt_file` made.

    Args:
        source: from anywhere, read to its end.
        target: written; what stands there after an error is not to be used.
        own: the pair of one of the recipients.

    Raises:
        StickError: it is for other keys, or damaged.
        OSError: either cannot be used.
    """
    age = _age()
    try:
        age.decrypt_io(source, target, [_identity(age, own)])
    except age.DecryptError as error:
        raise StickError("cannot be decrypted with the key here") from error


def require_age() -> None:
    """Refuse to begin without pyrage.

    Raises:
        StickError: it is not installed.
    """
    _age()


def bech32(prefix: str, data: bytes) -> str:
    """Write bytes in Bech32 (BIP 173).

    >>> bech32("age", bytes(32))
    'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z'

    Args:
        prefix: in lower case.
        data: whatever it is.
    """
    number, bits, words = 0, 0, []
    for byte in data:
        number, bits = (number << 8 | byte) & 0xFFF, bits + 8
        while bits >= 5:
            bits -= 5
            words.append(number >> bits & 31)
    if bits:
        words.append(number << (5 - bits) & 31)
    head = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = _polymod([*head, *words, *[0] * 6]) ^ 1
    words += [check >> 5 * (5 - n) & 31 for n in range(6)]
    return prefix + "1" + "".join(_ALPHABET[word] for word in words)


def _polymod(words: Sequence[int]) -> int:
    check = 1
    for word in words:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ word
        for n, generator in enumerate(_GENERATOR):
            check ^= generator if top >> n & 1 else 0
    return check


def _recipient(age: ModuleType, public_key: str) -> Any:
    return age.x25519.Recipient.from_str(bech32("age", key_bytes(public_key)))


def _identity(age: ModuleType, own: KeyPair) -> Any:
    return age.x25519.Identity.from_str(bech32("age-secret-key-", key_bytes(own.secret)).upper())


def _age() -> ModuleType:
    try:
        import pyrage  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StickError("sticks need pyrage, which is not installed: pip install 'alpr[stick]'") from error
    return pyrage  # type: ignore[no-any-return, unused-ignore]

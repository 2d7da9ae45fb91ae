"""Administrators' Ed25519 keys: who may publish hotlists, and whether enough of them signed. Knows no hotlist.

A key file is PKCS #8 PEM (RFC 5208), with or without a passphrase; a public key is 32 bytes in Base64. People are
told apart by name, keys by the start of their SHA-256: one person may have several keys while one replaces another.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from alpr.errors import KeyFileError, SignatureError
from alpr.system.descriptors import SPARE
from alpr.system.regular_files import open_regular

MIN_PASSPHRASE = 10
_PUBLIC_BYTES = 32
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_FILE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class AdminKey:
    """A private Ed25519 key."""

    secret: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        """The public half: 32 bytes."""
        return self.secret.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The key's name: 16 hexadecimal digits."""
        return key_id_of(self.public)


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature (RFC 8032) by one key."""

    key_id: str
    value: bytes
    """64 bytes."""


@dataclass(frozen=True, slots=True)
class Admin:
    """A person's public key, as a device knows it."""

    name: str
    public: bytes
    is_revoked: bool = False
    """Its signatures count no more, neither old nor new."""

    @property
    def key_id(self) -> str:
        """The key's name: 16 hexadecimal digits."""
        return key_id_of(self.public)


def new_admin_key() -> AdminKey:
    """Generate a key."""
    return AdminKey(Ed25519PrivateKey.generate())


def key_id_of(public: bytes) -> str:
    """Return the name of a key: the first 16 hexadecimal digits of its SHA-256.

    >>> key_id_of(bytes(32))
    '66687aadf862bd77'

    Args:
        public: the key's 32 bytes.
    """
    return hashlib.sha256(public).hexdigest()[:16]


def sign(key: AdminKey, message: bytes) -> Signature:
    """Sign a message.

    Args:
        key: a private key.
        message: any bytes; callers put a prefix before it that says what it is.
    """
    return Signature(key.key_id, key.secret.sign(message))


def signers(message: bytes, signatures: Sequence[Signature], admins: Iterable[Admin], needed: int) -> tuple[str, ...]:
    """Return the people who signed a message, by name; at least `needed` different ones.

    One signature that is wrong refuses the whole message: nobody honest adds such a one.

    Args:
        message: the bytes that were signed.
        signatures: by any keys, known or not.
        admins: the people who are trusted, and those who are no more.
        needed: different people, at least 1.

    Raises:
        SignatureError: there is no signature, one is wrong, or too few are by people whom we trust.
    """
    if not signatures:
        raise SignatureError("unsigned", "it has no signature")
    known = {admin.key_id: admin for admin in admins}
    names: set[str] = set()
    complaint: tuple[str, str] | None = None
    for signature in signatures:
        admin = known.get(signature.key_id)
        if admin is None:
            complaint = complaint or ("unknown-key", f"key {signature.key_id} is not among the administrators")
        elif admin.is_revoked:
            complaint = ("revoked-key", f"key {signature.key_id} of {admin.name} is revoked")
        elif not _is_good(admin.public, signature.value, message):
            raise SignatureError("bad-signature", f"the signature of {admin.name} does not fit: it was altered")
        else:
            names.add(admin.name)
    if len(names) >= max(1, needed):
        return tuple(sorted(names))
    if complaint is not None:
        raise SignatureError(*complaint)
    who = ", ".join(sorted(names)) or "nobody"
    raise SignatureError("too-few-signatures", f"signed by {who}, {needed} different people have to")


def write_admin_key(key: AdminKey, name: str, folder: Path, passphrase: str = "") -> tuple[Path, Path]:
    """Write `<name>.admin.key` (mode 0600) and `<name>.admin.pub` (the line for a list of administrators).

    Args:
        key: a fresh key.
        name: of its owner: letters, digits, `.`, `_`, `-`, at most 64.
        folder: made where missing.
        passphrase: of 10 characters or more; "" for a key that the file's mode alone protects.

    Raises:
        KeyFileError: either is there already or cannot be written, or the name or passphrase is none.
    """
    if not _NAME.fullmatch(name):
        raise KeyFileError(f"{name!r}: a name is letters, digits, dots, hyphens and underscores, at most 64")
    if passphrase and len(passphrase) < MIN_PASSPHRASE:
        raise KeyFileError(f"the passphrase has {len(passphrase)} characters: give {MIN_PASSPHRASE} or more")
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        locked = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    private, public = folder / f"{name}.admin.key", folder / f"{name}.admin.pub"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if public.exists():
            raise FileExistsError
        _create(private, pem, 0o600)
        _create(public, f"{line_of(Admin(name, key.public))}\n".encode(), 0o644)
    except FileExistsError as error:
        raise KeyFileError(f"{private}: there already; choose another name or remove it first") from error
    except OSError as error:
        raise KeyFileError(f"{private}: cannot write the key ({error.strerror}); check the folder") from error
    return private, public


def load_admin_key(path: Path, ask_passphrase: Callable[[], str] | None = None) -> AdminKey:
    """Read a private key file.

    Args:
        path: of the private key.
        ask_passphrase: is called only where the file is encrypted; None where nobody can be asked.

    Raises:
        KeyFileError: missing, open to others than its owner, not an Ed25519 key, or the passphrase is wrong.
    """
    try:
        with open_regular(path) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            pem = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise KeyFileError(
            f"{path}: cannot read the key ({error.strerror}); make one with: alpr hotlist key new"
        ) from error
    if mode & 0o077:
        raise KeyFileError(f"{path}: mode {mode:04o} lets others at this private key; run: chmod 600 {path}")
    is_locked = b"ENCRYPTED" in pem
    if is_locked and ask_passphrase is None:
        raise KeyFileError(f"{path}: is locked with a passphrase, and nobody is there to ask: give --passphrase-file")
    passphrase = ask_passphrase().encode() if is_locked and ask_passphrase else None
    try:
        secret = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if is_locked:
            raise KeyFileError(f"{path}: the passphrase is wrong: try again") from error
        raise KeyFileError(f"{path}: not a private key in PEM; make one with: alpr hotlist key new") from error
    if not isinstance(secret, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: not an Ed25519 key; make one with: alpr hotlist key new")
    return AdminKey(secret)


def line_of(admin: Admin) -> str:
    """Return an administrator's line in the list: `NAME KEY`, or `NAME KEY revoked`.

    Args:
        admin: a person's public key.
    """
    key = base64.b64encode(admin.public).decode("ascii")
    return f"{admin.name} {key}{' revoked' if admin.is_revoked else ''}"


def read_admins(path: Path) -> tuple[Admin, ...]:
    """Read the administrators whom a device trusts: `NAME KEY` on each line, `revoked` after it, `#` before comments.

    Args:
        path: of the list.

    Raises:
        KeyFileError: the file cannot be read, others may write it, a line is none, a key stands there twice, or
            there is nobody.
    """
    try:
        mode, content = SPARE.use(lambda: _mode_and_content(path))
        if len(content) > _MAX_FILE_BYTES:  # never a part of it: the rest may revoke what that part trusts
            raise OSError(errno.EFBIG, f"it has more than {_MAX_FILE_BYTES} bytes", str(path))
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise KeyFileError(f"{path}: cannot read the administrators ({reason})") from error
    if mode & 0o022:
        raise KeyFileError(f"{path}: mode {mode:04o} lets others say whom to trust; run: chmod go-w {path}")
    admins: dict[str, Admin] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        admin = _admin_of(words)
        if admin is None:
            raise KeyFileError(
                f"{path}:{number}: should be NAME KEY, as alpr hotlist key new prints it, or … revoked"
            )
        if admin.key_id in admins:
            raise KeyFileError(f"{path}:{number}: this key stands there twice; keep one line")
        admins[admin.key_id] = admin
    if not admins:
        raise KeyFileError(f"{path}: names no administrator; add the line that alpr hotlist key new printed")
    return tuple(admins.values())


def _mode_and_content(path: Path) -> tuple[int, bytes]:
    with open_regular(path) as file:
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode), file.read(_MAX_FILE_BYTES + 1)


def is_key_id(text: str) -> bool:
    """Return True for 16 hexadecimal digits.

    Args:
        text: any text.
    """
    return _KEY_ID.fullmatch(text) is not None


def _admin_of(words: Sequence[str]) -> Admin | None:
    if len(words) not in (2, 3) or not _NAME.fullmatch(words[0]) or words[2:] not in ([], ["revoked"]):
        return None
    try:
        public = base64.b64decode(words[1], validate=True)
    except ValueError:
        return None
    return Admin(words[0], public, len(words) == 3) if len(public) == _PUBLIC_BYTES else None


def _is_good(public: bytes, value: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(value, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _create(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

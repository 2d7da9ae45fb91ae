"""Pseudonyms of reads: sealed so that whoever names the plate opens them, and nobody without the device's key. Pure.

A read is encrypted by a key of its own, and that key by one that is made of the device's key and the plate. The tag
under which it is found is made likewise, by HMAC: without the device's key no list of all plates opens anything, and
with it one has to name the plates. Texts that differ by look-alikes only have the same tag. The reader's other
candidates have tags too, so that an entry that matches one of them opens the read.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import replace
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from alpr.errors import MessageError
from alpr.link.protocol.convert import read_from_record, record_from_read
from alpr.link.protocol.messages import ReadRecord, decode_record, encode
from alpr.plates import look_alike_key
from alpr.types import Read

KEY_BYTES = 32
_TAG_BYTES = 16
_NONCE_BYTES = 12
_MOST_TEXTS = 6  # of one read: its text and the likeliest other candidates


class Sealed(NamedTuple):
    """A read that is sealed."""

    box: bytes
    """The encrypted read, without pictures."""
    locks: tuple[tuple[bytes, bytes], ...]
    """(tag, encrypted key of the box) for each text that opens it."""


def seal(read: Read, key: bytes) -> Sealed:
    """Seal a read without its pictures.

    Args:
        read: to seal.
        key: the device's, `KEY_BYTES` long.
    """
    own, bare = os.urandom(KEY_BYTES), replace(read, patch_jpeg=b"", vehicle_jpeg=b"")
    texts = [read.plate.text, *(candidate.text for candidate in read.plate.candidates)]
    keys = list(dict.fromkeys(map(look_alike_key, texts)))[:_MOST_TEXTS]
    locks = tuple((_made(key, b"tag", each), _encrypted(_made(key, b"lock", each), own)) for each in keys)
    return Sealed(_encrypted(own, encode(record_from_read(bare))), locks)


def tag_of(plate: str, key: bytes) -> bytes:
    """Return the tag of the reads that a plate opens.

    Args:
        plate: normalised, without wildcards.
        key: the device's.
    """
    return _made(key, b"tag", look_alike_key(plate))


def unsealed(box: bytes, lock: bytes, plate: str, key: bytes) -> Read:
    """Open a sealed read.

    Args:
        box: of the read.
        lock: the encrypted key of the box, found by the plate's tag.
        plate: normalised, without wildcards.
        key: the device's, by which it was sealed.

    Raises:
        MessageError: the plate or the key is another one, or the bytes were altered.
    """
    own = _decrypted(_made(key, b"lock", look_alike_key(plate)), lock)
    record = decode_record(_decrypted(own, box))
    if not isinstance(record, ReadRecord):
        raise MessageError("a sealed record that is no read")
    return read_from_record(record)


def _made(key: bytes, purpose: bytes, text: str) -> bytes:
    made = hmac.digest(key, purpose + b"\0" + text.encode(), "sha256")
    return made[:_TAG_BYTES] if purpose == b"tag" else made


def _encrypted(key: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, plain, None)


def _decrypted(key: bytes, sealed: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError) as error:
        raise MessageError("a sealed read that cannot be opened: it was altered, or its key is another") from error

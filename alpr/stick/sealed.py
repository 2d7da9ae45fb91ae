"""Sealed files: signed by who made them, encrypted to whom they are for, whole or nothing. Pure; knows no folder.

The signature is by an Ed25519 key that follows from the sender's CURVE key. That it is the sender's is proven by a
code that only the two can make, from the secret that their CURVE keys share: so the keys, the allow-list and its
revocations are those of the link, and nothing more has to be handed round. `docs/decisions/0021-stick.md` says why.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta, Struct

from alpr.errors import DecodeError, StickError, StickTorn
from alpr.link.keys.curve_keys import KeyPair, is_key, key_bytes
from alpr.link.protocol.fields import BootId, PublicKey, Seq
from alpr.stick.age_keys import decrypt, encrypt
from alpr.system.decoding import decoded
from alpr.system.fields import Instant

Purpose: TypeAlias = Literal["reads", "acks"]
MAX_SEALED_BYTES = 16 << 20
"""Largest sealed file: it is read at once."""
_MAGIC = b"alpr-sealed-1\n"
_MAX_HEADER_BYTES = 1 << 20
_LENGTH = struct.Struct(">I")
_SIGNATURE_BYTES = 64
_Hash: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]


class Range(Struct, frozen=True):
    """Records of one boot in a sealed file."""

    boot_id: BootId
    seqs: Annotated[tuple[Seq, ...], Meta(max_length=100_000)]


class SealedHeader(Struct, frozen=True):
    """Header of a sealed file: what it says of itself in the clear, signed like all of it."""

    purpose: Purpose
    sender: PublicKey
    recipient: PublicKey
    signing_key: _Hash
    """Ed25519."""
    binding: _Hash
    """Proves to the recipient that the signing key is the sender's."""
    made_at: Instant
    ranges: Annotated[tuple[Range, ...], Meta(max_length=10_000)] = ()
    """What of the sender's outbox is in it."""
    about: Annotated[bytes, Meta(max_length=32)] = b""
    """SHA-256 of the file that is acknowledged."""


_encode = msgspec.msgpack.Encoder().encode
_header = msgspec.msgpack.Decoder(SealedHeader)


def seal(
    payload: bytes,
    purpose: Purpose,
    own: KeyPair,
    recipient: str,
    now: datetime,
    ranges: Sequence[Range] = (),
    *,
    about: bytes = b"",
) -> bytes:
    """Make a sealed file.

    Args:
        payload: what only the recipient is to read.
        purpose: what it is; a file of another one is not taken for it.
        own: the sender's keys.
        recipient: public key in Z85.
        now: when it is made.
        ranges: what of the outbox is in it.
        about: digest of the file that is acknowledged.

    Raises:
        StickError: pyrage is not installed.
    """
    key = _signing_key(own)
    signing_key = key.public_key().public_bytes_raw()
    binding = _binding(own, recipient, purpose, own.public, recipient, signing_key)
    header = _encode(SealedHeader(purpose, own.public, recipient, signing_key, binding, now, tuple(ranges), about))
    signed = _MAGIC + _LENGTH.pack(len(header)) + header + encrypt(payload, recipient)
    return signed + key.sign(signed)


def digest_of(content: bytes) -> bytes:
    """Return the SHA-256 of a file.

    Args:
        content: of it.
    """
    return hashlib.sha256(content).digest()


def is_by(header: SealedHeader, own: KeyPair) -> bool:
    """Tell whether we made a file.

    Args:
        header: as `read_header` gives it, so that the signature is by its signing key.
        own: our keys.
    """
    return header.sender == own.public and header.signing_key == _signing_key(own).public_key().public_bytes_raw()


def read_header(content: bytes) -> SealedHeader:
    """Return the header of a whole file; its signature fits, but whose it is, is not known yet.

    Args:
        content: from anywhere.

    Raises:
        StickTorn: it is not whole, or was changed.
        StickError: it is no sealed file.
    """
    return _split(content)[0]


def open_sealed(
    content: bytes, purpose: Purpose, own: Sequence[KeyPair], is_known: Callable[[str], bool]
) -> tuple[SealedHeader, bytes]:
    """Check a sealed file and return its header and payload.

    Args:
        content: from anywhere.
        purpose: what it has to be.
        own: keys of the recipient, any of which it may be for.
        is_known: tells whether a sender's public key is trusted now.

    Raises:
        StickTorn: it is not whole, or was changed.
        StickError: it is for somebody else, from nobody we know, or of another purpose.
    """
    header, body = _split(content)
    keys = next((pair for pair in own if pair.public == header.recipient), None)
    if keys is None:
        raise StickError(f"is for the key {header.recipient}, which is not one of ours")
    if header.purpose != purpose:
        raise StickError(f"holds {header.purpose}, not {purpose}")
    if not is_key(header.sender) or not is_known(header.sender):
        raise StickError(f"is from the key {header.sender}, which is not known here")
    binding = _binding(keys, header.sender, purpose, header.sender, header.recipient, header.signing_key)
    if not hmac.compare_digest(binding, header.binding):
        raise StickError(f"was not made by the key {header.sender} that it names")
    return header, decrypt(body, keys)


def _split(content: bytes) -> tuple[SealedHeader, bytes]:
    """The header and the encrypted payload of a file whose signature fits."""
    begin = len(_MAGIC) + _LENGTH.size
    if not content.startswith(_MAGIC[: len(content)]):
        raise StickError("is no file of alpr")
    if len(content) < begin + _SIGNATURE_BYTES:
        raise StickTorn("is not whole")
    (length,) = _LENGTH.unpack(content[len(_MAGIC) : begin])
    end = len(content) - _SIGNATURE_BYTES
    if length > _MAX_HEADER_BYTES or begin + length > end:
        raise StickTorn("is not whole")
    try:
        header = decoded(_header, content[begin : begin + length])
        Ed25519PublicKey.from_public_bytes(header.signing_key).verify(content[end:], content[:end])
    except (DecodeError, InvalidSignature, ValueError) as error:
        raise StickTorn("is not whole, or was changed: its signature does not fit") from error
    return header, content[begin + length : end]


def _binding(own: KeyPair, peer: str, purpose: Purpose, sender: str, recipient: str, signing_key: bytes) -> bytes:
    try:
        shared = X25519PrivateKey.from_private_bytes(key_bytes(own.secret)).exchange(
            X25519PublicKey.from_public_bytes(key_bytes(peer))
        )
    except ValueError as error:  # a point that gives the same secret with every key
        raise StickError(f"the key {peer} is none") from error
    said = b"\0".join((purpose.encode(), sender.encode(), recipient.encode(), signing_key))
    return hmac.digest(_derived(shared, b"alpr stick binding 1"), said, "sha256")


def _signing_key(own: KeyPair) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_derived(key_bytes(own.secret), b"alpr stick signing 1"))


def _derived(secret: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(secret)

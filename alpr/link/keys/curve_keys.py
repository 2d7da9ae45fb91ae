"""CURVE key pairs in files. The private key's file is its owner's alone; the public key is what others know us by."""

from __future__ import annotations

import os
import re
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.utils import z85

from alpr.errors import LinkError
from alpr.system.locked_file import create, rewrite
from alpr.system.regular_files import open_regular, read_regular

_Z85_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both halves of a CURVE25519 key, each 40 characters of Z85."""

    public: str
    secret: str = field(repr=False)


def new_key_pair() -> KeyPair:
    """A fresh pair."""
    while True:
        public, secret = (half.decode("ascii") for half in zmq.curve_keypair())
        # Public keys are typed on command lines and stand in files with comments: none looks like either.
        if public[0] not in "-#":
            return KeyPair(public, secret)


def is_key(text: str) -> bool:
    """Tell whether a text is 40 characters of Z85 that stand for 32 bytes; five of them may stand for more than four
    bytes hold.

    Args:
        text: from anywhere.
    """
    if _Z85_KEY.fullmatch(text) is None:
        return False
    try:
        z85.decode(text)
    except (ValueError, struct.error):
        return False
    return True


def key_bytes(key: str) -> bytes:
    """Return the 32 bytes of a key.

    Args:
        key: in Z85; see `is_key`.
    """
    return bytes(z85.decode(key))


def is_name(text: str) -> bool:
    """Tell whether a text may name a device: a letter or digit, then up to 63 letters, digits or `._-`.

    Args:
        text: from anywhere.
    """
    return _NAME.fullmatch(text) is not None


def write_key_pair(keys: KeyPair, name: str, folder: Path) -> tuple[Path, Path]:
    """Write `<name>.key` (both halves, mode 0600) and `<name>.pub` (the line for an allow-list).

    A folder that is not there is made, for the owner only.

    Args:
        keys: the pair.
        name: of their owner, and of the files.
        folder: made where it is missing.

    Raises:
        LinkError: either is there already, or it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LinkError(f"{folder}: cannot make the folder for keys ({error.strerror}); choose another") from error
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    if public.exists():
        raise LinkError(f"{public}: there already; choose another name or remove it first")
    write_private_key(keys, name, private)
    create(public, f"{name} {keys.public}\n", "the key", mode=0o644)
    return private, public


def write_private_key(keys: KeyPair, owner: str, path: Path) -> None:
    """Write both halves, mode 0600.

    Args:
        keys: the pair.
        owner: of the keys, for the comment.
        path: of the file, which must not be there yet.

    Raises:
        LinkError: it is there already, or cannot be written.
    """
    text = f"# alpr private key of {owner}: give it to nobody\npublic {keys.public}\nsecret {keys.secret}\n"
    create(path, text, "the key", mode=0o600)


def show_public(key_file: Path, public_key: str) -> None:
    """Put another public key in the `.pub` file beside a key file, where there is one.

    To be done before the key file itself is replaced: where that is broken off, doing both again sets it right.

    Args:
        key_file: of the private key.
        public_key: in Z85.

    Raises:
        LinkError: it cannot be written.
    """
    path = key_file.with_suffix(".pub")
    if path.exists():
        rewrite(
            path,
            lambda text: f"{(text.split() or [key_file.stem])[0]} {public_key}\n",
            "the public key",
            may_be_missing=False,
        )


def load_key_pair(path: Path) -> KeyPair:
    """Read a private key file.

    Args:
        path: of the private key's file.

    Raises:
        LinkError: missing, readable by others, or not a key file.
    """
    try:
        with open_regular(path) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096).decode("ascii", "replace")
    except OSError as error:
        raise LinkError(
            f"{path}: cannot read the key ({error.strerror}); make one with: alpr device enrol, or alpr key new"
        ) from error
    if mode & 0o077:
        raise LinkError(f"{path}: mode {mode:04o} lets others read this private key; run: chmod 600 {path}")
    fields = dict(line.split(None, 1) for line in text.splitlines() if len(line.split()) == 2)
    keys = KeyPair(fields.get("public", "").strip(), fields.get("secret", "").strip())
    if not is_key(keys.public) or not is_key(keys.secret):
        raise LinkError(f"{path}: not a key file of alpr; make one with: alpr device enrol, or alpr key new")
    if zmq.curve_public(keys.secret.encode("ascii")).decode("ascii") != keys.public:
        raise LinkError(f"{path}: its public key does not belong to its secret key; make a new pair")
    return keys


def load_public_key(text_or_path: str) -> str:
    """Read a public key that is given as its 40 characters, or as the `.pub` file that holds it.

    Args:
        text_or_path: either.

    Raises:
        LinkError: neither.
    """
    if is_key(text_or_path):
        return text_or_path
    path = Path(text_or_path)
    try:
        words = read_regular(path, 4096).decode("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise LinkError(f"{text_or_path}: neither a public key of 40 characters nor a file that holds one") from error
    if not words or len(words) > 2 or not is_key(words[-1]):
        raise LinkError(f"{path}: holds no public key; give the .pub file that alpr key new made")
    return words[-1]

"""Passwords and their hashes: Argon2id, at the cost that a small computer beside its cameras can pay."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alpr.errors import SignInError

LEAST_LENGTH = 8
MOST_LENGTH = 256
"""Characters. Beyond it a password is refused unhashed: hashing a megabyte would be an attack."""

# OWASP's least for Argon2id: one thread, so that a sign-in never takes a second core from the cameras.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Hash a new password for the users' file.

    Args:
        password: 8 to 256 characters, no control characters.

    Raises:
        SignInError: it is too short or too long, or cannot be typed.
    """
    if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
        raise SignInError(f"a password has {LEAST_LENGTH} to {MOST_LENGTH} characters, this one has {len(password)}")
    if not password.isprintable():
        raise SignInError("a password is made of characters that can be typed and seen, spaces included")
    return _hasher.hash(password)


def is_right_password(password: str, hashed: str | None) -> bool:
    """Tell whether a password is the one that was hashed. Takes as long where there is no such user.

    Args:
        password: as it was typed.
        hashed: from the users' file; None where nobody has the name that was typed.
    """
    if len(password) > MOST_LENGTH:
        return False
    try:
        return _hasher.verify(hashed or _NOBODYS, password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def is_hash(text: str) -> bool:
    """Tell whether a text is a hash that `is_right_password` understands.

    Args:
        text: a field of the users' file.
    """
    return text.startswith("$argon2id$") and len(text) < 512

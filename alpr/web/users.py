"""The people who may sign in: a text file, one `NAME HASH` on each line, read again when it changes.

Lines that begin with `#` are comments. A line that cannot be understood admits nobody; while the file has changed and
cannot be read, nobody signs in: it may be that someone was taken off it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

from alpr.clock import Clock
from alpr.errors import LinkError, SignInError
from alpr.system.locked_file import WatchedText, read_text, rewrite
from alpr.web.passwords import hash_password, is_hash

_log = logging.getLogger(__name__)
_WHAT = "the list of the page's users (see: alpr page user add)"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


class Users:
    """The file's users, kept current by `refresh`.

    Args:
        path: of the file; nobody is admitted while it is missing.
        clock: spaces reminders about a file that cannot be read.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._file = WatchedText(path, _WHAT, clock, may_be_missing=True)
        self._hashes: dict[str, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the file again if it has changed."""
        text = self._file.news()
        if text is not None:
            self._hashes, mistakes = parse_users(text)
            for mistake in mistakes:
                _log.error("%s: %s; that line admits nobody", self._path, mistake)

    def hash_of(self, name: str) -> str | None:
        """Return the hash of a user's password; None where there is no such user, or that cannot be known now.

        Args:
            name: as it was typed.
        """
        self.refresh()
        return self._hashes.get(name) if self._file.is_known else None

    @property
    def names(self) -> tuple[str, ...]:
        """All who may sign in now."""
        self.refresh()
        return tuple(sorted(self._hashes)) if self._file.is_known else ()


def parse_users(text: str) -> tuple[dict[str, str], list[str]]:
    """Parse the text of a users' file: hashes by name, and what is wrong with its other lines.

    Args:
        text: of the file.
    """
    hashes: dict[str, str] = {}
    mistakes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) != 2 or not _NAME.fullmatch(words[0]) or not is_hash(words[1]):
            mistakes.append(f"line {number}: not NAME HASH")
        elif words[0] in hashes:
            mistakes.append(f"line {number}: the name {words[0]} again")
        else:
            hashes[words[0]] = words[1]
    return hashes, mistakes


def read_users(path: Path) -> tuple[str, ...]:
    """Read the names of those who may sign in; none where there is no file yet.

    Args:
        path: of the users' file.

    Raises:
        SignInError: the file cannot be read, or a line of it cannot be understood.
    """
    if not path.exists():
        return ()
    try:
        hashes, mistakes = parse_users(read_text(path, _WHAT))
    except LinkError as error:
        raise SignInError(str(error)) from error
    if mistakes:
        raise SignInError(f"{path}: {'; '.join(mistakes)}; every line is NAME HASH, written by alpr page user add")
    return tuple(sorted(hashes))


def put_user(path: Path, name: str, password: str) -> bool:
    """Let a person sign in, or give them another password.

    Args:
        path: of the users' file, which is made where it is missing, readable by its owner alone.
        name: letters, digits, dots, hyphens, underscores and @, at most 64.
        password: see `hash_password`.

    Returns:
        True where they could sign in before, with another password.

    Raises:
        SignInError: the name or the password cannot be one, or the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise SignInError(f"{name!r}: a name is letters, digits, dots, hyphens, underscores and @, at most 64")
    line = f"{name} {hash_password(password)}"
    was_there = False

    def change(text: str) -> str:
        nonlocal was_there
        kept = [each for each in text.splitlines() if each.split()[:1] != [name]]
        was_there = len(kept) < len(text.splitlines())
        return "\n".join([*kept, line, ""])

    _rewrite(path, change)
    return was_there


def remove_user(path: Path, name: str) -> None:
    """Take a person off the file: they sign in no more, and sessions of theirs end.

    Args:
        path: of the users' file.
        name: as it stands there.

    Raises:
        SignInError: there is no such user, or the file cannot be written.
    """
    if name not in read_users(path):
        raise SignInError(f"{path}: no user {name}; see alpr page user list")
    _rewrite(path, lambda text: "".join(f"{each}\n" for each in text.splitlines() if each.split()[:1] != [name]))


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    try:
        rewrite(path, change, _WHAT, mode=0o600, may_be_missing=True)
    except LinkError as error:
        raise SignInError(str(error)) from error

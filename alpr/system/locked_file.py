"""Small text files that several processes change: one writer at a time, replaced in one step, durable.

What such a file says about who is let in counts only as long as it is known: one that has changed, and cannot be
read, allows nothing until it can.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alpr.clock import Clock
from alpr.errors import LinkError
from alpr.system.descriptors import SPARE
from alpr.system.files import put_in_place, whole_file
from alpr.system.regular_files import read_regular
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_MOST_BYTES = 16 << 20
_PATIENCE_S = 5.0
_GRACE_S = 2.0
"""For so long a file may be missing: some editors move it away before they write it anew."""
_REMINDER_S = 60.0


def read_text(path: Path, what: str) -> str:
    """The file's text.

    Args:
        what: it is, for the error's message.

    Raises:
        LinkError: it cannot be read.
    """
    try:
        return SPARE.use(lambda: read_regular(path, _MOST_BYTES)).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LinkError(f"{path}: cannot read {what} ({error})") from error


def stamp(path: Path, what: str) -> tuple[int, ...]:
    """Return a value that changes whenever the file was replaced or written.

    Args:
        path: of the file.
        what: the file's purpose, for the error's text.

    Raises:
        LinkError: it is not there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise LinkError(f"{path}: cannot read {what} ({error})") from error
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


class WatchedText:
    """A file that is read again whenever it has changed.

    Args:
        what: it is, for messages.
        may_be_missing: then it is as good as empty.
    """

    def __init__(self, path: Path, what: str, clock: Clock, *, may_be_missing: bool = False) -> None:
        self._path = path
        self._what = what
        self._clock = clock
        self._may_be_missing = may_be_missing
        self._stamp: tuple[int, ...] | None = None
        self._in_doubt_since_s: float | None = None
        self._reminder = Every(_REMINDER_S, clock)
        self.is_known = True
        """False while it may say something else than what was last read: nothing in it is to be relied on."""
        SPARE.hold()

    def news(self) -> str | None:
        """The text where it has changed since it was last read; None where it has not, or cannot be read."""
        try:
            found = self._look()
            text = None if found == self._stamp else self._read(found)
        except LinkError as error:
            self._doubt(error)
            return None
        if not self.is_known:
            _log.warning("%s: it can be read again", self._path)
        self._stamp, self.is_known, self._in_doubt_since_s = found, True, None
        SPARE.hold()
        return text

    def _look(self) -> tuple[int, ...]:
        try:
            return stamp(self._path, self._what)
        except LinkError as error:
            if self._may_be_missing and isinstance(error.__cause__, FileNotFoundError):
                return ()
            raise

    def _read(self, found: tuple[int, ...]) -> str:
        return read_text(self._path, self._what) if found else ""

    def _doubt(self, error: LinkError) -> None:
        now_s = self._clock.monotonic_ns() / 1e9
        if self._in_doubt_since_s is None:
            self._in_doubt_since_s = now_s
        is_missing = isinstance(error.__cause__, FileNotFoundError)
        if is_missing and now_s - self._in_doubt_since_s < _GRACE_S:
            return
        self.is_known = False
        if self._reminder.is_due():
            _log.error("%s; until it can be read again, nobody is admitted by what it said before", error)


def rewrite(path: Path, change: Callable[[str], str], what: str, *, mode: int = 0o644, may_be_missing: bool) -> None:
    """Replace the file's text by what `change` makes of it.

    Args:
        mode: of a file that is made.
        may_be_missing: then `change` is given "".

    Raises:
        LinkError: it cannot be read or written, or another change takes too long.
    """
    with _alone(path):
        before = "" if may_be_missing and not path.exists() else read_text(path, what)
        after = change(before)
        try:
            like = path if path.exists() else path.parent
            _write(path, after, like, path.stat().st_mode & 0o777 if like == path else mode)
        except OSError as error:
            raise LinkError(f"{path}: cannot write {what} ({error.strerror}); check its folder") from error


def create(path: Path, text: str, what: str, *, mode: int) -> None:
    """Write a file that must not be there yet: whole, or not at all, whenever the process is killed.

    Args:
        path: of the new file.
        text: its content.
        what: the file's purpose, for the error's text.
        mode: permission bits.

    Raises:
        LinkError: it is there already, or cannot be written.
    """
    with _alone(path):
        if path.exists():
            raise LinkError(f"{path}: there already; choose another name or remove it first")
        try:
            _write(path, text, path.parent, mode)
        except OSError as error:
            raise LinkError(f"{path}: cannot write {what} ({error.strerror}); check the folder") from error


def _write(path: Path, text: str, like: Path, mode: int) -> None:
    with whole_file(path, mode) as file:
        give_as(like, file.fileno())
        file.write(text.encode())


def give_as(like: Path, descriptor: int) -> None:
    """Give a file that root has made to the owner of another one, so that the program that runs can read it.

    Args:
        like: whose owner is taken.
        descriptor: of the new file, open.
    """
    if os.geteuid() == 0:
        owner = like.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Locks the folder, which the end of a process unlocks whatever ended it."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise LinkError(f"{path}: cannot open its folder ({error.strerror})") from error
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise LinkError(f"{path}: another change is under way; try again") from error
                time.sleep(0.02)
        yield
    finally:
        os.close(folder)


def take_place(draft: Path, path: Path) -> None:
    """Move a finished file into the place of another one, with that one's owner, durably.

    Args:
        draft: written, on the same file system.
        path: replaced in one step.

    Raises:
        OSError: it cannot be done.
    """
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        give_as(path, descriptor)
    finally:
        os.close(descriptor)
    put_in_place(draft, path)

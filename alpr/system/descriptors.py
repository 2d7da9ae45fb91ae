"""The file descriptors of a process: how many it may have, and a spare one for when strangers use up all others."""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Callable
from typing import TypeVar

_WANTED = 16_384
_T = TypeVar("_T")


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as it may, up to a sensible number; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return descriptor_limit()


def descriptor_limit() -> int:
    """Return this process's limit of open files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _WANTED if soft == resource.RLIM_INFINITY else soft


class Spare:
    """A descriptor that is held back for when no other can be had."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: int | None = None

    def hold(self) -> None:
        """Take one, where there is one to be had."""
        with self._lock:
            self._hold()

    def use(self, read: Callable[[], _T]) -> _T:
        """Call a function; again with the spare descriptor released for it, where none else can be had.

        Args:
            read: opens a file and closes it; raises OSError where it cannot.

        Raises:
            OSError: as the function.
        """
        try:
            return read()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
        with self._lock:
            if self._held is not None:
                os.close(self._held)
                self._held = None
            try:
                return read()
            finally:
                self._hold()

    def _hold(self) -> None:
        if self._held is None:
            try:
                self._held = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return  # at the next look


SPARE = Spare()

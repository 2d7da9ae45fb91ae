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
    """Let this process open as many files as it may, up to a sensible number; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return descriptor_limit()


def descriptor_limit() -> int:
    """How many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _WANTED if soft == resource.RLIM_INFINITY else soft


class Spare:
    """A descriptor that is held for later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: int | None = None

    def hold(self) -> None:
        """Hold one, where there is one to be had."""
        with self._lock:
            self._hold()

    def use(self, read: Callable[[], _T]) -> _T:
        """Call a function; once more with the spare descriptor given up for it where there is no other.

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

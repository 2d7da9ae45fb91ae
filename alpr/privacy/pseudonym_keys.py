"""The keys of pseudonyms: a new one each day or sooner, destroyed with the last pseudonym that it sealed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from alpr.clock import Clock, micros
from alpr.errors import StoreUnavailable
from alpr.privacy.pseudonyms import KEY_BYTES

_log = logging.getLogger(__name__)
_LONGEST_TURN = timedelta(hours=24)


class PseudonymKeys:
    """A folder with one file for each key, named by the second since 1970 from which on it sealed.

    Args:
        folder: made where missing, closed to others.
        lifetime: of a pseudonym.
        clock: whose instants count.

    Raises:
        StoreUnavailable: it cannot be made or read.
    """

    def __init__(self, folder: Path, lifetime: timedelta, clock: Clock) -> None:
        self._folder = folder
        self._lifetime = lifetime
        self._turn = min(lifetime, _LONGEST_TURN)
        self._clock = clock
        self._keys: dict[int, bytes] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.key")):
                if path.stem.isdigit() and len(key := path.read_bytes()) == KEY_BYTES:
                    self._keys[int(path.stem)] = key
                else:  # cut short by a power cut: nothing was sealed with it
                    _destroy(path)
        except OSError as error:
            raise StoreUnavailable(
                f"{folder}: keys cannot be read ({error.strerror}); see device.data_dir"
            ) from error
        self.destroy_old()

    def current(self) -> tuple[int, bytes]:
        """Return the number and the bytes of the key that seals now; a new one where its turn has come.

        Raises:
            StoreUnavailable: a new one cannot be written.
        """
        now_s = self._now_s()
        newest = max(self._keys, default=None)
        # A clock that was set back goes on with the newest key: it is destroyed no later for that.
        if newest is None or now_s >= newest + self._turn.total_seconds():
            newest = now_s
            self._keys[newest] = self._write(newest)
        return newest, self._keys[newest]

    def __getitem__(self, number: int) -> bytes:
        return self._keys[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def destroy_old(self) -> tuple[int, ...]:
        """Destroy the keys whose pseudonyms are all past their time, and return their numbers."""
        over = (self._turn + self._lifetime).total_seconds()
        old = tuple(number for number in self._keys if self._now_s() >= number + over)
        for number in old:
            del self._keys[number]
            _destroy(self._path(number))
        return old

    def _now_s(self) -> int:
        return micros(self._clock.now()) // 1_000_000

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.key"

    def _write(self, number: int) -> bytes:
        key = os.urandom(KEY_BYTES)
        try:
            descriptor = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreUnavailable(
                f"{self._path(number)}: a key cannot be written ({error.strerror}); see device.data_dir"
            ) from error
        return key


def _destroy(path: Path) -> None:
    """Overwrite a key, then delete it: what a deleted file held stays on a disk for long."""
    try:
        with path.open("r+b") as file:
            file.write(bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _log.error("%s: a key could not be overwritten: %s", path, error.strerror)
    with suppress(OSError):
        path.unlink()

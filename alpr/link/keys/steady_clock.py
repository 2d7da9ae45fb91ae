"""A clock that never goes back, not even across a restart: what has ended once stays ended, whatever the clock says.

The highest time seen by it lies beside the list of allowed devices, in `NAME.time`. While the program runs, time goes
on from there by the machine's steady count, so that a clock that was once far ahead does not stop it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alpr.clock import Clock
from alpr.errors import LinkError
from alpr.system.locked_file import read_text, rewrite

_log = logging.getLogger(__name__)
_WHAT = "the highest time seen"
_TELLING = timedelta(minutes=1)


def time_path(allowed: Path) -> Path:
    """Return the path of the highest time that belongs to an allow-list.

    Args:
        allowed: path of the allow-list.
    """
    return allowed.with_name(f"{allowed.name}.time")


class SteadyClock:
    """The later of a clock's time, and of the highest time seen plus what has passed since.

    Args:
        path: keeps the highest time seen; made when something has ended.

    Raises:
        LinkError: it cannot be read.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._kept = _read(path)
        self._latest, self._latest_ns = self._kept, clock.monotonic_ns()
        self._is_told = False
        behind = self._kept - clock.now()
        if behind > _TELLING:
            _log.error(
                "%s: the clock is %s behind the highest time seen (%s); keys and codes end by the latter. If that "
                "was the wrong one, stop the collector and remove the file",
                path,
                behind,
                self._kept,
            )

    def now(self) -> datetime:
        """The current instant, aware UTC; never before one that was returned earlier."""
        wall, now_ns = self._clock.now(), self._clock.monotonic_ns()
        counted = _later(self._latest, (now_ns - self._latest_ns) / 1e9)
        self._latest, self._latest_ns = max(wall, counted), now_ns
        return self._latest

    def monotonic_ns(self) -> int:
        """Return the count of the wrapped clock."""
        return self._clock.monotonic_ns()

    def has_passed(self, instant: datetime) -> bool:
        """Tell whether an instant is over; once it is, that is kept.

        Args:
            instant: aware UTC.
        """
        if instant <= self._kept:
            return True
        now = self.now()
        if now < instant:
            return False
        self._keep(now)
        return True

    def _keep(self, now: datetime) -> None:
        try:
            rewrite(
                self._path,
                lambda text: f"{max(now, _instant(text, self._path)).isoformat()}\n",
                _WHAT,
                may_be_missing=True,
            )
        except LinkError as error:
            if not self._is_told:
                _log.error("%s; tried again", error)
            self._is_told = True
            return
        self._kept, self._is_told = now, False


def highest_time(allowed: Path, now: datetime) -> datetime:
    """Return the time by which codes and keys of a list end: now, or the highest that its collector has seen.

    Args:
        allowed: path of the allow-list.
        now: aware UTC.

    Raises:
        LinkError: the file cannot be read.
    """
    return max(now, _read(time_path(allowed)))


def _read(path: Path) -> datetime:
    return _instant(read_text(path, _WHAT) if path.exists() else "", path)


def _instant(text: str, path: Path) -> datetime:
    if not text:
        return datetime.min.replace(tzinfo=UTC)
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise LinkError(f"{path}: not an instant; remove the file, and revoke what must not come back") from error


def _later(instant: datetime, seconds: float) -> datetime:
    try:
        return instant + timedelta(seconds=seconds)
    except OverflowError:
        return instant

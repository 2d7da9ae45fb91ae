"""PassLog: what became of the passes of one camera, hour by hour, and how the plates looked lately. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from alpr.types import EndedPass
from alpr.view.aim import Aim, PlateLook, aim_of, plate_look
from alpr.view.capture_rate import CaptureRate, PassCounts, capture_rate

KEPT_HOURS = 7 * 24
_LOOKS = 30
_LEAST_TEXT = 4


class PassLog:
    """Counts the passes of one camera. Not for use by several threads."""

    def __init__(self) -> None:
        self._hours: dict[datetime, PassCounts] = {}
        self._looks: deque[PlateLook] = deque(maxlen=_LOOKS)

    @property
    def hours(self) -> Mapping[datetime, PassCounts]:
        """Counts by hour, the beginning of which is the key, in UTC; the oldest first."""
        return self._hours

    @property
    def aim(self) -> Aim | None:
        """The look of the last vehicles' plates; None where there were none."""
        return aim_of(tuple(self._looks))

    def add(self, ended: EndedPass) -> None:
        """Add a pass that is over.

        Args:
            ended: the pass.
        """
        hour = ended.ended_at.replace(minute=0, second=0, microsecond=0)
        if hour not in self._hours:
            self._hours[hour] = PassCounts()
            self._forget(hour)
        self._hours[hour].add(ended)
        if ended.patch is not None and len(ended.text) >= _LEAST_TEXT:
            self._looks.append(plate_look(ended.corners, ended.patch, ended.frame_size_wh))

    def restore(self, hours: Mapping[datetime, PassCounts]) -> None:
        """Take over what was counted before a restart.

        Args:
            hours: counts by hour, in UTC.
        """
        self._hours = dict(sorted(hours.items()))

    def since(self, start: datetime) -> PassCounts:
        """Sum up the hours that end after an instant.

        Args:
            start: aware UTC.
        """
        hour = timedelta(hours=1)
        return sum((counts for begin, counts in self._hours.items() if begin + hour > start), PassCounts())

    def rate(self, now: datetime) -> CaptureRate | None:
        """Estimate the capture rate lately: of the last hour, or of the last 24 where that had too few passes.

        Args:
            now: aware UTC.
        """
        last_hour = capture_rate(self.since(now - timedelta(hours=1)))
        return last_hour or capture_rate(self.since(now - timedelta(hours=24)))

    def _forget(self, newest: datetime) -> None:
        # By number, and not by age alone: a clock that was years ahead for a moment must not cost what was counted.
        for hour in sorted(self._hours)[:-KEPT_HOURS]:
            if hour != newest:
                del self._hours[hour]

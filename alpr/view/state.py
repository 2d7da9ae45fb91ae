"""What is known of a camera's view at one moment, for all who show or send it. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alpr.view.aim import Aim
from alpr.view.alarms import ViewAlarm
from alpr.view.capture_rate import CaptureRate


@dataclass(frozen=True, slots=True)
class ViewState:
    """The view of a camera at one moment."""

    alarms: tuple[ViewAlarm, ...] = ()
    """Those that stand."""
    shows_nothing: ViewAlarm | None = None
    """The one of them by which no plate can be read at all."""
    is_judged: bool = False
    """False until a frame was looked at as a whole."""
    brightness: float | None = None
    """Mean luma of the picture, 0 to 255."""
    sharpness: float | None = None
    """Fine detail over coarse detail of the picture; see `ViewSample`."""
    aim: Aim | None = None
    """How the plates of the last vehicles looked; None where there were none."""
    rate: CaptureRate | None = None
    """Estimate over the last hour, or the last 24 where that had too few passes; None where those had, too."""
    unread: Mapping[str, int] = field(default_factory=dict)
    """Passes of the last 24 hours that gave no read, by cause."""

"""What is known of a camera's view at one moment, for all who show or send it. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from alpr.view.alarms import ViewAlarm


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

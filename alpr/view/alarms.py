"""Faults in the view of a camera, as words and sentences. Values only."""

from __future__ import annotations

from enum import StrEnum


class ViewAlarm(StrEnum):
    """A reason why a camera that delivers frames does not show what it should."""

    BLACK = "black"
    FROZEN = "frozen"
    BLINDED = "blinded"
    BLURRED = "blurred"
    MOVED = "moved"
    OBSCURED = "obscured"
    """Water, dirt or anything else hides a part."""


SHOWS_NOTHING = (ViewAlarm.BLACK, ViewAlarm.FROZEN, ViewAlarm.BLINDED)
"""With these no plate can be read: such a camera is not running, whatever it delivers. The worst comes first."""

_RAISED = {
    ViewAlarm.BLACK: "the picture is black: look for a covered lens, a dead infrared lamp, or a fault in the camera",
    ViewAlarm.FROZEN: "the picture stands still although frames come: restart the camera",
    ViewAlarm.BLINDED: "the picture is burnt out: sun or lamps shine into the lens, or the exposure is too long",
    ViewAlarm.BLURRED: "the picture is out of focus, or the lens is fogged: focus it, clean it, dry it",
    ViewAlarm.MOVED: "the camera looks elsewhere than before: turn it back, or restart to accept the view",
    ViewAlarm.OBSCURED: "a part of the picture has become dull: look for water, dirt or webs on the lens",
}


def view_text(name: str) -> str:
    """Return the sentence of an alarm by its name; one that a newer device knows is named as it is.

    Args:
        name: as in a heartbeat.

    >>> view_text("eclipsed")
    'the picture is eclipsed'
    """
    return _RAISED[ViewAlarm(name)] if name in set(ViewAlarm) else f"the picture is {name}"


def alarm_text(alarm: ViewAlarm, *, is_raised: bool = True) -> str:
    """Return a sentence for people: what is wrong and what to do, or that it is over.

    Args:
        alarm: the reason.
        is_raised: False where it is over.

    >>> alarm_text(ViewAlarm.FROZEN)
    'the picture stands still although frames come: restart the camera'
    >>> alarm_text(ViewAlarm.FROZEN, is_raised=False)
    'the picture is no longer frozen'
    """
    if is_raised:
        return _RAISED[alarm]
    if alarm is ViewAlarm.MOVED:
        return "the camera looks where it did before, or its new view was accepted"
    return f"the picture is no longer {alarm.value}"

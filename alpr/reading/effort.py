"""The effort that a camera's frames are worth: from all that can be done to no more than must be. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The looks at a camera's frames in which something moves. A frame in which nothing does costs little anyway."""

    whole_after_s: float = 0.0
    """Least time between two looks at whole frames; in between only plates that are not read surely are looked at,
    each in a window."""
    nearer_after_s: float = 0.0
    """Least time between two nearer looks at a part of a frame that shows no plate."""
    saves_readings: bool = False
    """True reads of each pass the best few patches only."""
    look_after_s: float = 0.0
    """Least time between two frames that are looked at; those in between are skipped."""
    sheds: str = ""
    """Says in words what is left out; "" for nothing."""


_WINDOWS = "whole frames only every {0:g} s, in between the plates alone"

LADDER: tuple[Effort, ...] = (
    Effort(),
    Effort(whole_after_s=0.075, sheds=_WINDOWS.format(0.08)),
    Effort(whole_after_s=0.155, sheds=_WINDOWS.format(0.16)),
    Effort(whole_after_s=0.155, nearer_after_s=0.5, sheds=_WINDOWS.format(0.16) + ", nearer looks every 0.5 s"),
    Effort(
        whole_after_s=0.155,
        nearer_after_s=0.5,
        saves_readings=True,
        sheds=_WINDOWS.format(0.16) + ", nearer looks every 0.5 s, the best few patches of each plate",
    ),
    *(
        Effort(
            look_after_s=after_s - 0.005,
            nearer_after_s=1.0,
            saves_readings=True,
            sheds=f"one frame every {after_s:g} s, nearer looks every 1 s, the best few patches of each plate",
        )
        for after_s in (0.2, 0.4)
    ),
)
"""From the least that is shed to the most: no camera is ever looked at less often than the last step says."""

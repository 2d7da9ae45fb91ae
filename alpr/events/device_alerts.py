"""Alerts on the health of devices: what is wrong, where, since when. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProblemKind(StrEnum):
    """A kind of problem."""

    SILENT = "silent"
    CLOCK = "clock-offset"
    LIST_AGE = "list-age"
    STORAGE = "storage"
    CAMERA_VIEW = "camera-view"
    """A camera delivers frames that do not show what they should."""
    AUDIT = "audit"
    """The collector's own record of who looked at what; its `device` is `COLLECTOR`."""


COLLECTOR = "collector"
"""Stands for the collector itself where a device is named."""


@dataclass(frozen=True, slots=True)
class DeviceProblem:
    """A problem of a device, or of the collector itself."""

    device: str
    kind: ProblemKind
    subject: str = ""
    """Name of the hotlist or of the camera, or of the device that remembers the audit otherwise; "" where there is
    none."""


@dataclass(frozen=True, slots=True)
class DeviceAlert:
    """A problem that has begun or has ended."""

    problem: DeviceProblem
    is_raised: bool
    """False: it is over."""
    at: datetime
    text: str
    """A sentence for people."""

"""Alerts on the health of devices: what is wrong, where, since when. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlertKind(StrEnum):
    """What is wrong."""

    SILENT = "silent"
    CLOCK = "clock-offset"
    LIST_AGE = "list-age"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong where."""

    device: str
    kind: AlertKind
    subject: str = ""
    """Name of the hotlist; "" where it concerns the whole device."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Trouble that has begun or has ended."""

    trouble: Trouble
    is_raised: bool
    """False: it is over."""
    at: datetime
    text: str
    """For people."""

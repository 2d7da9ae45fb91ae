"""What came of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class NotTried(Exception):
    """A scenario needs something that this machine does not give."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether all was as it must be, and the figures."""

    is_right: bool
    figures: Mapping[str, int | float | str]

"""Progress of long work, as whoever does it reports it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[float], None]
"""Is given the share that is done, from 0 to 1, now and then."""

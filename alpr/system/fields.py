"""Kinds of field that files and messages share, each with its bounds; see `alpr.system.decoding`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""Aware: one without a time zone is refused."""
SetName: TypeAlias = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
"""Name of a set of published hotlists; also a part of file names."""

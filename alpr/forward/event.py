"""What is carried on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as the row that `alpr collector` prints."""

    number: int
    """In the order in which they were stored; never used twice."""
    kind: str
    """"read", "hit", "disposition", "loss" or "alert"."""
    row: Mapping[str, Any]
    """JSON-able."""

    @property
    def event_id(self) -> str:
        """The same for every attempt, so that whoever takes it can tell a repetition."""
        row = self.row
        if self.kind == "alert":  # the same may be raised and cleared again and again
            return f"alert-{row['alert_id']}-{row['at']}-{'raised' if row['is_raised'] else 'cleared'}"
        if self.kind == "loss":  # a total that grows: told again, it is the same
            return f"loss-{row['device']}-{row['what']}-{row['cause']}-{row['last_at']}"
        about = row.get(f"{self.kind}_id", self.number)
        revision = row.get("revision", row.get("read_revision", 0))
        withdrawn = "-withdrawn" if row.get("is_withdrawn") else ""
        final = "-final" if row.get("is_final") else ""
        return f"{self.kind}-{about}-{revision}{withdrawn}{final}"

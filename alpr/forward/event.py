"""What is carried on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN_ID = re.compile(r"[!-~]{1,200}")
"""What a header of HTTP holds wherever in it: visible ASCII, no space."""
_BRIEF = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as the row that `alpr collector` prints."""

    number: int
    """In the order in which they were stored; never used twice."""
    kind: str
    """"read", "hit", "disposition", "loss" or "alert"."""
    row: Mapping[str, Any]
    """JSON-able."""
    fault: str = ""
    """Why the row cannot be read, where its place in the queue is torn; then `row` is empty."""

    @property
    def event_id(self) -> str:
        """The same for every attempt, so that whoever takes it can tell a repetition. Visible ASCII.

        It is made of names and texts that devices choose: where these hold anything that a header cannot, or very
        much, a digest of them stands for them.
        """
        name = self._name()
        if _PLAIN_ID.fullmatch(name):
            return name
        return f"{self.kind}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"

    def _name(self) -> str:
        row = self.row
        if self.fault:
            return f"{self.kind}-{self.number}"
        if self.kind == "alert":  # the same may be raised and cleared again and again
            return f"alert-{row.get('alert_id')}-{row.get('at')}-{'raised' if row.get('is_raised') else 'cleared'}"
        if self.kind == "loss":  # a total that grows: told again, it is the same
            return "-".join(("loss", *(str(row.get(key)) for key in ("device", "what", "cause", "last_at"))))
        about = row.get(f"{self.kind}_id", self.number)
        revision = row.get("revision", row.get("read_revision", 0))
        withdrawn = "-withdrawn" if row.get("is_withdrawn") else ""
        final = "-final" if row.get("is_final") else ""
        return f"{self.kind}-{about}-{revision}{withdrawn}{final}"


def json_text(row: Mapping[str, Any]) -> str:
    """A row as JSON that is UTF-8 whatever stands in it: half a surrogate pair becomes a question mark."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def brief(said: object) -> str:
    """What a receiver or a failure says, as it may stand in the log: one short line without control characters."""
    text = str(said)
    line = "".join(letter if letter.isprintable() else " " for letter in text[:_BRIEF])
    return f"{line}…" if len(text) > _BRIEF else line

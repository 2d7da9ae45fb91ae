"""An event on its way to a target, with the id by which a repetition is recognised."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN_ID = re.compile(r"[!-~]{1,200}")
"""Characters that an HTTP header may hold anywhere: visible ASCII, no space."""
_BRIEF = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as the row that `alpr collector` prints."""

    number: int
    """Position in the queue; never used twice."""
    kind: str
    """"read", "hit", "disposition", "loss", "alert" or "audit-head"."""
    row: Mapping[str, Any]
    """JSON-able."""
    fault: str = ""
    """The reason why the row cannot be read, where the queue is torn there; then `row` is empty."""

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
        if self.kind == "loss":  # a total that grows: sent again, it is the same
            return "-".join(("loss", *(str(row.get(key)) for key in ("device", "what", "cause", "last_at"))))
        about = row.get(f"{self.kind}_id", self.number)
        revision = row.get("revision", row.get("read_revision", 0))
        withdrawn = "-withdrawn" if row.get("is_withdrawn") else ""
        final = "-final" if row.get("is_final") else ""
        return f"{self.kind}-{about}-{revision}{withdrawn}{final}"


def json_text(row: Mapping[str, Any]) -> str:
    """Return a row as JSON that is valid UTF-8: half a surrogate pair becomes a question mark.

    Args:
        row: ready for JSON.

    >>> json_text({"plate": "Ü1"})
    '{"plate": "Ü1"}'
    """
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def brief(message: object) -> str:
    r"""Return a receiver's answer or a failure for the log: one short line without control characters.

    Args:
        message: of any type.

    >>> brief("no\nroom")
    'no room'
    """
    text = str(message)
    line = "".join(letter if letter.isprintable() else " " for letter in text[:_BRIEF])
    return f"{line}…" if len(text) > _BRIEF else line

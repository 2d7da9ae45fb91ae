"""The rows of events, as `alpr collector` prints them and as webhooks and MQTT carry them; and their JSON Schema.

`python -m alpr.events.schema docs/schemas` writes it. Rows are made in `alpr.events.stored_rows`; a test compares.
Instants are ISO 8601 with their offset, which is UTC.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import msgspec


class _Carried(TypedDict):
    device: str
    """Name at the collector."""
    event_id: NotRequired[str]
    """Where it is carried on: the same for every attempt."""
    event_type: NotRequired[str]
    """Over MQTT: as `event`, with `_withdrawn` or `_cleared` where something is over."""


class ReadEvent(_Carried):
    """One vehicle pass; a higher revision of the same `read_id` replaces it."""

    event: Literal["read"]
    camera_id: str
    read_id: str
    revision: int
    is_final: bool
    plate: str
    confidence: float
    region: str | None
    direction: str | None
    observations: int
    first_seen_at: str
    last_seen_at: str


class HitEvent(_Carried):
    """A read that meets a hotlist entry; a later one of the same `hit_id` replaces it."""

    event: Literal["hit"]
    camera_id: str
    hit_id: str
    read_id: str
    read_revision: int
    plate: str
    match: str
    entry_plate: str
    differing_positions: list[int]
    probability: float
    list_name: str
    list_revision: int
    list_age_s: float
    priority: int
    reason: str
    category: str
    code: str
    case_reference: str
    vehicle: str
    colour: str
    sound: str
    instructions: str
    unchecked: list[str]
    list_warning: str
    is_past: bool
    read_at: str | None
    is_withdrawn: bool
    raised_at: str
    receivers: NotRequired[list[str]]
    """Of a covert entry: who may be told."""


class DispositionEvent(_Carried):
    """What a person decided on a hit."""

    event: Literal["disposition"]
    disposition_id: str
    hit_id: str
    verdict: str
    action: str
    reason: str
    true_text: str
    by: str
    decided_at: str
    verified_with: str
    verified_at: str | None
    receivers: NotRequired[list[str]]
    """Of a covert entry's hit: who may be told."""


class LossEvent(_Carried):
    """What a device could not keep or deliver: a total that only grows."""

    event: Literal["loss"]
    what: str
    cause: str
    total: int
    last_at: str


class AlertEvent(_Carried):
    """Something is wrong with a device, or is over."""

    event: Literal["alert"]
    alert_id: str
    """The same whenever the same is wrong with the same device: joins what is raised with what clears it."""
    kind: Literal["silent", "clock-offset", "list-age", "storage", "audit"]
    subject: str | None
    """Of `list-age`: name of the hotlist. Of `audit`: the device that remembers it otherwise."""
    is_raised: bool
    """False: it is over."""
    at: str
    text: str
    """For people."""


class AuditHeadEvent(_Carried):
    """The end of the audit, for a witness; `device` is "collector"."""

    event: Literal["audit-head"]
    at: str
    rows: int
    hash: str
    """SHA-256 of the last row."""
    epoch: int
    """When it was last begun anew on record, in seconds since 1970; 0: never."""
    seal: str
    """HMAC-SHA256 by the collector's key, in hexadecimal."""


EVENTS = (ReadEvent, HitEvent, DispositionEvent, LossEvent, AlertEvent, AuditHeadEvent)


def event_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of any event."""
    one_of, parts = msgspec.json.schema_components(EVENTS, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "events",
        "description": "What the collector prints, and posts or publishes under its own names. Fields may be added.",
        "oneOf": list(one_of),
        "$defs": dict(sorted(parts.items())),
    }


def main() -> None:
    """Write the file into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(event_schema(), indent=1, ensure_ascii=False) + "\n"
    (folder / "events.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""One event of each kind as a webhook posts it.

`python -m tests.golden.events` adds what is missing in events.json. What stands there is not changed: it is
what others' programs parse, and no field that it lacks may be required.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from alpr.collector.service.forwarding import _row
from alpr.collector.store.store import StoredRecord
from alpr.events.build import event_from_alert, event_from_audit_head
from alpr.events.device_alerts import DeviceAlert, DeviceProblem, ProblemKind
from alpr.forward.event import Event
from alpr.forward.formats import own_names
from alpr.link.protocol.convert import record_from_disposition, record_from_hit, record_from_read
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.link.protocol.messages import LossRecord
from alpr.types import Action, Disposition, Verdict
from tests.conftest import START
from tests.records import a_hit, a_read, an_id

PINNED = Path(__file__).with_name("events.json")
_RAISED = DeviceAlert(DeviceProblem("gate-1", ProblemKind.SILENT), True, START, "gate-1: nothing heard for 61 s")


def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, row) as the collector makes them."""
    hit = a_hit(a_read(text="AB12CDF"), "AB12CDE")
    covert = replace(hit, match=replace(hit.match, entry=replace(hit.match.entry, receivers=("squad",))))
    decided = Disposition(
        an_id("decision"),
        hit.hit_id,
        Verdict.CORRECT,
        Action.STOP,
        "officer 7",
        START + timedelta(seconds=60),
        verified_with="NCIC by radio",
        verified_at=START + timedelta(seconds=40),
    )
    for name, record in (
        ("read", record_from_read(a_read())),
        ("hit", record_from_hit(hit)),
        ("hit withdrawn", record_from_hit(replace(hit, is_withdrawn=True))),
        ("hit covert", record_from_hit(covert)),
        ("disposition", record_from_disposition(decided)),
        ("loss", LossRecord("0123456789abcdef", "picture", "outbox-full", 12, START)),
    ):
        row = _row(StoredRecord("gate-1", record))
        assert row is not None
        yield name, row
    yield "alert raised", event_from_alert(_RAISED)
    over = replace(_RAISED, is_raised=False, at=START + timedelta(seconds=90), text="gate-1: heard again")
    yield "alert cleared", event_from_alert(over)
    old = DeviceProblem("gate-1", ProblemKind.LIST_AGE, "stolen")
    yield (
        "alert of a list",
        event_from_alert(DeviceAlert(old, True, START, "gate-1: hotlist stolen (revision 7) is 25.0 h old")),
    )
    yield "audit head", event_from_audit_head(AuditHead(0, 7, "0123456789abcdef" * 4, b"s" * 32), START)


def bodies() -> dict[str, dict[str, Any]]:
    """The body of each by name."""
    return {name: dict(own_names(Event(7, row["event"], row))) for name, row in rows()}


def main() -> None:
    """Add what is new."""
    pinned = json.loads(PINNED.read_text()) if PINNED.exists() else {}
    PINNED.write_text(json.dumps(bodies() | pinned, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""No value in any field of any message or record is more than refused: by the decoder, by the store, by the rows."""

from __future__ import annotations

import io
import json
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from alpr.collector.access.hits import HitQuery, find_hits
from alpr.collector.service.event_printer import EventPrinter
from alpr.collector.service.intake import Intake
from alpr.collector.store.store import Store
from alpr.errors import MessageError
from alpr.link.protocol.messages import Batch, Entry, decode_from_collector, decode_from_device, decode_record
from alpr.link.server.handler import Delivery, Peer
from tests.conftest import FakeClock
from tests.golden.messages import pinned
from tests.hostile import with_each_extreme

BOOT = "0123456789abcdef"
PEER = Peer("e" * 40, "edge")
PINNED = pinned()


@pytest.mark.parametrize("name", PINNED)
def test_any_extreme_anywhere_raises_only_message_error(name: str) -> None:
    """One time stamp of the year 10000 ended the collector."""
    for what, raw in with_each_extreme(PINNED[name]):
        for decode in (decode_from_device, decode_from_collector, decode_record):
            try:
                decode(raw)
            except MessageError:
                continue
            except Exception as error:
                raise AssertionError(f"{name}, {what}: {error!r}") from error


RECORDS = [name for name in PINNED if name.split()[0] in {"read", "hit", "picture", "loss", "disposition"}]


@pytest.mark.parametrize("name", RECORDS)
def test_each_record_is_stored_or_refused_and_what_is_stored_can_be_shown(
    name: str, tmp_path: Path, clock: FakeClock
) -> None:
    spoilt = list(with_each_extreme(PINNED[name]))
    printed = io.StringIO()
    with closing(Store(tmp_path / "store.db", clock)) as store:
        intake = Intake(store, EventPrinter(printed))
        for first in range(0, len(spoilt), 500):
            entries = tuple(
                Entry(1 + number, msgspec.Raw(raw)) for number, (_, raw) in enumerate(spoilt[first : first + 500])
            )
            [receipt] = intake.store([Delivery(PEER, Batch(BOOT, 1, entries))])
            answered = [*receipt.seqs, *(refusal.seq for refusal in receipt.refused)]
            assert sorted(answered) == [entry.seq for entry in entries]
            unforeseen = [refusal for refusal in receipt.refused if "cannot be stored" in refusal.reason]
            assert not unforeseen
    assert intake.unreported == 0
    for line in printed.getvalue().splitlines():
        assert json.loads(line)["device"] == "edge"
    find_hits(tmp_path / "store.db", HitQuery(limit=10_000))

"""Every kind of match goes over the wire and is told to people as what it is."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alpr.cli.run import _line_of_hit
from alpr.collector.store.store import Store
from alpr.events.build import device_hit, event_from_record
from alpr.events.hit_text import line_from_hit
from alpr.link.protocol.convert import record_from_hit
from alpr.link.protocol.messages import Batch, Entry, encode
from alpr.link.server.handler import Delivery, Peer
from alpr.types import Hit, Match, MatchKind
from tests.conftest import FakeClock
from tests.records import a_hit, a_read, hit_from_record


def met_as(kind: MatchKind, positions: tuple[int, ...] = ()) -> Hit:
    hit = a_hit(a_read())
    return replace(hit, match=Match(hit.match.entry, kind, positions, 0.5))


def with_entry(hit: Hit, plate: str) -> Hit:
    return replace(hit, match=replace(hit.match, entry=replace(hit.match.entry, plate=plate)))


@pytest.mark.parametrize("kind", MatchKind)
def test_over_the_wire(kind: MatchKind) -> None:
    hit = met_as(kind, (0, 7))
    back = hit_from_record(record_from_hit(hit))
    assert (back.match.kind, back.match.differing_positions) == (kind, (0, 7))


@pytest.mark.parametrize("kind", MatchKind)
def test_the_collector_stores_and_tells_it(kind: MatchKind, tmp_path: Path, clock: FakeClock) -> None:
    record = record_from_hit(with_entry(met_as(kind), "AB?2*" if kind is MatchKind.WILDCARD else "AB12CDE"))
    entry = Entry(1, msgspec.Raw(encode(record)))
    with closing(Store(tmp_path / "store.db", clock)) as store:
        _, (stored,) = store.add([Delivery(Peer("e" * 40, "edge"), Batch("0" * 16, 1, (entry,)))])
    row: Any = event_from_record(stored.device, stored.record)
    assert (row["match"], row["entry_plate"]) == (kind.value, record.entry.plate)


@pytest.mark.parametrize("kind", [kind for kind in MatchKind if kind is not MatchKind.EXACT])
def test_no_approximate_match_is_shown_as_exact(kind: MatchKind) -> None:
    hit = met_as(kind)  # without any differing position
    assert device_hit(hit)["match"] == kind.value
    for line in (_line_of_hit(hit), line_from_hit("edge", record_from_hit(hit))):
        assert f"({kind.value}, " in line
        assert "exact" not in line


def test_an_exact_match_is() -> None:
    assert "(exact, p=0.50)" in _line_of_hit(met_as(MatchKind.EXACT))

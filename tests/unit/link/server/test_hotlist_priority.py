"""Hotlist updates give way: a device asks for none while a hit waits for its ack, and the collector acks first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox
from alpr.link.client.dealer_socket import Transition
from alpr.link.client.hotlist_download import HotlistDownload
from alpr.link.client.session import Session
from alpr.link.protocol.hotlist_messages import (
    HotlistAsk,
    HotlistNone,
    HotlistOffer,
    HotlistOffers,
    HotlistPart,
    HotlistsHeld,
)
from alpr.link.protocol.messages import Ack, Batch, FromCollector, Welcome
from alpr.link.server.handler import Peer
from alpr.link.server.hotlist_server import HotlistServer
from tests.conftest import FakeClock
from tests.records import a_hit, a_read
from tests.unit.link.client.test_hotlist_download import FakeStore
from tests.unit.link.client.test_session import FakeWire, Stage

OFFER = HotlistOffers((HotlistOffer("all", 3),))


@pytest.fixture
def stage(tmp_path: Path, clock: FakeClock) -> Iterator[Stage]:
    path = tmp_path / "journal.db"
    with closing(Journal(path, clock=clock)) as journal, Outbox(path) as outbox:
        wire = FakeWire()
        download = HotlistDownload(FakeStore(tmp_path / "incoming"), clock)
        session = Session(outbox, wire, clock, "test", ack_patience_s=10, download=download)
        yield Stage(path, clock, journal, outbox, wire, session)


def kinds(stage: Stage) -> list[str]:
    return [type(message).__name__ for message in stage.wire.sent]


def connect(stage: Stage, *, has_hotlists: bool = True) -> None:
    welcome = Welcome("test", has_hotlists=has_hotlists)
    stage.comes(welcome, changes=((Transition.UP, "connected"),))


def test_the_device_says_what_it_holds_after_the_welcome_then_asks_when_it_is_rung(stage: Stage) -> None:
    connect(stage)
    assert kinds(stage) == ["Hello", "HotlistsHeld"]
    stage.comes(OFFER)
    assert stage.wire.sent[-1] == HotlistAsk("all", 0)


def test_it_asks_for_nothing_while_a_hit_waits_for_its_ack(stage: Stage) -> None:
    read = a_read(1, picture_bytes=0)
    stage.journal.append([read], [a_hit(read)])
    connect(stage)
    stage.comes(OFFER)
    assert "HotlistAsk" not in kinds(stage)
    hit = next(message for message in stage.wire.sent if isinstance(message, Batch))
    stage.comes(Ack(hit.boot_id, (hit.entries[0].seq,)))
    assert kinds(stage)[-1] == "HotlistAsk"


def test_reads_do_not_hold_it_up(stage: Stage) -> None:
    stage.journal.append([a_read(n, picture_bytes=0) for n in range(50)], [])
    connect(stage)
    stage.comes(OFFER)
    assert kinds(stage)[-1] == "HotlistAsk"


def test_to_a_collector_of_an_older_version_it_says_nothing_of_hotlists(stage: Stage) -> None:
    connect(stage, has_hotlists=False)
    stage.comes()
    assert kinds(stage) == ["Hello"]


def test_after_a_break_it_says_again_what_it_holds(stage: Stage) -> None:
    connect(stage)
    stage.comes(changes=((Transition.DOWN, "gone"),))
    connect(stage)
    assert kinds(stage) == ["Hello", "HotlistsHeld"] * 2


class FakeLibrary:
    """Has one offer, and keeps what it is told."""

    def __init__(self) -> None:
        self.now = OFFER
        self.noted: list[tuple[str, HotlistsHeld]] = []

    def offers(self) -> HotlistOffers:
        return self.now

    def part(self, ask: HotlistAsk) -> HotlistPart | HotlistNone:
        return HotlistNone(ask.list_set)

    def note(self, peer: Peer, report: HotlistsHeld) -> None:
        self.noted.append((peer.name, report))


def test_the_server_rings_those_who_spoke_of_hotlists_once_for_each_change() -> None:
    library, sent = FakeLibrary(), list[tuple[bytes, FromCollector]]()
    full: set[bytes] = set()
    server = HotlistServer(
        library, lambda route, message: sent.append((route, message)), lambda route: route not in full
    )
    report = HotlistsHeld(())
    server.take(b"1", Peer("k1", "one"), report)
    server.take(b"2", Peer("k2", "two"), report)
    server.take(b"1", Peer("k1", "one"), HotlistAsk("all", 3))
    assert sent == []  # not before the acks of the same moment
    server.answer()
    assert sent == [(b"1", OFFER), (b"2", OFFER), (b"1", HotlistNone("all"))]
    sent.clear()
    full.add(b"2")  # it asks and asks, and reads nothing
    for route, peer in ((b"1", Peer("k1", "one")), (b"2", Peer("k2", "two"))):
        server.take(route, peer, HotlistAsk("all", 3))
    server.answer()
    assert sent == [(b"1", HotlistNone("all"))]
    sent.clear()
    server.take(b"1", Peer("k1", "one"), report)  # only what it holds has changed
    server.answer()
    server.ring(lambda _: True)
    sent.clear()
    server.ring(lambda _: True)
    assert sent == []
    library.now = HotlistOffers((HotlistOffer("all", 4),))
    server.ring(lambda key: key != "k2")  # it is allowed no more
    assert sent == [(b"1", library.now)]
    assert [name for name, _ in library.noted] == ["one", "two", "one"]

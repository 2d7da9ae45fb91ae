"""Fetching updates part by part: what is asked, what goes on after a cut, what a hostile collector can do."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alpr.link.client.hotlist_download import HeldSets, HotlistDownload
from alpr.link.protocol.hotlist_messages import (
    MAX_PART_BYTES,
    HotlistAsk,
    HotlistNone,
    HotlistOffer,
    HotlistOffers,
    HotlistPart,
    HotlistsHeld,
    SetReport,
)
from tests.conftest import START, FakeClock

CONTENT = bytes(range(256)) * 1000  # four parts, the last not full


@dataclass
class FakeStore:
    """Holds what the test says."""

    folder: Path
    held: HeldSets = HeldSets(HotlistsHeld(()))  # noqa: RUF009 - immutable
    unwanted: bytes = b"unwanted"

    def holdings(self) -> HeldSets:
        return self.held

    def refuses(self, path: Path, file_bytes: int) -> bool:
        return path.read_bytes().startswith(self.unwanted)

    def hold(self, revision: int, *, needs_snapshot: bool = False) -> None:
        report = SetReport("all", revision, "0" * 16, START, START, 1)
        self.held = HeldSets(HotlistsHeld((report,)), frozenset({"all"} if needs_snapshot else ()))

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()} if self.folder.exists() else {}


@dataclass
class Collector:
    """Answers asks with parts of one file; keeps what was said to it."""

    content: bytes = CONTENT
    revision: int = 1
    part_bytes: int = MAX_PART_BYTES
    asks: list[HotlistAsk] = field(default_factory=list)
    reports: list[HotlistsHeld] = field(default_factory=list)
    takes: bool = True

    def send(self, message: HotlistsHeld | HotlistAsk) -> bool:
        if self.takes:
            (self.asks if isinstance(message, HotlistAsk) else self.reports).append(message)  # type: ignore[arg-type]
        return self.takes

    def answer(self, ask: HotlistAsk) -> HotlistPart:
        sha256 = hashlib.sha256(self.content).digest()
        offset = ask.offset if ask.file_sha256 == sha256 else 0
        part = self.content[offset : offset + self.part_bytes]
        return HotlistPart("all", self.revision, sha256, len(self.content), offset, part)


class Line:
    """A puller and a collector."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = FakeStore(folder / "incoming")
        self.collector = Collector()
        self.download = HotlistDownload(self.store, self.clock)

    def connect(self, *, has_hotlists: bool = True) -> None:
        self.download.connected(has_hotlists=has_hotlists)
        self.download.take(HotlistOffers((HotlistOffer("all", self.collector.revision),)))

    def carry(self, parts: int = 100) -> int:
        """Let at most so many parts over; how many it were."""
        for count in range(parts):
            before = len(self.collector.asks)
            self.download.send_with(self.collector.send)
            if len(self.collector.asks) == before:
                return count
            self.download.take(self.collector.answer(self.collector.asks[-1]))
        return parts


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def test_a_file_comes_in_parts_one_at_a_time(line: Line) -> None:
    line.connect()
    line.download.send_with(line.collector.send)
    line.download.send_with(line.collector.send)
    assert [ask.offset for ask in line.collector.asks] == [0]  # the second waits for the answer
    line.download.take(line.collector.answer(line.collector.asks[0]))
    assert line.carry() == 3
    assert [ask.offset for ask in line.collector.asks] == [n * MAX_PART_BYTES for n in range(4)]
    assert line.store.files() == {"all-00000001.alprhl": CONTENT}
    assert line.carry() == 0  # it is for others to apply it; it is not fetched again meanwhile


def test_others_may_not_look_into_what_comes(line: Line) -> None:
    line.connect()
    line.carry()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in line.store.folder.iterdir()]
    assert modes
    assert not any(mode & 0o007 for mode in modes)


def test_a_begun_file_that_is_removed_under_it_is_fetched_from_its_beginning(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.connect()
    line.carry(parts=1)
    (begun,) = line.store.folder.iterdir()
    looked = Path.stat

    def gone(path: Path, **how: bool) -> os.stat_result:
        if path == begun:
            begun.unlink()  # between the listing and the look
        return looked(path, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", gone)
        ask = line.download._ask(line.store.holdings(), "all")
    assert (ask.file_sha256, ask.offset) == (None, 0)


def test_what_is_held_is_said_on_each_connection_and_after_each_change(line: Line) -> None:
    line.connect()
    line.carry()
    assert len(line.collector.reports) == 1
    line.store.hold(1)
    line.carry()
    line.carry()
    assert [[held.revision for held in report.held] for report in line.collector.reports] == [[], [1]]
    line.connect()
    line.carry()
    assert len(line.collector.reports) == 3


def test_an_older_collector_hears_nothing_of_hotlists(line: Line) -> None:
    line.connect(has_hotlists=False)
    assert line.carry() == 0
    assert line.collector.reports == []


def test_after_a_cut_it_goes_on_where_it_was_also_after_a_restart(line: Line) -> None:
    line.connect()
    line.carry(2)
    line.download.send_with(line.collector.send)
    line.download.disconnected()
    line.download.send_with(line.collector.send)
    line.connect()
    assert line.carry(1) == 1
    line.download = HotlistDownload(line.store, line.clock)
    line.connect()
    assert line.carry() == 1
    assert [ask.offset // MAX_PART_BYTES for ask in line.collector.asks] == [0, 1, 2, 2, 3]
    assert line.store.files() == {"all-00000001.alprhl": CONTENT}


def test_an_answer_that_is_lost_is_asked_for_again(line: Line) -> None:
    line.connect()
    line.download.send_with(line.collector.send)
    line.clock.advance(11)
    assert line.carry() == 4
    line.download.take(line.collector.answer(line.collector.asks[0]))  # the first answer, much too late
    assert line.store.files() == {"all-00000001.alprhl": CONTENT}


def test_a_newer_file_takes_the_place_of_one_that_was_begun(line: Line) -> None:
    line.connect()
    line.carry(2)
    line.collector.content, line.collector.revision = CONTENT[::-1], 2
    line.connect()
    line.carry()
    assert line.store.files() == {"all-00000002.alprhl": CONTENT[::-1]}


def test_a_file_that_changed_nothing_is_not_fetched_again_at_once(line: Line) -> None:
    line.connect()
    line.carry()
    line.store.files()
    line.connect()
    assert line.carry() == 0
    line.clock.advance(3601)
    assert line.carry() == 4
    line.collector.revision = 2
    line.connect()
    assert line.carry() == 4  # a new offer is another matter


def test_a_delta_that_did_not_fit_is_followed_by_asking_for_the_whole(line: Line) -> None:
    line.store.hold(1)
    line.collector.revision = 2
    line.connect()
    line.carry()
    assert not line.collector.asks[-1].wants_snapshot
    line.store.hold(1, needs_snapshot=True)
    assert line.carry() == 4
    ask = line.collector.asks[-1]
    assert (ask.revision, ask.release, ask.wants_snapshot) == (1, "0" * 16, True)


def test_step_by_step_to_the_newest(line: Line) -> None:
    line.store.hold(1)
    line.collector.revision = 3
    line.connect()
    line.carry()
    line.store.hold(2)  # it was a delta
    assert line.carry() == 4
    line.store.hold(3)
    assert line.carry() == 0


def test_what_is_older_than_what_is_held_is_not_even_asked_for(line: Line) -> None:
    line.store.hold(5)
    line.connect()
    assert line.carry() == 0


def test_where_nothing_follows_it_asks_no_more(line: Line) -> None:
    line.connect()
    line.download.send_with(line.collector.send)
    line.download.take(HotlistNone("all"))
    assert line.carry() == 0


def test_attack_content_that_is_not_what_was_announced(line: Line) -> None:
    line.connect()
    line.download.send_with(line.collector.send)
    line.download.take(HotlistPart("all", 1, b"\0" * 32, 4, 0, b"evil"))
    assert line.store.files() == {}
    assert line.carry() == 0


@pytest.mark.parametrize(
    ("offset", "content"),
    [(7, b"x"), (0, b""), (0, b"longer than it said")],
)
def test_attack_parts_that_do_not_fit(line: Line, offset: int, content: bytes) -> None:
    line.connect()
    line.download.send_with(line.collector.send)
    line.download.take(HotlistPart("all", 1, b"\0" * 32, 5, offset, content))
    assert line.store.files() == {}
    assert line.carry() == 0  # not at once
    line.clock.advance(2)
    assert line.carry() == 4


def test_attack_parts_that_nobody_asked_for(line: Line) -> None:
    line.connect()
    line.download.take(HotlistPart("all", 1, b"\0" * 32, 4, 0, b"evil"))
    line.download.send_with(line.collector.send)
    line.download.take(HotlistPart("other", 1, b"\0" * 32, 4, 0, b"evil"))
    assert line.store.files() == {}


def test_what_its_beginning_shows_to_be_unwanted_is_not_fetched_to_its_end(line: Line) -> None:
    line.collector.content = b"unwanted" + CONTENT
    line.connect()
    assert line.carry() == 1
    assert line.store.files() == {}
    line.collector.content, line.collector.revision = CONTENT, 2
    line.connect()
    assert line.carry() == 4


def test_a_full_disk_is_waited_for(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.connect()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", full)
        assert line.carry() == 1
    assert line.carry() == 0
    line.clock.advance(61)
    assert line.carry() == 4


def test_a_socket_that_takes_nothing_is_tried_again(line: Line) -> None:
    line.connect()
    line.collector.takes = False
    assert line.carry() == 0
    line.collector.takes = True
    assert line.carry() == 4


def _offer(line: Line, *names: str, revision: int = 1) -> None:
    line.download.take(HotlistOffers(tuple(HotlistOffer(name, revision) for name in names)))


def _next_ask(line: Line) -> HotlistAsk | None:
    before = len(line.collector.asks)
    line.download.send_with(line.collector.send)
    return line.collector.asks[-1] if len(line.collector.asks) > before else None


def _part(name: str, sha256: bytes, content: bytes, *, offset: int = 0, file_bytes: int = 1 << 30) -> HotlistPart:
    return HotlistPart(name, 1, sha256, file_bytes, offset, content)


def test_offers_of_ever_new_names_leave_nothing_behind(line: Line) -> None:
    line.connect()
    for number in range(2000):
        _offer(line, f"set{number}")
        ask = _next_ask(line)
        assert ask is not None
        line.download.take(HotlistNone(ask.list_set))
    assert len(line.download._done) <= 256
    assert len(line.download._offers) == 1
    assert line.store.files() == {}


def test_files_that_are_refused_at_once_make_it_wait_longer_and_longer(line: Line) -> None:
    line.connect()
    asked = 0
    for number in range(2000):  # a hundred seconds, in each twenty offers
        line.clock.advance(0.05)
        _offer(line, f"set{number}")
        ask = _next_ask(line)
        if ask is not None:
            asked += 1
            line.download.take(_part(ask.list_set, bytes(32), b"unwanted"))
    assert 8 < asked < 20
    assert line.store.files() == {}


def test_offers_of_ever_higher_revisions_do_not_make_it_fetch_without_end(line: Line) -> None:
    line.connect()
    fetched = 0
    for revision in range(1, 400):
        line.clock.advance(1)
        line.collector.revision = revision
        _offer(line, "all", revision=revision)
        fetched += line.carry()
    assert fetched <= 4 * 5


@pytest.mark.parametrize("offsets", [[65536], [0, 0], [0, 131072], [0, 1], [2**53]])
def test_parts_out_of_order_repeated_or_far_off_are_not_kept(line: Line, offsets: list[int]) -> None:
    line.connect()
    for offset in offsets:
        ask = _next_ask(line)
        assert ask is not None
        line.download.take(_part("all", bytes(32), b"x" * 65536, offset=offset))
    assert line.store.files() == {}
    assert _next_ask(line) is None  # and it is not asked for again at once


def test_a_file_that_grows_or_shrinks_while_it_comes_is_bounded_by_what_it_was(line: Line) -> None:
    line.connect()
    for number, file_bytes in enumerate((200_000, 1 << 30, 100_000)):
        ask = _next_ask(line)
        if ask is None:
            break
        line.download.take(_part("all", bytes(32), b"x" * 65536, offset=65536 * number, file_bytes=file_bytes))
    assert sum(map(len, line.store.files().values())) <= 200_000


def test_sets_that_are_begun_and_left_do_not_fill_the_disk(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte of each of any number of sets, never the last byte."""
    monkeypatch.setattr("alpr.link.client.hotlist_download.MAX_FOLDER_BYTES", 300_000)
    line.connect()
    for number in range(50):
        _offer(line, f"set{number}")
        for part in range(3):
            if (ask := _next_ask(line)) is not None:
                sha256 = hashlib.sha256(ask.list_set.encode()).digest()
                line.download.take(_part(ask.list_set, sha256, b"x" * 65536, offset=65536 * part))
        assert sum(map(len, line.store.files().values())) <= 300_000


def test_the_last_room_of_the_disk_is_for_reads_and_hits(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpr.link.client.hotlist_download.FREE_BYTES", 1 << 60)
    line.connect()
    assert line.carry() == 1
    assert line.store.files() == {}
    assert _next_ask(line) is None
    monkeypatch.setattr("alpr.link.client.hotlist_download.FREE_BYTES", 0)
    line.clock.advance(61)
    assert line.carry() == 4


def test_a_head_that_does_not_end_is_looked_at_with_each_part(line: Line) -> None:
    """Not only with the first: it may be as long as a part."""
    line.connect()
    looked: list[int] = []

    def refuses(path: Path, file_bytes: int) -> bool:  # noqa: ARG001 - the protocol
        looked.append(path.stat().st_size)
        return len(looked) == 3

    line.store.refuses = refuses  # type: ignore[method-assign]
    for part in range(3):
        assert _next_ask(line) is not None
        line.download.take(_part("all", bytes(32), b"x" * 65536, offset=65536 * part))
    assert looked == [65536, 131072, 196608]
    assert line.store.files() == {}


def test_a_pipe_in_the_place_of_a_begun_file_neither_blocks_nor_stays(line: Line) -> None:
    line.store.folder.mkdir()
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    os.mkfifo(line.store.folder / f"all={sha256}.part")
    line.connect()
    line.carry()
    assert line.store.files() == {"all-00000001.alprhl": CONTENT}


def test_a_folder_in_the_place_of_a_begun_file_is_reported(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    (line.store.folder / f"all={sha256}.part").mkdir(parents=True)
    line.connect()
    assert line.carry() == 1
    assert "is a directory" in caplog.text.lower()

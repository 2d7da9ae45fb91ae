"""What one device may have stored on a day: more is neither stored nor refused, so the device keeps it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from alpr.collector.health.board import HealthBoard, HealthLimits
from alpr.collector.health.monitor import HealthMonitor
from alpr.collector.health.store import HealthStore
from alpr.collector.service.intake import Intake
from alpr.collector.store.store import Store
from alpr.events.device_alerts import DeviceAlert
from alpr.link.protocol.convert import record_from_hit, record_from_read
from alpr.link.protocol.messages import Batch, Entry, PictureRecord, Record, encode
from alpr.link.server.handler import Delivery, Peer
from tests.conftest import FakeClock
from tests.records import a_hit, a_read

EDGE, OTHER = Peer("e" * 40, "edge"), Peer("o" * 40, "other")
DAY_BYTES = 100_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def a_picture(number: int, size: int = 10_000) -> PictureRecord:
    import hashlib

    jpeg = f"{number}".encode().ljust(size, b"p")
    return PictureRecord(hashlib.sha256(jpeg).digest(), jpeg)


def a_delivery(records: Sequence[Record], peer: Peer = EDGE) -> Delivery:
    entries = tuple(Entry(1 + n, msgspec.Raw(encode(record))) for n, record in enumerate(records))
    return Delivery(peer, Batch("0123456789abcdef", 1, entries))


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_is_too_much_is_left_and_what_is_known_is_acked(path: Path, clock: FakeClock) -> None:
    with closing(Store(path, clock, day_bytes=DAY_BYTES)) as store:
        pictures = [a_picture(number) for number in range(20)]
        [receipt], new = store.add([a_delivery(pictures)])
        assert (receipt.seqs, receipt.refused, receipt.left) == (tuple(range(1, 9)), (), 12)
        assert len(new) == 8
        [again], new = store.add([a_delivery(pictures)])
        assert (again, new) == (receipt, [])
    with closing(Store(path, clock, day_bytes=DAY_BYTES)) as store:  # a new start is no new day
        assert store.add([a_delivery(pictures)])[0] == [receipt]
    assert count(path, "pictures") == 8


def test_pictures_keep_no_hit_out_and_hits_are_bounded_too(path: Path, clock: FakeClock) -> None:
    hits = [record_from_hit(a_hit(a_read(number))) for number in range(100)]
    with closing(Store(path, clock, day_bytes=DAY_BYTES)) as store:
        store.add([a_delivery([a_picture(number, 1000) for number in range(500)])])
        [receipt], _ = store.add([a_delivery([record_from_read(a_read())])])
        assert receipt.left == 1
        [receipt], _ = store.add([a_delivery(hits)])
        assert 10 < len(receipt.seqs) < 20
        assert receipt.left == 100 - len(receipt.seqs)
    assert count(path, "reads") == 0
    assert count(path, "plates") == 0  # what was left has left nothing behind


def test_each_device_and_each_day_has_its_own(path: Path, clock: FakeClock) -> None:
    pictures = [a_picture(number) for number in range(40)]
    with closing(Store(path, clock, day_bytes=DAY_BYTES)) as store:
        store.add([a_delivery(pictures)])
        [of_other], _ = store.add([a_delivery(pictures[20:], OTHER)])
        assert len(of_other.seqs) == 8
        clock.advance(86_400)
        [tomorrow], _ = store.add([a_delivery(pictures)])
        assert tomorrow.seqs == (*range(1, 17), *range(21, 29))  # eight more; the other's are known by their hash


class _TickingClock(FakeClock):
    """Each look at it takes a second."""

    def now(self) -> datetime:
        self.advance(1)
        return super().now()


def test_a_batch_at_midnight_takes_nothing_of_yesterday_into_the_new_day(path: Path) -> None:
    pictures = [a_picture(number) for number in range(17)]
    for seconds in range(30):  # midnight falls between any two looks at the clock
        clock = _TickingClock(datetime(2026, 1, 1, 23, 58, tzinfo=UTC))
        with closing(Store(path.with_name(f"{seconds}.db"), clock, day_bytes=DAY_BYTES)) as store:
            store.add([a_delivery(pictures[:8])])
            clock.advance((datetime(2026, 1, 2, tzinfo=UTC) - FakeClock.now(clock)).total_seconds() - seconds)
            store.add([a_delivery([a_picture(8, 1000)])])
            clock.advance(60)
            [tomorrow], _ = store.add([a_delivery(pictures[9:])])
        assert tomorrow.left <= 1


def test_what_is_left_is_told_as_an_alert_until_all_is_stored_again(tmp_path: Path, clock: FakeClock) -> None:
    told: list[DeviceAlert] = []
    with (
        closing(Store(tmp_path / "store.db", clock, day_bytes=DAY_BYTES)) as store,
        closing(HealthStore(tmp_path / "health.db")) as health,
    ):
        board = HealthBoard(HealthLimits(), clock, {})
        monitor = HealthMonitor(health, board, clock, lambda: {"edge"}, told.append)
        intake = Intake(store, lambda _: None, monitor)
        pictures = [a_picture(number) for number in range(12)]
        for _ in range(5):  # the device tries again and again
            intake.store([a_delivery(pictures)])
            monitor.check()
            clock.advance(10)
        clock.advance(86_400)
        [receipt] = intake.store([a_delivery(pictures)])
        monitor.check()
    assert receipt.left == 0
    assert [(alert.problem.kind.value, alert.is_raised) for alert in told] == [("storage", True), ("storage", False)]
    assert "it keeps the rest until tomorrow" in told[0].text

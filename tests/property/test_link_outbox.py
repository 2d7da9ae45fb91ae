"""Outbox and store under any order of appending, delivering, losing, repeating, reordering and crashing."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from alpr.collector.store.store import Store
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox, read_depth
from alpr.journal.rows import JournalLimits
from alpr.journal.schema import Priority
from alpr.link.client.send_window import SendWindow
from alpr.link.protocol.messages import Ack, Batch, Hello, decode_from_collector, decode_from_device, encode
from alpr.link.server.handler import Delivery, Peer
from tests.conftest import START, FakeClock
from tests.records import a_hit, a_read

PEER = Peer("k" * 40, "edge")
SHM = Path("/dev/shm")  # noqa: S108 - a fresh folder in it


class Delivering(RuleBasedStateMachine):
    """A journal and a store with an unreliable wire between them, checked against plain sets."""

    batches = Bundle("batches")
    acks = Bundle("acks")

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a place: thousands of flushes to a disk prove nothing more here.
        self.folder = Path(tempfile.mkdtemp(dir=SHM if SHM.is_dir() else None))
        self.clock = FakeClock()
        self.number = 0
        self.appended: dict[str, tuple[int, str]] = {}
        self.hits: dict[str, int] = {}
        self.told: list[tuple[str, str, int]] = []
        self.open()

    def open(self) -> None:
        self.journal = Journal(self.folder / "journal.db", JournalLimits(), self.clock)
        self.outbox = Outbox(self.folder / "journal.db")
        self.store = Store(self.folder / "store.db", self.clock)
        self.window = SendWindow()

    def close(self) -> None:
        self.journal.close()
        self.outbox.__exit__(None, None, None)
        self.store.close()

    def teardown(self) -> None:
        # Whatever happened before: once the wire works, everything arrives, once.
        for _ in range(1000):
            self.window.clear()
            letter = self.outbox.next(self.window.seqs.keys(), self.window.room)
            if letter is None:
                break
            self.window.sent(letter.priority, letter.batch.boot_id, letter.sizes, 0)
            self.answer(self.hand_over(encode(letter.batch)))
        assert sum(read_depth(self.folder / "journal.db").rows.values()) == 0
        self.store_holds(exactly=True)
        self.close()
        shutil.rmtree(self.folder)

    @rule(is_hit=st.booleans(), picture_bytes=st.sampled_from([0, 10]))
    def a_pass_begins(self, is_hit: bool, picture_bytes: int) -> None:
        self.number += 1
        self.append(self.number, 0, is_hit, picture_bytes)

    @precondition(lambda self: self.number)
    @rule(back=st.integers(0, 3), is_hit=st.booleans(), picture_bytes=st.sampled_from([0, 10]))
    def a_pass_is_corrected(self, back: int, is_hit: bool, picture_bytes: int) -> None:
        number = max(1, self.number - back)
        revision, _ = self.appended[a_read(number).read_id]
        self.append(number, revision + 1, is_hit, picture_bytes)

    def append(self, number: int, revision: int, is_hit: bool, picture_bytes: int) -> None:
        read = a_read(number, f"A{revision}", revision=revision, picture_bytes=picture_bytes)
        hits = [a_hit(read, "A0")] if is_hit else []
        self.journal.append([read], hits)
        self.appended[read.read_id] = (revision, read.plate.text)
        self.hits.update({hit.hit_id: revision for hit in hits})

    @rule(target=batches)
    def send(self) -> Any:
        letter = self.outbox.next(self.window.seqs.keys(), self.window.room)
        if letter is None:
            return multiple()  # nothing
        self.window.sent(letter.priority, letter.batch.boot_id, letter.sizes, 0)
        return encode(letter.batch)

    @rule(target=acks, batch=batches)
    def deliver_and_perhaps_again_later(self, batch: bytes) -> bytes:
        return self.hand_over(batch)

    @rule(ack=consumes(acks))
    def ack_arrives(self, ack: bytes) -> None:
        self.answer(ack)

    @rule(batch=consumes(batches))
    def batch_is_lost(self, batch: bytes) -> None:
        del batch

    @rule(ack=consumes(acks))
    def ack_is_lost(self, ack: bytes) -> None:
        del ack

    @rule()
    def connection_breaks(self) -> None:
        self.window.clear()
        current, boots = self.outbox.boots()
        self.store.greet(PEER, Hello(current, boots, "test", START))

    @rule()
    def both_crash(self) -> None:
        self.close()
        self.open()

    def hand_over(self, raw: bytes) -> bytes:
        batch = decode_from_device(raw)
        assert isinstance(batch, Batch)
        [receipt], new = self.store.add([Delivery(PEER, batch)])
        for record in (stored.record for stored in new):
            name = str(record.__struct_config__.tag)
            if name in {"read", "hit"}:
                key = (
                    name,
                    getattr(record, f"{name}_id"),
                    getattr(record, "revision", getattr(record, "read_revision", 0)),
                )
                self.told.append(key)
        return encode(Ack(batch.boot_id, receipt.seqs, receipt.refused))

    def answer(self, raw: bytes) -> None:
        ack = decode_from_collector(raw)
        assert isinstance(ack, Ack)
        assert not ack.refused
        self.outbox.forget(self.window.answered(ack.boot_id, ack.seqs, 0))

    @invariant()
    def nothing_is_told_twice(self) -> None:
        assert len(self.told) == len(set(self.told))

    @invariant()
    def store_holds(self, exactly: bool = False) -> None:
        with closing(sqlite3.connect(self.folder / "store.db")) as connection:
            reads = {
                read_id: (revision, plate)
                for read_id, revision, plate in connection.execute(
                    "SELECT read_id, revision, plate FROM reads JOIN plates ON plates.id = plate_id"
                )
            }
            hits = dict(connection.execute("SELECT hit_id, read_revision FROM hits"))
            counted = dict(connection.execute("SELECT plate, n FROM plates"))
        texts = [plate for _, plate in reads.values()]
        assert counted == {text: texts.count(text) for text in texts}
        if exactly:
            assert (reads, hits) == (self.appended, self.hits)
        else:
            assert reads.keys() <= self.appended.keys()
            assert hits.keys() <= self.hits.keys()

    @invariant()
    def depth_is_exact(self) -> None:
        depth = read_depth(self.folder / "journal.db")
        with closing(sqlite3.connect(self.folder / "journal.db")) as connection:
            rows = connection.execute("SELECT priority, count(*), sum(size) FROM outbox GROUP BY priority").fetchall()
        counts = {Priority(priority).name.lower(): count for priority, count, _ in rows}
        assert {name: count for name, count in depth.rows.items() if count} == counts
        assert depth.size_bytes == sum(size for _, _, size in rows)


Delivering.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
# Many files; busy machines take their time.
TestDelivering = pytest.mark.slow(pytest.mark.timeout(300)(Delivering.TestCase))

"""The collector's own part in hotlists: past hits are kept once, also where the disk is full for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from alpr.collector.hotlists.hotlists import CollectorHotlists, HotlistSettings
from alpr.collector.store.store import Store, StoredRecord
from alpr.errors import HotlistError, KeyFileError, StoreDamaged, StoreFull
from alpr.hotlist.updates.signing import line_of
from alpr.link.protocol.convert import record_from_read
from alpr.link.protocol.messages import HitRecord
from alpr.system.store_files import damage_mark
from tests.conftest import FakeClock
from tests.integration.link_world import wait_until
from tests.records import a_read
from tests.unit.collector.store.test_store import a_delivery
from tests.updates import ADMINS, an_update, some_entries


class FullStore(Store):
    """Has no room for past hits as often as it is told."""

    full = 0

    def add_past(self, hits: Sequence[tuple[int, HitRecord]]) -> list[StoredRecord]:
        if self.full:
            self.full -= 1
            raise StoreFull("no room")
        return super().add_past(hits)


class Desk:
    """A collector with stored reads and a folder of publications."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.database, self.published, self.admins = folder / "reads.db", folder / "published", folder / "admins"
        self.published.mkdir()
        self.admins.write_text("\n".join(map(line_of, ADMINS)))
        self.admins.chmod(0o644)
        self.clock = clock
        self.told: list[StoredRecord] = []
        self.settings = HotlistSettings(folder=self.published, admins=self.admins, look_s=0.01)

    @contextmanager
    def open(self, full: int = 0) -> Iterator[CollectorHotlists]:
        with closing(FullStore(self.database, self.clock)) as store:
            store.full = full
            records = [record_from_read(a_read(n, text)) for n, text in enumerate(("AB12CDE", "OTHER12"), 1)]
            store.add([a_delivery(*records)])
            with CollectorHotlists(self.database, self.settings, store, self.told.append, self.clock) as hotlists:
                yield hotlists

    def publish(self, revision: int = 1) -> None:
        update = an_update({"stolen": some_entries("AB12CDE")}, revision=revision)
        (self.published / f"{revision}.alprhl").write_bytes(update)

    def found(self, hotlists: CollectorHotlists) -> bool:
        hotlists.step()
        self.clock.advance(1.1)
        return bool(self.told)


@pytest.fixture
def desk(tmp_path: Path, clock: FakeClock) -> Desk:
    return Desk(tmp_path, clock)


def test_a_past_hit_is_stored_and_told_once_also_over_restarts(desk: Desk) -> None:
    desk.publish()
    with desk.open() as hotlists:
        wait_until(lambda: desk.found(hotlists))
    with desk.open() as hotlists:
        for _ in range(5):
            hotlists.step()
    (stored,) = desk.told
    assert isinstance(stored.record, HitRecord)
    assert (stored.device, stored.record.plate, stored.record.is_past) == ("edge", "AB12CDE", True)


def test_a_full_disk_holds_past_hits_back_and_loses_none(desk: Desk) -> None:
    desk.publish()
    with desk.open(full=3) as hotlists:
        wait_until(lambda: desk.found(hotlists))
    assert len(desk.told) == 1


def test_administrators_that_cannot_be_used_are_told_at_the_start(desk: Desk) -> None:
    desk.admins.write_text("nobody\n")
    with pytest.raises(KeyFileError, match="should be NAME KEY"), desk.open():
        pass


def test_a_hotlist_that_is_torn_while_it_is_open_ends_the_run_and_the_next_begins_a_new_one(desk: Desk) -> None:
    """Else no update would be taken any more, each try failing alike, and nobody would look at the log."""
    hotlist = desk.database.with_name("reads.hotlist.db")
    with desk.open() as hotlists:
        hotlist.unlink()
        hotlist.write_bytes(b"no database, and large enough to be looked at" * 100)
        desk.publish()

        def has_ended() -> bool:
            try:
                hotlists.step()
            except HotlistError as error:
                assert isinstance(error.__cause__, StoreDamaged)
                return True
            return False

        wait_until(has_ended)
        assert damage_mark(hotlist).exists()
    with desk.open() as hotlists:
        wait_until(lambda: desk.found(hotlists))
    assert not damage_mark(hotlist).exists()

"""Past reads against what an update brought: only what is new, each hit once, in small steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alpr.errors import StoreBusy, StoreUnavailable
from alpr.hotlist.match import recheck as recheck_module
from alpr.hotlist.match import recheck_filter as filter_module
from alpr.hotlist.match.hits import MaxAges, hit_id_of
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.recheck import Recheck, RecheckHit, RecheckRead
from alpr.hotlist.updates.container import PublishedList
from alpr.hotlist.updates.install import Trust, apply_update
from alpr.hotlist.updates.installed_sets import forget_arrivals
from alpr.types import Candidate, PlateText, Read
from tests.conftest import START, FakeClock, a_plate_text
from tests.hotlists import a_read
from tests.records import an_id
from tests.updates import ADMINS, an_update, some_entries

HOUR = timedelta(hours=1)


@dataclass
class FakeHistory:
    """Reads by plate, as a dictionary has them; counts what is asked for."""

    plates: dict[int, tuple[str, list[RecheckRead]]] = field(default_factory=dict)
    hits: set[tuple[int, str]] = field(default_factory=set)
    looked_at: list[str] = field(default_factory=list)

    def add(self, plate: PlateText | str, at: datetime = START, owner: int = 0) -> Read:
        number = sum(len(reads) for _, reads in self.plates.values()) + 1
        read = replace(a_read(plate, an_id(number)), first_seen_at=at, last_seen_at=at)
        known = {text: key for key, (text, _) in self.plates.items()}
        key = known.get(read.plate.text, len(self.plates) + 1)
        self.plates.setdefault(key, (read.plate.text, []))[1].append(RecheckRead(read, owner))
        return read

    def texts(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        return [(key, text) for key, (text, _) in sorted(self.plates.items()) if key > after][:limit]

    def reads(self, key: int) -> Iterator[RecheckRead]:
        text, reads = self.plates[key]
        self.looked_at.append(text)
        yield from reads

    def has_hit(self, owner: int, hit_id: str) -> bool:
        return (owner, hit_id) in self.hits


class Device:
    """A hotlist database with a history."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.database = folder / "hotlist.sqlite"
        self.clock = clock
        self.history = FakeHistory()
        self.done: list[int] = []
        self.revision = 0

    def update(self, *plates: str, policy: dict[str, str] | None = None, **fields: Any) -> None:
        """The next snapshot of the list "stolen"."""
        self.revision += 1
        entries = [{**entry, **fields} for entry in some_entries(*plates)]
        lists = (PublishedList("stolen", len(entries), START, policy or {}),)
        path = self.database.with_suffix(".alprhl")
        path.write_bytes(an_update({"stolen": entries}, revision=self.revision, lists=lists))
        apply_update(self.database, path, Trust(ADMINS), self.clock.now())

    @contextmanager
    def check(self, max_ages: MaxAges | None = None) -> Iterator[Recheck]:
        with (
            HotlistIndex.open(self.database) as index,
            closing(
                Recheck(
                    self.database,
                    index,
                    self.history,
                    self.clock,
                    self.done.append,
                    max_ages=max_ages or MaxAges(),
                )
            ) as past,
        ):
            yield past

    def found(self) -> list[str]:
        """The plates of the past hits of one complete check."""
        with self.check() as past:
            found = [hit.hit.plate_text for hit in all_of(past)]
            assert past.step(0) == []
        return found


def all_of(past: Recheck) -> list[RecheckHit]:
    found = past.step(10)
    assert past.is_idle
    return found


@pytest.fixture
def device(tmp_path: Path, clock: FakeClock) -> Device:
    return Device(tmp_path, clock)


def test_a_past_hit_is_marked_and_has_the_reads_own_time(device: Device, clock: FakeClock) -> None:
    read = device.history.add("AB12CDE", START - 30 * HOUR, owner=7)
    clock.advance(5 * 3600)
    device.update("AB12CDE")
    with device.check(MaxAges(4 * 3600)) as past:
        (found,) = all_of(past)
    hit = found.hit
    assert (found.owner, hit.is_past, hit.read_at, hit.raised_at) == (7, True, START - 30 * HOUR, clock.now())
    assert (hit.read_id, hit.list_revision, hit.list_age_s, hit.is_list_old) == (read.read_id, 1, 5 * 3600, True)
    assert hit.hit_id == hit_id_of(read.read_id, hit.match.entry)


def test_only_what_is_new_or_changed_is_looked_for(device: Device) -> None:
    for plate in ("AB12CDE", "NEW1234", "XY99ZZZ", "AB12CDE"):
        device.history.add(plate)
    device.update("AB12CDE", "GONE123")
    assert device.found() == ["AB12CDE", "AB12CDE"]
    forget_arrivals(device.database, device.done[-1])
    device.history.looked_at.clear()
    device.update("AB12CDE", "NEW1234")
    assert device.found() == ["NEW1234"]
    assert device.history.looked_at == ["NEW1234"]  # the others were not even fetched


def test_each_hit_is_raised_once(device: Device) -> None:
    live = device.history.add("AB12CDE")
    device.update("AB12CDE")
    with device.check() as past:
        (found,) = all_of(past)
        device.history.hits.add((0, found.hit.hit_id))
        assert all_of(past) == []
    assert live.read_id == found.hit.read_id
    assert device.found() == []  # after a restart, where it was not yet noted that all is done


def test_what_is_done_is_told_and_forgotten(device: Device) -> None:
    device.history.add("AB12CDE")
    device.update("AB12CDE")
    device.update("AB12CDE", "NEW1234")
    device.found()
    assert device.done == [2]
    forget_arrivals(device.database, 2)
    assert device.found() == []
    assert device.done == [2]


def test_an_update_that_lands_in_the_middle_is_checked_afterwards(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck_module, "_BATCH", 1)
    for plate in ("AB12CDE", "NEW1234", "AB12CDF"):
        device.history.add(plate)
    device.update("AB12CDE")
    with device.check() as past:
        first: list[RecheckHit] = []
        while not first:
            first = past.step(0)
        assert [found.hit.plate_text for found in first] == ["AB12CDE"]
        assert not past.is_idle
        device.update("AB12CDE", "NEW1234", "AB12CDF")
        assert all_of(past) == []
        assert [found.hit.plate_text for found in all_of(past)] == ["NEW1234", "AB12CDF"]
        past.step(0)
    assert device.done == [1, 2]


def test_a_step_ends_when_its_time_is_over(device: Device) -> None:
    for _ in range(50):
        device.history.add("AB12CDE")
    device.update("AB12CDE")
    with device.check() as past:
        steps = [past.step(0)]
        while not past.is_idle:
            steps.append(past.step(0))
    assert sum(map(len, steps)) == 50
    assert max(map(len, steps)) == 1  # also within the reads of one plate


def test_a_large_update_is_loaded_in_pieces(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_module, "KEYS_PER_LOAD", 10)
    device.history.add("AA00044")
    device.update(*(f"AA{n:05d}" for n in range(45)))
    with device.check() as past:
        pauses = 0
        while not device.history.looked_at:
            assert past.step(0) == [] or device.history.looked_at
            pauses += 1
        assert pauses >= 5
    assert device.history.looked_at == ["AA00044"]


@pytest.mark.parametrize(
    ("entry", "read", "policy"),
    [
        ("AB12CDE", "A812CDE", {}),  # a look-alike
        ("AB?2C*", "AB12CDE", {}),
        ("AB12CDE", "AB12CDX", {"edits": "5:1"}),
        ("AB12CDE", "AB12CD", {"edits": "5:1"}),
    ],
)
def test_the_lists_policy_counts_for_the_past_too(
    device: Device, entry: str, read: str, policy: dict[str, str]
) -> None:
    device.history.add(read)
    device.history.add("UNLIKE1")
    device.update(entry, policy=policy)
    assert device.found() == [read]


def test_other_texts_that_the_reader_held_possible_count_where_the_policy_says_so(device: Device) -> None:
    text = replace(a_plate_text("AB12CDE"), candidates=(Candidate("AB12CDE", 0.6), Candidate("XY99ZZZ", 0.2)))
    device.history.add(text)
    device.update("XY99ZZZ", policy={"candidates": "1"})
    assert device.found() == ["AB12CDE"]


def test_an_entry_counts_for_reads_from_before_its_validity_but_has_to_be_in_force_now(
    device: Device,
) -> None:
    """A car is stolen in the evening and reported in the morning: where was it in the night?"""
    device.history.add("AB12CDE", START - 10 * HOUR)
    device.update("AB12CDE", valid_from=START.isoformat())
    assert device.found() == ["AB12CDE"]
    device.update("AB12CDE", valid_to=(START - HOUR).isoformat())
    assert device.found() == []


def test_beyond_so_many_new_entries_every_plate_is_looked_at(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_module, "MAX_KEYS", 2)
    for plate in ("AB12CDE", "UNLIKE1"):
        device.history.add(plate)
    device.update("AB12CDE", "NEW1234", "NEW1235")
    assert device.found() == ["AB12CDE"]
    assert device.history.looked_at == ["AB12CDE", "UNLIKE1"]


def test_what_was_found_is_not_done_before_it_could_be_kept(device: Device) -> None:
    device.history.add("AB12CDE")
    device.update("AB12CDE")
    with device.check() as past:
        assert len(all_of(past)) == 1
        assert device.done == []  # a kill now must not lose the hit
        past.step(0)
        assert device.done == [1]


def test_a_history_that_is_locked_costs_a_repetition_and_no_hit(device: Device) -> None:
    device.history.add("AB12CDE")
    device.history.add("NEW1234")
    device.update("AB12CDE", "NEW1234")
    texts = device.history.texts
    with device.check() as past:
        device.history.texts = locked  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            past.step(10)
        assert past.is_idle
        assert device.done == []  # what is due stays due
        device.history.texts = texts  # type: ignore[method-assign]
        assert sorted(hit.hit.plate_text for hit in all_of(past)) == ["AB12CDE", "NEW1234"]
        past.step(0)
        assert device.done == [1]


def test_a_hotlist_that_is_locked_in_the_middle_costs_a_repetition_and_no_hit(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.history.add("AB12CDE")
    device.update("AB12CDE")
    with device.check() as past:
        with monkeypatch.context() as patch:
            patch.setattr(HotlistIndex, "match", locked)
            with pytest.raises(StoreUnavailable):
                past.step(10)
        assert [hit.hit.plate_text for hit in all_of(past)] == ["AB12CDE"]


def locked(*_: object, **__: object) -> Any:
    raise StoreBusy("another process holds its lock")

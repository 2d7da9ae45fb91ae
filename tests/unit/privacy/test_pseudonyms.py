"""Pseudonyms: opened by their plate alone, by nothing without the key, and by nothing after their time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.errors import MessageError
from alpr.privacy.pseudonym_store import PseudonymStore, erase
from alpr.privacy.pseudonyms import seal, tag_of, unsealed
from alpr.types import Candidate
from tests.conftest import FakeClock
from tests.records import a_read

KEY, OTHER_KEY = bytes(range(32)), bytes(32)


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[PseudonymStore]:
    with closing(PseudonymStore(tmp_path / "p", 24, clock)) as opened:
        yield opened


def texts_opened_by(store: PseudonymStore, plate: str) -> list[str]:
    return [read.plate.text for read in store.opened_by(plate)]


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_very_plate_and_its_look_alikes_open_a_read_and_no_other_does(store: PseudonymStore) -> None:
    store.add(a_read(1, "AB12CDE"))
    assert texts_opened_by(store, "AB12CDE") == ["AB12CDE"]
    assert texts_opened_by(store, "A812CDE") == ["AB12CDE"]
    assert texts_opened_by(store, "AB12CDF") == []


def test_another_candidate_of_the_reader_opens_it_too(store: PseudonymStore) -> None:
    read = a_read(1, "AB12CDE")
    plate = replace(read.plate, candidates=(Candidate("AB12CDE", 0.6), Candidate("AX12CDE", 0.2)))
    store.add(replace(read, plate=plate))
    assert texts_opened_by(store, "AX12CDE") == ["AB12CDE"]


def test_an_opened_read_is_whole_but_for_its_pictures() -> None:
    read = a_read(1)
    sealed = seal(read, KEY)
    (tag, lock), *_ = sealed.locks
    assert tag == tag_of("AB12CDE", KEY)
    again = unsealed(sealed.box, lock, "AB12CDE", KEY)
    assert (again.read_id, again.plate.text, again.last_seen_at) == (read.read_id, "AB12CDE", read.last_seen_at)
    assert again.plate.char_probabilities.shape == (7, 36)
    assert (again.patch_jpeg, again.vehicle_jpeg) == (b"", b"")


def test_nothing_opens_with_another_key_another_plate_or_altered_bytes() -> None:
    sealed = seal(a_read(1), KEY)
    (_, lock), *_ = sealed.locks
    altered = bytes([*sealed.box[:-1], sealed.box[-1] ^ 1])
    for box, plate, key in [
        (sealed.box, "AB12CDE", OTHER_KEY),
        (sealed.box, "AB12CDF", KEY),
        (altered, "AB12CDE", KEY),
        (b"", "AB12CDE", KEY),
    ]:
        with pytest.raises(MessageError, match="cannot be opened"):
            unsealed(box, lock, plate, key)
    assert tag_of("AB12CDE", KEY) != tag_of("AB12CDE", OTHER_KEY)


def test_no_byte_on_the_disk_says_the_plate_or_shows_the_picture(store: PseudonymStore, tmp_path: Path) -> None:
    store.add(a_read(1, "AB12CDE"))
    found = all_bytes(tmp_path)
    assert len(found) > 10_000
    for secret in (b"AB12CDE", b"A812", b"north", a_read(1).vehicle_jpeg, a_read(1).patch_jpeg):
        assert secret not in found


def test_after_its_time_a_read_is_gone_and_so_is_its_key(
    store: PseudonymStore, tmp_path: Path, clock: FakeClock
) -> None:
    store.add(a_read(1))
    (key_file,) = (tmp_path / "p" / "keys").glob("*.key")
    assert key_file.stat().st_mode & 0o077 == 0
    first = key_file.read_bytes()
    clock.advance(24 * 3600 - 1)
    assert texts_opened_by(store, "AB12CDE") == ["AB12CDE"]
    clock.advance(1)
    assert texts_opened_by(store, "AB12CDE") == []
    store.forget_old()
    assert len(store) == 0
    clock.advance(24 * 3600)
    store.add(a_read(2))  # by a new key
    store.forget_old()
    (new_file,) = (tmp_path / "p" / "keys").glob("*.key")
    assert new_file.read_bytes() != first
    assert texts_opened_by(store, "AB12CDE") == ["AB12CDE"]


def test_two_days_of_the_same_vehicle_have_no_tag_in_common(store: PseudonymStore, clock: FakeClock) -> None:
    store.add(a_read(1))
    clock.advance(24 * 3600)
    store.add(a_read(2))
    tags = [tag for (tag,) in store._connection.execute("SELECT tag FROM locks")]
    assert len(tags) == len(set(tags)) == 2


def test_a_revision_replaces_the_one_before_and_a_hit_takes_it_out(store: PseudonymStore) -> None:
    store.add(a_read(1, "AB12CDF", is_final=False))
    store.add(a_read(1, "AB12CDE", revision=1))
    assert texts_opened_by(store, "AB12CDF") == []
    (read,) = store.opened_by("AB12CDE")
    assert store.remove(read.read_id) is read
    assert (len(store), store.remove(read.read_id)) == (0, None)


def test_they_outlive_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    with closing(PseudonymStore(tmp_path / "p", 24, clock)) as store:
        store.add(a_read(1))
    with closing(PseudonymStore(tmp_path / "p", 24, clock)) as store:
        assert texts_opened_by(store, "AB12CDE") == ["AB12CDE"]


def test_a_torn_key_and_a_damaged_database_are_begun_anew(tmp_path: Path, clock: FakeClock) -> None:
    with closing(PseudonymStore(tmp_path / "p", 24, clock)) as store:
        store.add(a_read(1))
    (key_file,) = (tmp_path / "p" / "keys").glob("*.key")
    os.truncate(key_file, 7)
    (tmp_path / "p" / "pseudonyms.sqlite").write_bytes(b"no database at all" * 500)
    clock.advance(1)
    with closing(PseudonymStore(tmp_path / "p", 24, clock)) as store:
        assert texts_opened_by(store, "AB12CDE") == []
        store.add(a_read(1))
        assert texts_opened_by(store, "AB12CDE") == ["AB12CDE"]


def test_what_cannot_be_sealed_is_counted_and_ends_nothing(
    store: PseudonymStore, caplog: pytest.LogCaptureFixture
) -> None:
    store._connection.execute("DROP TABLE locks")
    for _ in range(3):
        store.add(a_read(1))
    assert store.lost == 3
    assert len([each for each in caplog.messages if "could not be kept as pseudonyms" in each]) == 1


def test_of_too_many_the_oldest_go(tmp_path: Path, clock: FakeClock) -> None:
    with closing(PseudonymStore(tmp_path / "p", 24, clock, most_reads=3)) as store:
        for number in range(5):
            store.add(a_read(number, f"AB12CD{number}"))
        store.forget_old()
        assert len(store) == 3
        assert texts_opened_by(store, "AB12CD1") == []
        assert texts_opened_by(store, "AB12CD4") == ["AB12CD4"]


def test_a_clock_that_was_set_back_keeps_nothing_longer(store: PseudonymStore, clock: FakeClock) -> None:
    store.add(a_read(1))
    clock._now -= timedelta(hours=5)
    store.add(a_read(2))
    clock.advance(48 * 3600 + 5 * 3600)
    store.forget_old()
    assert len(store) == 0


def test_a_policy_that_wants_none_erases_those_of_the_one_before(tmp_path: Path, clock: FakeClock) -> None:
    with closing(PseudonymStore(tmp_path / "p", 24, clock)) as store:
        store.add(a_read(1))
    assert erase(tmp_path / "p")
    assert not [path for path in (tmp_path / "p").rglob("*") if path.is_file()]
    assert not erase(tmp_path / "absent")

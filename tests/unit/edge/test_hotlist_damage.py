"""A hotlist that is found damaged while a device runs: noted once, matched no more, nothing withdrawn for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpr.edge.hotlist_damage import GuardedMatcher, HotlistDamage
from alpr.errors import HotlistError, StoreBusy, StoreDamaged, StoreUnavailable
from alpr.system.store_files import damage_mark
from alpr.types import Hit, Read
from tests.hotlists import a_read


class FakeMatcher:
    """Raises what it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0

    def hits(self, read: Read) -> list[Hit]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return []


@pytest.fixture
def hotlist(tmp_path: Path) -> Path:
    return tmp_path / "hotlist.sqlite"


def test_a_torn_page_is_noted_once_marked_and_asked_for_no_more(
    hotlist: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage, inner = HotlistDamage(hotlist), FakeMatcher(StoreDamaged("torn", hotlist))
    matcher = GuardedMatcher(inner, damage)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="torn"):
            matcher.hits(a_read())
    assert inner.asked == 1
    assert damage_mark(hotlist).exists()
    assert [each for each in caplog.messages if "the next one begins with an empty hotlist" in each] == [
        "torn: this run ends, the next one begins with an empty hotlist"
    ]


def test_what_a_thread_died_of_is_damage_too(hotlist: Path) -> None:
    damage, error = HotlistDamage(hotlist), HotlistError("hotlist updates: torn")
    error.__cause__ = StoreDamaged("torn", hotlist)
    assert damage.note(error)
    assert damage.error is error.__cause__


def test_other_errors_and_other_databases_are_not_noted(hotlist: Path) -> None:
    damage = HotlistDamage(hotlist)
    journal = StoreDamaged("torn", hotlist.with_name("journal.sqlite"))
    for error in (StoreBusy("locked"), HotlistError("no such list"), StoreDamaged("torn"), journal):
        assert not damage.note(error)
        with pytest.raises(type(error)):
            GuardedMatcher(FakeMatcher(error), damage).hits(a_read())
    assert (damage.error, damage_mark(hotlist).exists()) == (None, False)
    assert not HotlistDamage(None).note(StoreDamaged("torn", hotlist))
    assert GuardedMatcher(FakeMatcher(), damage).hits(a_read()) == []

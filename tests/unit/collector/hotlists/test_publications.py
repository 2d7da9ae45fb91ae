"""What the collector hands on: only what is signed and in time, and what costs the least."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alpr.collector.hotlists.publications import HotlistPublications, Publication, next_for
from alpr.errors import KeyFileError
from alpr.hotlist.updates.install import Trust
from alpr.hotlist.updates.signing import Admin
from alpr.link.protocol.hotlist_messages import MAX_PART_BYTES, HotlistAsk, HotlistNone, HotlistPart, HotlistsHeld
from tests.conftest import START, FakeClock
from tests.updates import ADMINS, ALICE, BOB, a_release, an_admin_key, an_update, some_entries

ONE = {"stolen": some_entries("AB12CDE")}
NOTHING = HotlistAsk("all", 0)


class Desk:
    """A shelf and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "published"
        self.clock = FakeClock()
        self.trust = Trust(ADMINS)
        self.fails = False
        self.publications = HotlistPublications(self.folder, self.ask_trust, lambda *_: None, self.clock)

    def ask_trust(self) -> Trust:
        if self.fails:
            raise KeyFileError("admins: cannot read")
        return self.trust

    def put(self, name: str, update: bytes) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{name}.alprhl").write_bytes(update)
        self.clock.advance(2)

    def offered(self) -> dict[str, int]:
        return {offer.list_set: offer.revision for offer in self.publications.offers().offers}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_file_that_cannot_be_looked_at_keeps_no_other_from_being_handed_on(desk: Desk) -> None:
    desk.folder.mkdir()
    for number in range(20):  # on both sides of the good one, in whatever order the folder is listed
        (desk.folder / f"{number}.alprhl").symlink_to("nowhere")
    desk.put("10-good", an_update(ONE, revision=3))
    assert desk.offered() == {"all": 3}


def test_only_what_is_whole_signed_and_in_time_is_offered(desk: Desk) -> None:
    assert desk.offered() == {}
    good = an_update(ONE, revision=3)
    desk.put("good", good)
    desk.put("unsigned", an_update(ONE, revision=4, keys=()))
    desk.put("stranger", an_update(ONE, revision=5, keys=(an_admin_key(9),)))
    desk.put("altered", an_update(ONE, revision=6)[:-1] + b"?")
    desk.put("short", an_update(ONE, revision=7)[:-1])
    desk.put("garbage", b"garbage")
    desk.put("future", an_update(ONE, revision=8, not_before=START + timedelta(days=1)))
    desk.put("past", an_update(ONE, revision=9, expires_at=START + timedelta(seconds=1)))
    (desk.folder / "notes.txt").write_text("not an update")
    assert desk.offered() == {"all": 3}
    part = desk.publications.part(NOTHING)
    assert isinstance(part, HotlistPart)
    assert (part.content, part.revision, part.offset, part.file_bytes) == (good, 3, 0, len(good))


def test_time_and_trust_change_what_is_offered(desk: Desk) -> None:
    desk.put("one", an_update(ONE, revision=1))
    desk.put("two", an_update(ONE, revision=2, not_before=START + timedelta(days=1), keys=(ALICE, BOB)))
    assert desk.offered() == {"all": 1}
    desk.clock.advance(86400)
    assert desk.offered() == {"all": 2}
    desk.trust = Trust((Admin("alice", ALICE.public, is_revoked=True), ADMINS[1]))
    desk.clock.advance(2)
    assert desk.offered() == {"all": 2}  # bob signed it too
    desk.trust = Trust(ADMINS, needed=2)
    desk.clock.advance(2)
    assert desk.offered() == {"all": 2}
    (desk.folder / "two.alprhl").unlink()
    desk.clock.advance(2)
    assert desk.offered() == {}
    desk.trust = Trust(ADMINS)
    desk.fails = True
    desk.clock.advance(2)
    assert desk.offered() == {}
    desk.fails = False
    desk.clock.advance(2)
    assert desk.offered() == {"all": 1}


def test_the_same_offer_is_the_same_object_so_that_nobody_is_rung_for_nothing(desk: Desk) -> None:
    desk.put("one", an_update(ONE, revision=1))
    first = desk.publications.offers()
    desk.clock.advance(2)
    assert desk.publications.offers() is first
    desk.put("two", an_update(ONE, revision=2))
    assert desk.publications.offers() is not first


def test_a_file_is_handed_out_in_parts_from_where_it_is_asked(desk: Desk) -> None:
    import random

    letters = random.Random(1)
    plates = {"".join(letters.choices("ABCDEFGHKLMNPRST0123456789", k=9)) for _ in range(15_000)}
    update = an_update({"stolen": some_entries(*plates)})
    assert len(update) > MAX_PART_BYTES
    desk.put("one", update)
    first = desk.publications.part(NOTHING)
    assert isinstance(first, HotlistPart)
    assert first.content == update[:MAX_PART_BYTES]
    after = HotlistAsk("all", 0, file_sha256=first.file_sha256, offset=MAX_PART_BYTES)
    second = desk.publications.part(after)
    assert isinstance(second, HotlistPart)
    assert second.content == update[MAX_PART_BYTES : 2 * MAX_PART_BYTES]
    for other in (
        HotlistAsk("all", 0, file_sha256=b"\0" * 32, offset=MAX_PART_BYTES),
        HotlistAsk("all", 0, file_sha256=first.file_sha256, offset=len(update)),
    ):
        part = desk.publications.part(other)
        assert isinstance(part, HotlistPart)
        assert (part.offset, part.content) == (0, first.content)


def test_a_file_that_is_gone_is_nothing(desk: Desk) -> None:
    desk.put("one", an_update(ONE))
    desk.offered()
    (desk.folder / "one.alprhl").unlink()
    assert desk.publications.part(NOTHING) == HotlistNone("all")
    assert desk.publications.part(HotlistAsk("other", 0)) == HotlistNone("other")


def publications(*spec: tuple[int, int | None, int]) -> list[Publication]:
    """Of (revision, base, bytes)."""
    import io

    from alpr.hotlist.updates.container import read_head

    made = []
    for revision, base, size in spec:
        header = read_head(io.BytesIO(an_update(ONE, revision=revision, base=base))).header
        made.append(Publication(Path(f"{revision}-{base}"), header, b"", size))
    return made


@pytest.mark.parametrize(
    ("held", "wants_snapshot", "chosen"),
    [
        (0, False, "5-None"),  # nothing to put a delta on
        (4, False, "5-4"),
        (3, False, "4-3"),  # two small deltas are less than the whole
        (2, False, "5-None"),  # three are more
        (1, False, "5-None"),  # the chain is broken
        (4, True, "5-None"),
        (5, False, None),
        (9, False, None),
    ],
)
def test_what_a_device_needs_next(held: int, wants_snapshot: bool, chosen: str | None) -> None:
    on_shelf = publications((5, None, 100), (4, None, 90), (5, 4, 30), (4, 3, 40), (3, 2, 60))
    ask = HotlistAsk("all", held, a_release(held) if held else "", wants_snapshot=wants_snapshot)
    found = next_for(ask, on_shelf)
    assert (found and str(found.path)) == chosen


def test_another_release_of_the_same_number_is_no_base() -> None:
    found = next_for(HotlistAsk("all", 4, a_release(99)), publications((5, None, 100), (5, 4, 1)))
    assert found is not None
    assert str(found.path) == "5-None"
    assert next_for(HotlistAsk("all", 4, a_release(99)), publications((5, 4, 1))) is None


def test_a_report_that_cannot_be_kept_does_not_stop_the_hub(desk: Desk) -> None:
    from alpr.errors import StoreFull
    from alpr.link.server.handler import Peer

    def full(*_: Any) -> None:
        raise StoreFull("no room")

    HotlistPublications(desk.folder, desk.ask_trust, full, desk.clock).note(Peer("k", "edge"), HotlistsHeld(()))


def test_nothing_is_handed_on_while_it_is_not_known_whom_to_trust(desk: Desk) -> None:
    """An administrator was revoked, and the file cannot be read: what that one signed was handed on as before."""
    desk.put("good", an_update(ONE, revision=3))
    assert desk.offered() == {"all": 3}
    desk.fails = True
    desk.clock.advance(1)
    assert desk.offered() == {"all": 3}  # as long as an editor needs
    desk.clock.advance(2)
    assert desk.offered() == {}
    assert desk.publications.part(NOTHING) is None  # nor is it said that there is nothing
    desk.fails = False
    desk.clock.advance(1)
    assert desk.offered() == {"all": 3}
    assert isinstance(desk.publications.part(NOTHING), HotlistPart)

"""The skip list goes with the signed update: what a device does with it, and what older updates and devices see."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alpr.errors import HotlistError, MalformedError
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.skips import LONGEST_SKIP, Skip, add_skip, read_skips, remove_skip
from alpr.hotlist.updates.container import read_head, unsigned_head
from alpr.hotlist.updates.install import Trust, apply_update
from alpr.hotlist.updates.payload import PayloadWriter, SkipRecord, blocks
from alpr.hotlist.updates.publish import Published, Terms, publish
from tests.conftest import START, a_plate_text
from tests.hotlists import imported
from tests.updates import ADMINS, ALICE, a_release, an_update, some_entries

DAY = timedelta(days=1)
SKIP = Skip("stolen", "AB12CDE", True, "painted on a van", "PC 12", START, START + 20 * DAY)
RECORD = SkipRecord("AB12CDE", "painted on a van", "PC 12", START, START + DAY)


class Desk:
    """A desk with two lists, and a device."""

    def __init__(self, folder: Path) -> None:
        self.database, self.device = folder / "desk.sqlite", folder / "device.sqlite"
        self.folder = folder / "publications"
        imported(self.database, ["AB12CDE,x", "XY34ZZZ,x"])
        imported(self.database, ["AB12CDE,x"], list_name="wanted")

    def publish(self, **changes: Any) -> Published:
        return publish(self.database, self.folder, ALICE, START, **changes)

    def take(self, path: Path | None) -> None:
        assert path is not None
        apply_update(self.device, path, Trust(ADMINS), START)

    def met(self, text: str) -> list[str]:
        with HotlistIndex.open(self.device) as index:
            return [match.entry.list_name for match in index.match(a_plate_text(text), START)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_skip_of_the_desk_counts_at_the_device(desk: Desk) -> None:
    add_skip(desk.database, SKIP)
    made = desk.publish()
    assert made.header.skips == 1
    desk.take(made.snapshot)
    assert read_skips(desk.device) == (replace(SKIP, origin="all"),)
    assert desk.met("AB12CDE") == ["wanted"]
    assert desk.met("XY34ZZZ") == ["stolen"]


def test_a_delta_holds_all_skips_and_one_that_was_removed_is_gone(desk: Desk) -> None:
    desk.take(desk.publish().snapshot)
    assert desk.met("AB12CDE") == ["stolen", "wanted"]
    add_skip(desk.database, replace(SKIP, list_name="", is_exact_too=False))
    add_skip(desk.database, replace(SKIP, plate="XY34ZZZ"))
    second = desk.publish()
    assert second.delta_header is not None
    assert (second.delta_header.put, second.delta_header.removed, second.delta_header.skips) == (0, 0, 2)
    desk.take(second.delta)
    assert (desk.met("AB12CDE"), desk.met("AB1ZCDE"), desk.met("XY34ZZZ")) == (["stolen", "wanted"], [], [])
    remove_skip(desk.database, "XY34ZZZ", "stolen")
    desk.take(desk.publish().delta)
    assert [skip.plate for skip in read_skips(desk.device)] == ["AB12CDE"]
    assert desk.met("XY34ZZZ") == ["stolen"]


def test_what_is_over_or_of_another_list_is_not_published(desk: Desk) -> None:
    add_skip(desk.database, replace(SKIP, added_at=START - 9 * DAY, until=START))
    add_skip(desk.database, replace(SKIP, list_name="wanted"))
    assert desk.publish(list_names=["stolen"], list_set="some").header.skips == 0


def test_a_skip_of_all_lists_concerns_the_lists_of_its_set_only(desk: Desk) -> None:
    add_skip(desk.database, replace(SKIP, list_name=""))
    desk.take(desk.publish(list_names=["stolen"], list_set="stolen").snapshot)
    remove_skip(desk.database, "AB12CDE", "")
    desk.take(desk.publish(list_names=["wanted"], list_set="wanted").snapshot)
    imported(desk.device, ["AB12CDE,x"], list_name="own")
    assert desk.met("AB12CDE") == ["own", "wanted"]
    with HotlistIndex.open(desk.device) as index:
        assert [(state.name, state.skips) for state in index.lists(START)] == [
            ("own", 0),
            ("stolen", 1),
            ("wanted", 0),
        ]


def test_counts_stay_and_local_skips_stand_beside(desk: Desk) -> None:
    add_skip(desk.database, SKIP)
    desk.take(desk.publish().snapshot)
    with closing(sqlite3.connect(desk.device)) as connection, connection:
        connection.execute("UPDATE skips SET skipped = 7, last_skipped_at = added_at")
    own = add_skip(desk.device, replace(SKIP, reason="seen here too"))
    add_skip(desk.database, replace(SKIP, reason="still there"))
    desk.take(desk.publish().delta)
    published = replace(SKIP, reason="still there", origin="all", skipped=7, last_skipped_at=START)
    assert read_skips(desk.device) == (own, published)
    assert remove_skip(desk.device, "AB12CDE", "stolen") == own
    with pytest.raises(HotlistError, match=r"came with signed updates \(all\)"):
        remove_skip(desk.device, "AB12CDE", "stolen")
    assert read_skips(desk.device) == (published,)


def an_update_with_skips(*skips: tuple[str, SkipRecord], count: int | None = None) -> bytes:
    """Of one list with one entry."""
    stream = io.BytesIO()
    writer = PayloadWriter(stream)
    for mapping in some_entries("AB12CDE"):
        writer.put("stolen", mapping)
    for name, record in skips:
        writer.skip(name, record)
    facts = writer.finish()
    of_header = ("put", "payload_bytes", "unpacked_bytes", "payload_sha256")
    changes = {name: getattr(facts, name) for name in of_header}
    skip_count = facts.skips if count is None else count
    head = an_update({}, entries={"stolen": 1}, skips=skip_count, **changes)
    return head[: read_head(io.BytesIO(head)).payload_at] + stream.getvalue()


@pytest.mark.parametrize(
    ("update", "complaint"),
    [
        (an_update_with_skips(("stolen", RECORD), count=2), "has 1 skips, its header says otherwise"),
        (an_update_with_skips(("other", RECORD)), "changes list 'other'"),
        (an_update_with_skips(("", msgspec.structs.replace(RECORD, plate="ab 12"))), "'ab 12' is not a plate"),
        (an_update_with_skips(("", msgspec.structs.replace(RECORD, until=START))), "does not end within"),
        (
            an_update_with_skips(("", msgspec.structs.replace(RECORD, until=START + LONGEST_SKIP + DAY))),
            "does not end within 366 days",
        ),
        (
            an_update_with_skips(("", msgspec.structs.replace(RECORD, reason=""))),
            "a block of it cannot be understood",
        ),
    ],
)
def test_a_skip_that_cannot_be_refuses_the_whole_update(desk: Desk, update: bytes, complaint: str) -> None:
    file = desk.device.with_suffix(".alprhl")
    file.write_bytes(an_update_with_skips(("stolen", RECORD)))
    desk.take(file)
    held = read_skips(desk.device)
    assert len(held) == 1
    head = read_head(io.BytesIO(update))
    later = msgspec.structs.replace(head.header, revision=2, release=a_release(2))
    file.write_bytes(unsigned_head(later).signed_by(ALICE).encoded() + update[head.payload_at :])
    with pytest.raises(MalformedError, match=complaint):
        desk.take(file)
    assert read_skips(desk.device) == held


def test_without_skips_an_update_says_nothing_that_an_older_device_does_not_know(desk: Desk) -> None:
    add_skip(desk.database, SKIP)
    made = desk.publish(terms=Terms(with_skips=False))
    with made.snapshot.open("rb") as stream:
        head = read_head(stream)
        names = {name for block in blocks(head.header, stream) for name in msgspec.to_builtins(block)}
    assert b"skips" not in head.header_bytes
    assert names <= {"list", "put", "remove"}


def test_an_older_update_without_the_field_leaves_no_skip_of_its_set(desk: Desk) -> None:
    add_skip(desk.database, SKIP)
    desk.take(desk.publish().snapshot)
    desk.take(desk.publish(terms=Terms(with_skips=False)).delta)
    assert read_skips(desk.device) == ()
    assert desk.met("AB12CDE") == ["stolen", "wanted"]

"""No value in any field of an update, or of what is kept beside the database, is more than refused."""

from __future__ import annotations

import contextlib
import hashlib
import io
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alpr.errors import EntryError, MalformedError, StoreError
from alpr.hotlist.entries.entry_mapping import entry_from_mapping
from alpr.hotlist.updates.container import Header, PublishedList, read_head, unsigned_head
from alpr.hotlist.updates.install import Trust, apply_update
from alpr.hotlist.updates.payload import Block, blocks
from alpr.hotlist.updates.version_floor import floor_path, read_floors
from tests.conftest import START
from tests.hostile import EXTREMES, YEAR_10000, with_each_extreme
from tests.updates import ADMINS, ALICE, a_release, an_update, some_entries

SKIP = {"plate": "X1", "reason": "own car", "added_by": "alice", "added_at": START, "until": START}
BLOCK: dict[str, Any] = {
    "list": "stolen",
    "put": [
        {"plate": "AB12CDE", "reason": "stolen", "priority": 1, "receivers": ["alice"], "valid_from": "2026-01-01"}
    ],
    "remove": [["X2", "", "case 7"]],
    "skips": [SKIP],
}


def an_update_of(block: bytes) -> bytes:
    """One that is signed, and whose payload is this block."""
    framed = len(block).to_bytes(4, "big") + block
    packed = zlib.compress(framed)
    changes = {
        "put": 1,
        "removed": 1,
        "skips": 1,
        "payload_bytes": len(packed),
        "unpacked_bytes": len(framed),
        "payload_sha256": hashlib.sha256(packed).hexdigest(),
    }
    whole = read_head(io.BytesIO(an_update({"stolen": []}, base=1, revision=2)))
    header = msgspec.structs.replace(whole.header, **changes)
    return unsigned_head(header).signed_by(ALICE).encoded() + packed


def blocks_of(update: bytes) -> list[Block]:
    stream = io.BytesIO(update)
    return list(blocks(read_head(stream).header, stream))


def test_any_extreme_in_a_block_is_malformed_and_in_an_entry_an_entry_error() -> None:
    """A skip that ends in the year 10000 ended the device that was sent it, at each start anew."""
    assert len(blocks_of(an_update_of(msgspec.msgpack.encode(BLOCK)))) == 1
    refused = 0
    for _, raw in with_each_extreme(msgspec.msgpack.encode(BLOCK)):
        try:
            [block] = blocks_of(an_update_of(raw))
        except MalformedError:
            refused += 1
            continue
        for mapping in block.put:
            with contextlib.suppress(EntryError):
                entry_from_mapping(mapping, "stolen")
    assert refused > 200


@pytest.mark.parametrize("field", ["added_at", "until"])
def test_a_skip_of_the_year_10000_leaves_the_database_as_it_was(tmp_path: Path, field: str) -> None:
    database, file = tmp_path / "hotlist.db", tmp_path / "update"
    trust = Trust(ADMINS)
    file.write_bytes(an_update({"stolen": some_entries("AB12CDE")}))
    apply_update(database, file, trust, START)
    before = read_floors(database)
    file.write_bytes(an_update_of(msgspec.msgpack.encode({**BLOCK, "skips": [{**SKIP, field: YEAR_10000}]})))
    with pytest.raises(MalformedError, match="year 10000"):
        apply_update(database, file, trust, START)
    assert read_floors(database) == before


def test_any_extreme_in_a_header_is_malformed_before_anybody_has_signed() -> None:
    plain = Header(
        *(1, "all", 2, a_release(2), 1, a_release(1), START, START, START.replace(year=2030), 1),
        lists=(PublishedList("stolen", 1, START),),
        put=1,
        removed=0,
        payload_bytes=1,
        unpacked_bytes=1,
        payload_sha256="0" * 64,
    )
    good = msgspec.json.encode(plain)
    for name in Header.__struct_fields__:
        for written in (
            "9" * 400,
            "-1e999",
            '"0001-01-01T00:00:00+14:00"',
            '"9999-12-31T23:59:59-14:00"',
            '"\\ud800"',
        ):
            fields = {**msgspec.json.decode(good), name: msgspec.Raw(written.encode())}
            head = unsigned_head(plain).encoded()
            start = head.index(good) - 4
            spoilt = msgspec.json.encode(fields)
            whole = head[:start] + len(spoilt).to_bytes(4, "big") + spoilt + head[start + 4 + len(good) :]
            with contextlib.suppress(MalformedError):
                read_head(io.BytesIO(whole))


@pytest.mark.parametrize(
    "value", ["9" * 30, "9" * 5000, "1e400", '"\\ud800"', "[" * 5000, "null", '"\\u0000"', "-0.0"]
)
def test_what_stands_in_the_file_of_marks_is_understood_or_told(tmp_path: Path, value: str) -> None:
    database = tmp_path / "hotlist.db"
    floor_path(database).write_text(f'{{"format": 1, "sets": {{"all": {{"revision": {value}, "release": ""}}}}}}')
    with pytest.raises(StoreError, match="is damaged"):
        read_floors(database)


def test_every_extreme_is_one_that_msgpack_can_say() -> None:
    assert all(msgspec.msgpack.encode(extreme) for extreme in EXTREMES.values())

"""The wire: what goes through it unchanged, and what it refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from alpr.errors import MessageError
from alpr.link.protocol.convert import (
    pictures_of,
    read_from_record,
    record_from_hit,
    record_from_read,
)
from alpr.link.protocol.fields import MAX_MESSAGE_BYTES
from alpr.link.protocol.hotlist_messages import (
    HotlistAsk,
    HotlistNone,
    HotlistOffer,
    HotlistOffers,
    HotlistPart,
    HotlistsHeld,
    RefusalReport,
    SetReport,
)
from alpr.link.protocol.messages import (
    Ack,
    Batch,
    Entry,
    EntryRecord,
    Goodbye,
    Hello,
    HitRecord,
    LossRecord,
    PictureRecord,
    ReadRecord,
    Refusal,
    Welcome,
    decode_from_collector,
    decode_from_device,
    decode_record,
    encode,
)
from tests.conftest import START
from tests.records import a_hit, a_read, hit_from_record

BOOT = "0123456789abcdef"


def a_batch(record: object) -> bytes:
    return encode(Batch(BOOT, 1, (Entry(1, msgspec.Raw(msgspec.msgpack.encode(record))),)))


def changed(record: ReadRecord | HitRecord, **fields: object) -> bytes:
    plain = msgspec.msgpack.decode(encode(record))
    return msgspec.msgpack.encode({**plain, **fields})


def test_a_read_comes_back_the_same() -> None:
    read = a_read()
    record = decode_record(encode(record_from_read(read)))
    assert isinstance(record, ReadRecord)
    back = read_from_record(record, read.patch_jpeg, read.vehicle_jpeg)
    for field in ("read_id", "revision", "is_final", "camera_id", "first_seen_at", "last_seen_at", "observations"):
        assert getattr(back, field) == getattr(read, field)
    for field in ("frame_size_wh", "patch_jpeg", "vehicle_jpeg", "model_ids", "direction", "detection_confidence"):
        assert getattr(back, field) == getattr(read, field)
    assert (back.plate.text, back.plate.confidence, back.plate.region) == ("AB12CDE", read.plate.confidence, "GB")
    assert back.plate.candidates == read.plate.candidates
    np.testing.assert_array_equal(back.corners, read.corners)
    # float16 keeps 11 bits; below 6e-5 its steps are 6e-8.
    np.testing.assert_allclose(back.plate.char_probabilities, read.plate.char_probabilities, rtol=2**-11, atol=6e-8)


def test_a_hit_comes_back_the_same() -> None:
    hit = a_hit(a_read(text="AB12CDE"), plate="A812CDE")
    record = decode_record(encode(record_from_hit(hit)))
    assert isinstance(record, HitRecord)
    back = hit_from_record(record)
    assert back.match.entry == hit.match.entry
    assert (back.match.kind, back.match.differing_positions, back.match.probability) == ("look-alike", (1,), 0.93)
    for field in ("hit_id", "read_id", "read_revision", "camera_id", "plate_text", "list_revision", "list_age_s"):
        assert getattr(back, field) == getattr(hit, field)
    assert (back.raised_at, back.is_withdrawn) == (hit.raised_at, hit.is_withdrawn)


def test_a_kind_of_match_from_the_future_is_carried() -> None:
    record = decode_record(changed(record_from_hit(a_hit(a_read())), match="telepathy"))
    assert isinstance(record, HitRecord)
    assert record.match == "telepathy"


def test_unknown_fields_are_ignored() -> None:
    record = decode_record(changed(record_from_read(a_read()), weather="rain"))
    assert record == record_from_read(a_read())


def test_a_read_without_pictures_has_none() -> None:
    assert pictures_of(a_read(picture_bytes=0)) == []
    assert record_from_read(a_read(picture_bytes=0)).patch_sha256 is None


@pytest.mark.parametrize(
    "fields",
    [
        {"read_id": "../../etc"},
        {"read_id": "A" * 32},
        {"revision": -1},
        {"revision": 2**63},
        {"plate": "AB 12"},
        {"plate": "A" * 33},
        {"confidence": float("nan")},
        {"confidence": 1.5},
        {"first_seen_at": "2026-01-01T00:00:00"},
        {"first_seen_at": 5},
        {"patch_sha256": b"short"},
        {"corners": [[0, 0]]},
        {"corners": [[0, 0], [1, 0], [1, 1], [0, float("inf")]]},
        {"kind": "unheard-of"},
        {"camera_id": "x" * 201},
    ],
)
def test_a_record_out_of_range_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(MessageError, match="cannot be understood"):
        decode_record(changed(record_from_read(a_read()), **fields))


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_that_is_none_in_utc_is_refused(instant: str) -> None:
    with pytest.raises(MessageError, match="beyond the calendar"):
        decode_record(changed(record_from_read(a_read()), first_seen_at=instant))
    hit = record_from_hit(a_hit(a_read()))
    entry = {**msgspec.to_builtins(hit.entry), "valid_to": instant}
    with pytest.raises(MessageError, match="beyond the calendar"):
        decode_record(changed(hit, entry=entry))
    held = HotlistsHeld((SetReport("all", 1, "", START, START, 1),))
    plain = msgspec.msgpack.decode(encode(held))
    plain["held"][0]["updated_at"] = instant
    with pytest.raises(MessageError, match="beyond the calendar"):
        decode_from_device(msgspec.msgpack.encode(plain))


def test_probabilities_that_do_not_fit_are_refused() -> None:
    good = record_from_read(a_read())
    short = msgspec.structs.replace(good, char_probabilities=b"\0" * 8)
    with pytest.raises(MessageError, match="504 bytes, got 8"):
        read_from_record(short)
    nan = np.full((7, 36), np.nan, "<f2").tobytes()
    with pytest.raises(MessageError, match="not all in"):
        read_from_record(msgspec.structs.replace(good, char_probabilities=nan))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xc1",
        b"\x93\x01\x02\x03",
        b"garbage, not MessagePack",
        b"\x81\xa4kind\xa5hello",
        b"\x91" * 100_000,
        b"\xdf\xff\xff\xff\xff",
        b"\0" * (MAX_MESSAGE_BYTES + 1),
        encode(Ack(BOOT, (1,))),
    ],
)
def test_garbage_is_refused(raw: bytes) -> None:
    with pytest.raises(MessageError):
        decode_from_device(raw)


def test_another_version_is_refused_with_a_clear_word() -> None:
    raw = msgspec.msgpack.encode({**msgspec.msgpack.decode(encode(Ack(BOOT, (1,)))), "v": 2})
    with pytest.raises(MessageError, match="version 2; this side speaks version 1"):
        decode_from_collector(raw)


def test_a_bad_record_does_not_spoil_its_batch() -> None:
    batch = decode_from_device(a_batch({"kind": "unheard-of"}))
    assert isinstance(batch, Batch)
    with pytest.raises(MessageError):
        decode_record(batch.entries[0].record)


def test_a_read_tells_over_the_wire_where_a_format_chose_its_characters() -> None:
    read = a_read()
    settled = replace(read, plate=replace(read.plate, settled=(1, 4)))
    record = decode_record(encode(record_from_read(settled)))
    assert isinstance(record, ReadRecord)
    assert read_from_record(record).plate.settled == (1, 4)


def test_the_wire_form_is_pinned() -> None:
    """Other versions and other programs rely on these names; adding is fine, renaming and removing is not."""
    read = msgspec.msgpack.decode(encode(record_from_read(a_read())))
    assert list(read) == [
        "kind", "read_id", "revision", "is_final", "camera_id", "plate", "confidence", "char_probabilities",
        "candidates", "first_seen_at", "last_seen_at", "observations", "corners", "detection_confidence",
        "frame_size_wh", "region", "region_confidence", "patch_sha256", "vehicle_sha256", "model_ids", "direction",
        "settled", "position", "facts", "clock",
    ]  # fmt: skip
    hit = msgspec.msgpack.decode(encode(record_from_hit(a_hit(a_read()))))
    assert list(hit) == [
        "kind", "hit_id", "read_id", "read_revision", "camera_id", "plate", "match", "differing_positions",
        "probability", "entry", "list_revision", "list_age_s", "raised_at", "is_withdrawn",
        "unchecked", "list_max_age_s", "is_past", "read_at",
    ]  # fmt: skip
    batch = msgspec.msgpack.decode(a_batch({"kind": "read"}))
    assert list(batch) == ["kind", "boot_id", "oldest_seq", "entries", "v"]
    assert list(batch["entries"][0]) == ["seq", "record"]


@pytest.mark.parametrize(
    "struct",
    [
        Hello, Batch, Entry, Welcome, Ack, Goodbye, Refusal,
        ReadRecord, HitRecord, EntryRecord, PictureRecord, LossRecord,
        HotlistOffers, HotlistOffer, HotlistAsk, HotlistPart, HotlistNone, HotlistsHeld, SetReport, RefusalReport,
    ],
)  # fmt: skip
def test_every_field_is_documented(struct: type[msgspec.Struct]) -> None:
    text = (Path(__file__).parents[4] / "docs" / "messages.md").read_text("utf-8")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    words = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert set(struct.__struct_fields__) <= words

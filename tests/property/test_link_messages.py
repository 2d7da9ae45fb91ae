"""Nothing that comes over the wire raises anything but MessageError, and what goes in comes out."""

from __future__ import annotations

import contextlib
from datetime import UTC

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.errors import MessageError
from alpr.link.protocol.convert import read_from_record, record_from_read
from alpr.link.protocol.messages import (
    Batch,
    Entry,
    Hello,
    ReadRecord,
    decode_from_collector,
    decode_from_device,
    decode_record,
    encode,
)
from alpr.types import ALPHABET, Candidate, PlateText, Read
from tests.conftest import START
from tests.records import a_read, an_id

BOOT = "0123456789abcdef"
SHARES = st.floats(0, 1, width=32)
INSTANTS = st.datetimes(timezones=st.just(UTC))
GOOD = [
    encode(record_from_read(a_read())),
    encode(Hello(BOOT, (BOOT,), "alpr", START)),
    encode(Batch(BOOT, 1, (Entry(1, msgspec.Raw(encode(record_from_read(a_read())))),))),
]


def decode_all(raw: bytes) -> None:
    for decode in (decode_from_device, decode_from_collector, decode_record):
        with contextlib.suppress(MessageError):
            decode(raw)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_random_bytes(raw: bytes) -> None:
    decode_all(raw)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(GOOD), st.data())
def test_good_messages_with_bad_bytes(raw: bytes, data: st.DataObject) -> None:
    spoilt = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    decode_all(bytes(spoilt[: data.draw(st.integers(0, len(raw)))]))


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary() | INSTANTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ReadRecord.__struct_fields__)), JSON_LIKE)
def test_any_value_in_any_field(name: str, value: object) -> None:
    plain = msgspec.msgpack.decode(GOOD[0])
    decode_all(msgspec.msgpack.encode({**plain, name: value}))


@st.composite
def reads(draw: st.DrawFn) -> Read:
    text = draw(st.text(ALPHABET, max_size=12))
    rows = draw(st.lists(SHARES, min_size=len(text) * 36, max_size=len(text) * 36))
    plate = PlateText(
        text,
        np.array(rows, np.float32).reshape(len(text), 36),
        draw(SHARES),
        (Candidate(text, draw(SHARES)),),
        draw(st.none() | st.just("GB")),
        draw(SHARES),
    )
    return Read(
        read_id=an_id(draw(st.integers(0))),
        revision=draw(st.integers(0, 2**40)),
        is_final=draw(st.booleans()),
        camera_id=draw(st.text(max_size=50)),
        plate=plate,
        first_seen_at=draw(INSTANTS),
        last_seen_at=draw(INSTANTS),
        observations=draw(st.integers(0, 10**6)),
        corners=np.array(draw(st.lists(st.floats(-1e5, 1e5, width=32), min_size=8, max_size=8))).reshape(4, 2),
        detection_confidence=draw(SHARES),
        frame_size_wh=(draw(st.integers(0, 9999)), draw(st.integers(0, 9999))),
        patch_jpeg=b"p",
        vehicle_jpeg=b"",
        model_ids=("m@0",),
        direction=draw(st.none() | st.just("left")),
    )


@settings(deadline=None, max_examples=50)
@given(reads())
def test_any_read_survives_the_wire(read: Read) -> None:
    record = decode_record(encode(record_from_read(read)))
    assert isinstance(record, ReadRecord)
    back = read_from_record(record, read.patch_jpeg, read.vehicle_jpeg)
    for name in ("read_id", "revision", "is_final", "camera_id", "first_seen_at", "last_seen_at", "observations"):
        assert getattr(back, name) == getattr(read, name)
    assert (back.plate.text, back.plate.confidence, back.plate.candidates) == (
        read.plate.text, read.plate.confidence, read.plate.candidates,
    )  # fmt: skip
    np.testing.assert_allclose(back.plate.char_probabilities, read.plate.char_probabilities, rtol=2**-11, atol=6e-8)
    np.testing.assert_array_equal(back.corners, read.corners)

"""The position of a read on the wire and in the rows of both ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from alpr.errors import MessageError
from alpr.events.build import device_read, event_from_record
from alpr.link.protocol.convert import read_from_record, record_from_read
from alpr.link.protocol.messages import ReadRecord, decode_record, encode
from alpr.types import FixKind, Position
from tests.records import a_read

POSITION = Position(52.00012345678, 4.3, FixKind.THREE_D, 0.234, 5.0, 20.0, 90.0, 270.0)


def test_a_position_survives_the_wire_and_a_read_without_one_has_none() -> None:
    for read in (replace(a_read(), position=POSITION), a_read()):
        record = decode_record(encode(record_from_read(read)))
        assert isinstance(record, ReadRecord)
        assert read_from_record(record).position == read.position


def test_both_ends_tell_it_in_the_same_row() -> None:
    read = replace(a_read(), position=POSITION)
    event = event_from_record("car", record_from_read(read))
    assert event is not None
    rows: list[Any] = [device_read(read), event]
    told = [row["position"] for row in rows]
    assert told == 2 * [
        {
            "latitude": 52.000123,
            "longitude": 4.3,
            "fix": "3d",
            "age_s": 0.2,
            "accuracy_m": 5.0,
            "speed_mps": 20.0,
            "course_deg": 90.0,
            "heading_deg": 270.0,
        }
    ]
    assert "position" not in device_read(a_read())


def test_a_kind_of_fix_that_is_not_known_yet_is_the_worst_and_one_off_the_map_is_refused() -> None:
    record = record_from_read(replace(a_read(), position=POSITION))
    assert record.position is not None
    newer = msgspec.structs.replace(record.position, fix="rtk")
    read = read_from_record(msgspec.structs.replace(record, position=newer))
    assert read.position is not None
    assert read.position.fix is FixKind.TWO_D
    wrong = msgspec.structs.replace(record.position, latitude=91.0)
    with pytest.raises(MessageError):
        decode_record(encode(msgspec.structs.replace(record, position=wrong)))

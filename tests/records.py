"""Builders of reads and hits for tests of the link and the collector."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from datetime import timedelta

from alpr.link.protocol.messages import HitRecord
from alpr.types import Hit, HotlistEntry, Match, MatchKind, Read
from tests.conftest import START, a_plate_text, some_corners


def an_id(number: int | str) -> str:
    """32 hexadecimal digits that stand for a number."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def a_read(
    number: int = 1,
    text: str = "AB12CDE",
    *,
    revision: int = 0,
    is_final: bool = True,
    camera_id: str = "north",
    seconds: float = 0.0,
    picture_bytes: int = 200,
) -> Read:
    """A read whose pictures are its own."""
    return Read(
        read_id=an_id(number),
        revision=revision,
        is_final=is_final,
        camera_id=camera_id,
        plate=a_plate_text(text, region="GB"),
        first_seen_at=START + timedelta(seconds=seconds),
        last_seen_at=START + timedelta(seconds=seconds + 1),
        observations=5,
        corners=some_corners(),
        detection_confidence=0.9,
        frame_size_wh=(1920, 1080),
        patch_jpeg=f"patch {number}".encode().ljust(picture_bytes, b"p") if picture_bytes else b"",
        vehicle_jpeg=f"vehicle {number}".encode().ljust(picture_bytes, b"v") if picture_bytes else b"",
        model_ids=("detector@0123456789ab", "recogniser@0123456789ab"),
        direction="approaching",
    )


def an_entry(plate: str = "AB12CDE") -> HotlistEntry:
    """An entry of the list "stolen"."""
    return HotlistEntry(7, "stolen", plate, "stolen vehicle", 1, "GB", "case 12", "do not approach", START, None)


def a_hit(read: Read, plate: str | None = None, *, is_withdrawn: bool = False) -> Hit:
    """A hit of a read on an entry."""
    entry = an_entry(plate or read.plate.text)
    differing = tuple(i for i, (a, b) in enumerate(zip(read.plate.text, entry.plate, strict=False)) if a != b)
    kind = MatchKind.LOOK_ALIKE if differing else MatchKind.EXACT
    return Hit(
        hit_id=an_id(f"hit {read.read_id} {entry.entry_id}"),
        read_id=read.read_id,
        read_revision=read.revision,
        camera_id=read.camera_id,
        plate_text=read.plate.text,
        match=Match(entry, kind, differing, 0.93),
        list_revision=4,
        list_age_s=60.5,
        raised_at=read.last_seen_at,
        is_withdrawn=is_withdrawn,
    )


def hit_from_record(record: HitRecord) -> Hit:
    """The hit that a record was made of: a program needs the record alone."""
    entry = HotlistEntry(**{each.name: getattr(record.entry, each.name) for each in fields(HotlistEntry)})
    match = Match(entry, MatchKind(record.match), record.differing_positions, record.probability, record.unchecked)
    alike = {
        each.name: getattr(record, each.name) for each in fields(Hit) if each.name not in ("plate_text", "match")
    }
    return Hit(plate_text=record.plate, match=match, **alike)

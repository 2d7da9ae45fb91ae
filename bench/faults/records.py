"""Numbered reads and hits: what stands in each follows from its number, so that any side can tell what is missing."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np

from alpr.types import ALPHABET, Candidate, Hit, HotlistEntry, Match, MatchKind, PlateText, Read

HIT_EVERY = 10
PICTURE_EVERY = 4
_START = datetime(2026, 1, 1, tzinfo=UTC)


def name_of(what: str, number: int) -> str:
    """32 hexadecimal digits."""
    return hashlib.sha256(f"{what} {number}".encode()).hexdigest()[:32]


def numbered_read(number: int, device: str = "") -> Read:
    """A read; every fourth has pictures of its own."""
    text = f"P{number:06d}"
    rows = np.full((len(text), len(ALPHABET)), 0.001, np.float32)
    for position, char in enumerate(text):
        rows[position, ALPHABET.index(char)] = 0.965
    seen_at = _START + timedelta(seconds=number)
    has_pictures = number % PICTURE_EVERY == 0
    return Read(
        read_id=name_of(f"read{device}", number),
        revision=0,
        is_final=True,
        camera_id="north",
        plate=PlateText(text, rows, 0.8, (Candidate(text, 0.8),), "GB", 0.9),
        first_seen_at=seen_at,
        last_seen_at=seen_at + timedelta(seconds=1),
        observations=5,
        corners=np.array([[100, 100], [200, 100], [200, 125], [100, 125]], np.float32),
        detection_confidence=0.9,
        frame_size_wh=(1920, 1080),
        patch_jpeg=f"patch {device} {number}".encode().ljust(1200, b"p") if has_pictures else b"",
        vehicle_jpeg=f"vehicle {device} {number}".encode().ljust(4000, b"v") if has_pictures else b"",
        model_ids=("detector@0123456789ab", "recogniser@0123456789ab"),
    )


def numbered_hit(read: Read, number: int, device: str = "") -> Hit:
    """An exact hit of such a read."""
    entry = HotlistEntry(1, "wanted", read.plate.text, "stolen vehicle", 1)
    return Hit(
        hit_id=name_of(f"hit{device}", number),
        read_id=read.read_id,
        read_revision=0,
        camera_id=read.camera_id,
        plate_text=read.plate.text,
        match=Match(entry, MatchKind.EXACT, (), 0.9),
        list_revision=1,
        list_age_s=60.0,
        raised_at=read.last_seen_at,
    )

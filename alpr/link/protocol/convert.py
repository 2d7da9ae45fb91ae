"""Reads and hits to records of the wire and back. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np

from alpr.errors import MessageError
from alpr.link.protocol.messages import (
    CandidateRecord,
    ClockRecord,
    DispositionRecord,
    EntryRecord,
    HitRecord,
    PictureRecord,
    PositionRecord,
    ReadRecord,
)
from alpr.link.protocol.pass_facts import facts_from_record, record_from_facts
from alpr.types import (
    ALPHABET,
    Action,
    Candidate,
    ClockSource,
    ClockState,
    Disposition,
    FixKind,
    FloatArray,
    Hit,
    PlateText,
    Position,
    Read,
    Verdict,
)

_CONDITIONS_AND_CARD = (
    *("category", "code", "colour", "sound", "vehicle"),
    *("schedule", "areas", "directions", "receivers"),
)
"""Fields of an entry that have the same name and form in its record."""


def record_from_read(read: Read) -> ReadRecord:
    """Convert a read without its pictures; probabilities are rounded to float16.

    Args:
        read: any revision of it.
    """
    plate = read.plate
    return ReadRecord(
        read_id=read.read_id,
        revision=read.revision,
        is_final=read.is_final,
        camera_id=read.camera_id,
        plate=plate.text,
        confidence=_share(plate.confidence),
        char_probabilities=plate.char_probabilities.astype("<f2").tobytes(),
        candidates=tuple(CandidateRecord(c.text, _share(c.confidence)) for c in plate.candidates),
        first_seen_at=_utc(read.first_seen_at),
        last_seen_at=_utc(read.last_seen_at),
        observations=read.observations,
        corners=_tuple_from_corners(read.corners),
        detection_confidence=_share(read.detection_confidence),
        frame_size_wh=(int(read.frame_size_wh[0]), int(read.frame_size_wh[1])),
        region=plate.region,
        region_confidence=_share(plate.region_confidence),
        patch_sha256=sha256_of(read.patch_jpeg),
        vehicle_sha256=sha256_of(read.vehicle_jpeg),
        model_ids=read.model_ids,
        direction=read.direction,
        settled=plate.settled,
        position=None if read.position is None else record_from_position(read.position),
        facts=record_from_facts(read.facts),
        clock=None if read.clock is None else record_from_clock(read.clock),
    )


def record_from_clock(clock: ClockState) -> ClockRecord:
    """Convert the state of a clock.

    Args:
        clock: by which a read is dated.
    """
    return ClockRecord(clock.source.value, clock.offset_s, clock.uncertainty_s)


def clock_from_record(record: ClockRecord) -> ClockState:
    """Convert a record to the state of a clock; a source that this version does not know counts as none.

    Args:
        record: decoded.
    """
    source = ClockSource(record.source) if record.source in set(ClockSource) else ClockSource.NONE
    return ClockState(source, record.offset_s, record.uncertainty_s)


def record_from_position(position: Position) -> PositionRecord:
    """Convert a position.

    Args:
        position: of a read.
    """
    return PositionRecord(
        position.latitude,
        position.longitude,
        position.fix.value,
        position.age_s,
        position.accuracy_m,
        position.speed_mps,
        position.course_deg,
        position.heading_deg,
    )


def position_from_record(record: PositionRecord) -> Position:
    """Convert a record to a position; a fix of a kind that this version does not know is taken for the worst.

    Args:
        record: decoded.
    """
    kind = FixKind(record.fix) if record.fix in set(FixKind) else FixKind.TWO_D
    return Position(
        record.latitude,
        record.longitude,
        kind,
        max(0.0, record.age_s),
        record.accuracy_m,
        record.speed_mps,
        record.course_deg,
        record.heading_deg,
    )


def pictures_of(read: Read) -> list[PictureRecord]:
    """List the pictures of a read, each once.

    Args:
        read: any revision of it.
    """
    jpegs = dict.fromkeys(jpeg for jpeg in (read.patch_jpeg, read.vehicle_jpeg) if jpeg)
    return [PictureRecord(hashlib.sha256(jpeg).digest(), jpeg) for jpeg in jpegs]


def read_from_record(record: ReadRecord, patch_jpeg: bytes = b"", vehicle_jpeg: bytes = b"") -> Read:
    """Convert a record to a read; its pictures come from elsewhere.

    Args:
        record: decoded.
        patch_jpeg: the plate's picture; b"" for none.
        vehicle_jpeg: the vehicle's picture; b"" for none.

    Raises:
        MessageError: its probabilities do not fit its plate.
    """
    plate = PlateText(
        record.plate,
        probabilities_of(record),
        record.confidence,
        tuple(Candidate(c.text, c.confidence) for c in record.candidates),
        record.region,
        record.region_confidence,
        record.settled,
    )
    return Read(
        read_id=record.read_id,
        revision=record.revision,
        is_final=record.is_final,
        camera_id=record.camera_id,
        plate=plate,
        first_seen_at=_utc(record.first_seen_at),
        last_seen_at=_utc(record.last_seen_at),
        observations=record.observations,
        corners=np.array(record.corners, np.float32),
        detection_confidence=record.detection_confidence,
        frame_size_wh=record.frame_size_wh,
        patch_jpeg=patch_jpeg,
        vehicle_jpeg=vehicle_jpeg,
        model_ids=record.model_ids,
        direction=record.direction,
        position=None if record.position is None else position_from_record(record.position),
        facts=facts_from_record(record.facts),
        clock=None if record.clock is None else clock_from_record(record.clock),
    )


def probabilities_of(record: ReadRecord) -> FloatArray:
    """Decode the probabilities of a record: (len(plate), 36) float32, in [0, 1].

    Args:
        record: decoded.

    Raises:
        MessageError: of another size, or not all in [0, 1].
    """
    expected = len(record.plate) * len(ALPHABET) * 2
    if len(record.char_probabilities) != expected:
        raise MessageError(
            f"char_probabilities of a plate of {len(record.plate)} are {expected} bytes, "
            f"got {len(record.char_probabilities)}"
        )
    halves = np.frombuffer(record.char_probabilities, "<f2").astype(np.float32)
    if not bool(np.all((halves >= 0) & (halves <= 1))):
        raise MessageError("char_probabilities are not all in [0, 1]")
    return halves.reshape(len(record.plate), len(ALPHABET))


def record_from_hit(hit: Hit) -> HitRecord:
    """Convert a hit, with the entry that it matches.

    Args:
        hit: raised or withdrawn.
    """
    entry = hit.match.entry
    return HitRecord(
        hit_id=hit.hit_id,
        read_id=hit.read_id,
        read_revision=hit.read_revision,
        camera_id=hit.camera_id,
        plate=hit.plate_text,
        match=hit.match.kind.value,
        differing_positions=tuple(int(p) for p in hit.match.differing_positions),
        probability=_share(hit.match.probability),
        entry=EntryRecord(
            entry.entry_id,
            entry.list_name,
            entry.plate,
            entry.reason,
            entry.priority,
            entry.region,
            entry.case_reference,
            entry.instructions,
            _utc(entry.valid_from) if entry.valid_from else None,
            _utc(entry.valid_to) if entry.valid_to else None,
            **{field: getattr(entry, field) for field in _CONDITIONS_AND_CARD},
        ),
        list_revision=hit.list_revision,
        list_age_s=float(hit.list_age_s),
        raised_at=_utc(hit.raised_at),
        is_withdrawn=hit.is_withdrawn,
        unchecked=hit.match.unchecked,
        list_max_age_s=hit.list_max_age_s,
        is_past=hit.is_past,
        read_at=_utc(hit.read_at) if hit.read_at else None,
    )


def record_from_disposition(disposition: Disposition) -> DispositionRecord:
    """Convert a disposition.

    Args:
        disposition: checked.
    """
    return DispositionRecord(
        disposition_id=disposition.disposition_id,
        hit_id=disposition.hit_id,
        verdict=disposition.verdict.value,
        action=disposition.action.value,
        by=disposition.by,
        decided_at=_utc(disposition.decided_at),
        reason=disposition.reason,
        verified_with=disposition.verified_with,
        verified_at=_utc(disposition.verified_at) if disposition.verified_at else None,
        true_text=disposition.true_text,
    )


def disposition_from_record(record: DispositionRecord) -> Disposition:
    """Convert a record to a disposition.

    Args:
        record: decoded.

    Raises:
        MessageError: a verdict or an action that this version does not know.
    """
    try:
        verdict, action = Verdict(record.verdict), Action(record.action)
    except ValueError as error:
        raise MessageError(f"{error} in a disposition: not one that this version knows; update alpr") from error
    return Disposition(
        disposition_id=record.disposition_id,
        hit_id=record.hit_id,
        verdict=verdict,
        action=action,
        by=record.by,
        decided_at=_utc(record.decided_at),
        reason=record.reason,
        verified_with=record.verified_with,
        verified_at=_utc(record.verified_at) if record.verified_at else None,
        true_text=record.true_text,
    )


def sha256_of(jpeg: bytes) -> bytes | None:
    """Hash a picture as it is known by; None where there is none.

    Args:
        jpeg: b"" for none.
    """
    return hashlib.sha256(jpeg).digest() if jpeg else None


def _share(value: float) -> float:
    # Sums of float32 probabilities may end a hair beyond 1.
    return min(1.0, max(0.0, float(value)))


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def _tuple_from_corners(
    corners: FloatArray,
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return a, b, c, d

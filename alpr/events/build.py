"""Builds the rows of events from records, alerts and value types: the only place where these are flattened. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from alpr.events.device_alerts import COLLECTOR, DeviceAlert, DeviceProblem
from alpr.events.hit_text import age_warning, card_colour
from alpr.events.pass_facts import fact_fields
from alpr.events.rows import (
    AlertEvent,
    AuditHeadEvent,
    ClockFields,
    DeviceRead,
    DispositionEvent,
    HitEvent,
    HitFields,
    PlateFields,
    PositionFields,
    ReadEvent,
    RecordEvent,
)
from alpr.link.protocol.convert import record_from_clock, record_from_hit, record_from_position
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.link.protocol.messages import (
    ClockRecord,
    DispositionRecord,
    HitRecord,
    LossRecord,
    PositionRecord,
    ReadRecord,
    Record,
)
from alpr.link.protocol.pass_facts import facts_from_record
from alpr.types import FloatArray, Hit, Observation, PlateText, Read


def event_from_record(device: str, record: Record, receivers: Sequence[str] = ()) -> RecordEvent | None:
    """Return the event of a stored record; None for a picture.

    Args:
        device: its name at the collector.
        record: as it was stored.
        receivers: named in the event, where it is a hit or a decision; () for none.
    """
    match record:
        case ReadRecord():
            return _read_event(device, record)
        case HitRecord():
            hit: HitEvent = {"device": device, **_fields_of_hit(record)}  # type: ignore[typeddict-item]  # none is in there
            return {**hit, "receivers": list(receivers)} if receivers else hit
        case LossRecord():
            return {
                "event": "loss",
                "device": device,
                "what": record.what,
                "cause": record.cause,
                "total": record.total,
                "last_at": record.last_at.isoformat(),
            }
        case DispositionRecord():
            decision = _disposition_event(device, record)
            return {**decision, "receivers": list(receivers)} if receivers else decision
    return None


def event_from_alert(alert: DeviceAlert) -> AlertEvent:
    """Return the event of an alert on a device's health or on the audit.

    Args:
        alert: raised or cleared.
    """
    return {
        "event": "alert",
        "alert_id": _alert_id(alert.problem),
        "device": alert.problem.device,
        "kind": alert.problem.kind.value,
        "subject": alert.problem.subject or None,
        "is_raised": alert.is_raised,
        "at": alert.at.isoformat(),
        "text": alert.text,
    }


def event_from_audit_head(head: AuditHead, at: datetime) -> AuditHeadEvent:
    """Return the event of a sealed head of the audit.

    Args:
        head: sealed by the collector.
        at: when it was found sound.
    """
    return {
        "event": "audit-head",
        "device": COLLECTOR,
        "at": at.isoformat(timespec="seconds"),
        "rows": head.rows,
        "hash": head.hash,
        "epoch": head.epoch,
        "seal": head.seal.hex(),
    }


def observation_row(seen: Observation) -> PlateFields:
    """Return the row of one plate in one picture.

    Args:
        seen: in frame pixels.
    """
    return _fields_of_plate(seen.plate, seen.detection.corners, seen.detection.confidence)


def device_read(read: Read) -> DeviceRead:
    """Return the row of a read as its device prints it.

    Args:
        read: of one vehicle pass.
    """
    return {
        "event": "read",
        "read_id": read.read_id,
        "revision": read.revision,
        "is_final": read.is_final,
        "camera_id": read.camera_id,
        **_fields_of_plate(read.plate, read.corners, read.detection_confidence),
        "first_seen_at": read.first_seen_at.isoformat(),
        "last_seen_at": read.last_seen_at.isoformat(),
        "observations": read.observations,
        "direction": read.direction,
        **fact_fields(read.facts),
        "models": list(read.model_ids),
        **_position(None if read.position is None else record_from_position(read.position)),  # type: ignore[typeddict-item]  # none or a position
        **_clock(None if read.clock is None else record_from_clock(read.clock)),
    }


def device_hit(hit: Hit) -> HitFields:
    """Return the row of a hit as its device prints it.

    Args:
        hit: with the entry that it met.
    """
    return _fields_of_hit(record_from_hit(hit))


def _read_event(device: str, read: ReadRecord) -> ReadEvent:
    return {
        "event": "read",
        "device": device,
        "camera_id": read.camera_id,
        "read_id": read.read_id,
        "revision": read.revision,
        "is_final": read.is_final,
        "plate": read.plate,
        "confidence": _rounded(read.confidence),
        "region": read.region,
        "direction": read.direction,
        **fact_fields(facts_from_record(read.facts)),
        "observations": read.observations,
        "first_seen_at": read.first_seen_at.isoformat(),
        "last_seen_at": read.last_seen_at.isoformat(),
        **_position(read.position),  # type: ignore[typeddict-item]  # none or a position
        **_clock(read.clock),
    }


def _clock(clock: ClockRecord | None) -> dict[str, ClockFields]:
    if clock is None:
        return {}
    offset_s, uncertainty_s = (
        None if seconds is None else round(seconds, 6) for seconds in (clock.offset_s, clock.uncertainty_s)
    )
    return {"clock": {"source": clock.source, "offset_s": offset_s, "uncertainty_s": uncertainty_s}}


def _position(position: PositionRecord | None) -> dict[str, PositionFields]:
    if position is None:
        return {}
    fields: PositionFields = {
        "latitude": round(position.latitude, 6),
        "longitude": round(position.longitude, 6),
        "fix": position.fix,
        "age_s": round(position.age_s, 1),
        "accuracy_m": position.accuracy_m,
        "speed_mps": position.speed_mps,
        "course_deg": position.course_deg,
        "heading_deg": position.heading_deg,
    }
    return {"position": fields}


def _disposition_event(device: str, decision: DispositionRecord) -> DispositionEvent:
    return {
        "event": "disposition",
        "device": device,
        "disposition_id": decision.disposition_id,
        "hit_id": decision.hit_id,
        "verdict": decision.verdict,
        "action": decision.action,
        "reason": decision.reason,
        "true_text": decision.true_text,
        "by": decision.by,
        "decided_at": decision.decided_at.isoformat(),
        "verified_with": decision.verified_with,
        "verified_at": decision.verified_at.isoformat() if decision.verified_at else None,
    }


def _fields_of_hit(hit: HitRecord) -> HitFields:
    entry = hit.entry
    return {
        "event": "hit",
        "camera_id": hit.camera_id,
        "hit_id": hit.hit_id,
        "read_id": hit.read_id,
        "read_revision": hit.read_revision,
        "plate": hit.plate,
        "match": hit.match,
        "entry_plate": entry.plate,
        "differing_positions": list(hit.differing_positions),
        "probability": _rounded(hit.probability),
        "list_name": entry.list_name,
        "list_revision": hit.list_revision,
        "list_age_s": round(hit.list_age_s, 1),
        "priority": entry.priority,
        "reason": entry.reason,
        "category": entry.category,
        "code": entry.code,
        "case_reference": entry.case_reference,
        "vehicle": entry.vehicle,
        "colour": card_colour(entry.colour, entry.priority),
        "sound": entry.sound,
        "instructions": entry.instructions,
        "unchecked": list(hit.unchecked),
        "list_warning": age_warning(hit.list_age_s, hit.list_max_age_s),
        "is_past": hit.is_past,
        "read_at": hit.read_at.isoformat() if hit.read_at else None,
        "is_withdrawn": hit.is_withdrawn,
        "raised_at": hit.raised_at.isoformat(),
    }


def _fields_of_plate(plate: PlateText, corners: FloatArray, detection_confidence: float) -> PlateFields:
    return {
        "plate": plate.text,
        "confidence": _rounded(plate.confidence),
        "char_confidences": [_rounded(confidence) for confidence in plate.char_confidences],
        "region": plate.region,
        "region_confidence": _rounded(plate.region_confidence),
        "candidates": [
            {"plate": candidate.text, "confidence": _rounded(candidate.confidence)} for candidate in plate.candidates
        ],
        "settled": list(plate.settled),
        "corners": [(round(float(x), 1), round(float(y), 1)) for x, y in corners],
        "detection_confidence": _rounded(detection_confidence),
    }


def _alert_id(problem: DeviceProblem) -> str:
    text = "\0".join((problem.device, problem.kind.value, problem.subject))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _rounded(value: float) -> float:
    return round(float(value), 4)

"""Stored records as rows for people and programs: the JSON lines that `alpr collector` prints."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from alpr.events.device_alerts import COLLECTOR, DeviceAlert, DeviceProblem
from alpr.events.list_age import age_warning
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.link.protocol.messages import DispositionRecord, HitRecord, LossRecord, ReadRecord, Record


def row_from_record(device: str, record: Record) -> dict[str, Any] | None:
    """A flat row with an `event` of "read", "hit", "loss" or "disposition"; None for a picture."""
    match record:
        case ReadRecord() as read:
            return {
                "event": "read",
                "device": device,
                "camera_id": read.camera_id,
                "read_id": read.read_id,
                "revision": read.revision,
                "is_final": read.is_final,
                "plate": read.plate,
                "confidence": round(read.confidence, 4),
                "region": read.region,
                "direction": read.direction,
                "observations": read.observations,
                "first_seen_at": read.first_seen_at.isoformat(),
                "last_seen_at": read.last_seen_at.isoformat(),
            }
        case HitRecord() as hit:
            return {
                "event": "hit",
                "device": device,
                "camera_id": hit.camera_id,
                "hit_id": hit.hit_id,
                "read_id": hit.read_id,
                "read_revision": hit.read_revision,
                "plate": hit.plate,
                "match": hit.match,
                "entry_plate": hit.entry.plate,
                "differing_positions": list(hit.differing_positions),
                "probability": round(hit.probability, 4),
                "list_name": hit.entry.list_name,
                "list_revision": hit.list_revision,
                "list_age_s": round(hit.list_age_s, 1),
                "priority": hit.entry.priority,
                "reason": hit.entry.reason,
                "category": hit.entry.category,
                "code": hit.entry.code,
                "case_reference": hit.entry.case_reference,
                "vehicle": hit.entry.vehicle,
                "colour": hit.entry.colour,
                "sound": hit.entry.sound,
                "instructions": hit.entry.instructions,
                "unchecked": list(hit.unchecked),
                "list_warning": age_warning(hit.list_age_s, hit.list_max_age_s),
                "is_past": hit.is_past,
                "read_at": hit.read_at.isoformat() if hit.read_at else None,
                "is_withdrawn": hit.is_withdrawn,
                "raised_at": hit.raised_at.isoformat(),
            }
        case LossRecord() as loss:
            return {
                "event": "loss",
                "device": device,
                "what": loss.what,
                "cause": loss.cause,
                "total": loss.total,
                "last_at": loss.last_at.isoformat(),
            }
        case DispositionRecord() as decision:
            return {"event": "disposition", "device": device, **row_from_disposition(decision)}
    return None


def row_from_disposition(decision: DispositionRecord) -> dict[str, Any]:
    """What was decided on a hit, flat."""
    return {
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


def row_from_alert(alert: DeviceAlert) -> dict[str, Any]:
    """A flat row with an `event` of "alert"."""
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


def row_from_audit_head(head: AuditHead, at: datetime) -> dict[str, Any]:
    """A flat row with an `event` of "audit-head"."""
    return {
        "event": "audit-head",
        "device": COLLECTOR,
        "at": at.isoformat(timespec="seconds"),
        "rows": head.rows,
        "hash": head.hash,
        "epoch": head.epoch,
        "seal": head.seal.hex(),
    }


def _alert_id(problem: DeviceProblem) -> str:
    text = "\0".join((problem.device, problem.kind.value, problem.subject))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def line_from_hit(device: str, hit: HitRecord) -> str:
    """One line for the log."""
    past = f"PAST HIT of {hit.read_at:%Y-%m-%d %H:%M}" if hit.read_at else "HIT"
    word = "HIT WITHDRAWN" if hit.is_withdrawn else past
    warning = age_warning(hit.list_age_s, hit.list_max_age_s)
    same = "" if hit.plate == hit.entry.plate else f" for {hit.entry.plate}"
    line = (
        f"{word} {hit.plate}{same} ({hit.match}, p {hit.probability:.2f}) at {device}/{hit.camera_id}: "
        f"{hit.entry.reason} [{hit.entry.list_name}, priority {hit.entry.priority}]"
        f"{f' - {warning}' if warning else ''}"
    )
    return " ".join(line.split())  # a reason of two lines must not look like two hits

"""What commands print of the value types: plain mappings, ready for JSON. One home for these names."""

from __future__ import annotations

from typing import Any

from alpr.events.list_age import age_warning
from alpr.types import FloatArray, Hit, HotlistEntry, Observation, PlateText, Read


def row_of_plate(plate: PlateText) -> dict[str, Any]:
    """Text, confidences, region and candidates, as `alpr read --json` has them (design, section 3)."""
    return {
        "plate": plate.text,
        "confidence": _share(plate.confidence),
        "char_confidences": [_share(confidence) for confidence in plate.char_confidences],
        "region": plate.region,
        "region_confidence": _share(plate.region_confidence),
        "candidates": [
            {"plate": candidate.text, "confidence": _share(candidate.confidence)} for candidate in plate.candidates
        ],
        "settled": list(plate.settled),
    }


def row_of_observation(seen: Observation) -> dict[str, Any]:
    """One plate in one picture."""
    return {
        **row_of_plate(seen.plate),
        "corners": _points(seen.detection.corners),
        "detection_confidence": _share(seen.detection.confidence),
    }


def row_of_read(read: Read) -> dict[str, Any]:
    """One vehicle pass; `event` is "read". Pictures are left out."""
    return {
        "event": "read",
        "read_id": read.read_id,
        "revision": read.revision,
        "is_final": read.is_final,
        "camera_id": read.camera_id,
        **row_of_plate(read.plate),
        "first_seen_at": read.first_seen_at.isoformat(),
        "last_seen_at": read.last_seen_at.isoformat(),
        "observations": read.observations,
        "direction": read.direction,
        "corners": _points(read.corners),
        "detection_confidence": _share(read.detection_confidence),
        "models": list(read.model_ids),
    }


def row_of_hit(hit: Hit) -> dict[str, Any]:
    """One hit; `event` is "hit"."""
    entry = hit.match.entry
    return {
        "event": "hit",
        "hit_id": hit.hit_id,
        "read_id": hit.read_id,
        "read_revision": hit.read_revision,
        "camera_id": hit.camera_id,
        "plate": hit.plate_text,
        "entry_plate": entry.plate,
        "match": hit.match.kind.value,
        "differing_positions": list(hit.match.differing_positions),
        "probability": _share(hit.match.probability),
        "list_name": entry.list_name,
        "list_revision": hit.list_revision,
        "list_age_s": round(hit.list_age_s, 1),
        "list_warning": age_warning(hit.list_age_s, hit.list_max_age_s),
        "is_past": hit.is_past,
        "read_at": hit.read_at.isoformat() if hit.read_at else None,
        "priority": entry.priority,
        "reason": entry.reason,
        "case_reference": entry.case_reference,
        "instructions": entry.instructions,
        "category": entry.category,
        "code": entry.code,
        "vehicle": entry.vehicle,
        "colour": card_colour(entry),
        "sound": entry.sound,
        "unchecked": list(hit.match.unchecked),
        "raised_at": hit.raised_at.isoformat(),
        "is_withdrawn": hit.is_withdrawn,
    }


def card_colour(entry: HotlistEntry) -> str:
    """The colour of a hit's card: the entry's own, or that of its priority."""
    return entry.colour or _COLOUR_OF_PRIORITY.get(entry.priority, "yellow")


_COLOUR_OF_PRIORITY = {1: "red", 2: "orange"}


def _share(value: float) -> float:
    return round(value, 4)


def _points(corners: FloatArray) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in corners]

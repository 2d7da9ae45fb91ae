"""The field names that others' software knows, for the same event.

`openalpr`: a plate group as OpenALPR's agent posts it (`alpr_group`, version 2). `platerecognizer`: the webhook of
Plate Recognizer Stream. Only fields that are known are there; nothing is invented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from alpr.forward.event import Event


def own_names(event: Event) -> Mapping[str, Any]:
    """Return the row that `alpr collector` prints, with its event id.

    Args:
        event: of any kind.
    """
    return {**event.row, "event_id": event.event_id}


def openalpr_names(event: Event) -> Mapping[str, Any]:
    """Return a read as an `alpr_group`, a hit as an `alpr_alert`, anything else under our own names.

    Args:
        event: of any kind.
    """
    row = event.row
    if event.kind == "read":
        return {
            "version": 2,
            "data_type": "alpr_group",
            "epoch_start": _millis(row["first_seen_at"]),
            "epoch_end": _millis(row["last_seen_at"]),
            "agent_uid": row["device"],
            "agent_type": "alpr",
            "camera_id": row["camera_id"],
            "uuids": [row["read_id"]],
            "best_uuid": row["read_id"],
            "best_plate_number": row["plate"],
            "best_confidence": _percent(row["confidence"]),
            "best_region": row["region"] or "",
            "best_plate": {"plate": row["plate"], "confidence": _percent(row["confidence"])},
            "travel_direction": None,
            "is_preview": not row["is_final"],
            "web_server_config": {"agent_label": row["device"], "camera_label": row["camera_id"]},
        }
    if event.kind == "hit":
        return {
            "version": 1,
            "data_type": "alpr_alert",
            "epoch_time": _millis(row["raised_at"]),
            "agent_uid": row["device"],
            "camera_id": row["camera_id"],
            "alert_list": row["list_name"],
            "description": row["reason"],
            "plate_number": row["plate"],
            "list_plate_number": row["entry_plate"],
            "match_type": row["match"],
            "match_probability": _percent(row["probability"]),
            "is_withdrawn": row["is_withdrawn"],
            "uuid": row["hit_id"],
            "group_uuid": row["read_id"],
        }
    return own_names(event)


def platerecognizer_names(event: Event) -> Mapping[str, Any]:
    """Return a read as Stream's `recognition`, anything else under our own names in the same envelope.

    Args:
        event: of any kind.
    """
    row = event.row
    where = row.get("camera_id") or row["device"]  # a decision and an alert concern no camera
    hook = {"id": where, "event": "recognition" if event.kind == "read" else event.kind, "target": "alpr"}
    if event.kind != "read":
        return {"hook": hook, "data": own_names(event)}
    return {
        "hook": hook,
        "data": {
            "camera_id": row["camera_id"],
            "timestamp": row["first_seen_at"],
            "filename": None,
            "results": [
                {
                    "plate": row["plate"].lower(),
                    "score": row["confidence"],
                    "region": {"code": (row["region"] or "").lower(), "score": None},
                    "direction": row["direction"],
                }
            ],
        },
    }


def stream_columns(event: Event) -> Mapping[str, Any]:
    """Return a read in the columns of Plate Recognizer Stream's CSV; None where nothing of the kind is known.

    Args:
        event: a read.
    """
    row = event.row
    return {
        "timestamp": row["first_seen_at"],
        "camera_id": row["camera_id"],
        "plate": row["plate"].lower(),
        "score": row["confidence"],
        "dscore": None,
        "file": None,
        "box": None,
        "region": (row["region"] or "").lower(),
        "orientation": None,
        "candidates": None,
        "source_url": None,
        "position_sec": None,
        "direction": row["direction"],
    }


def group_columns(event: Event) -> Mapping[str, Any]:
    """Return a read in flat columns under the names of OpenALPR's `alpr_group`.

    Args:
        event: a read.
    """
    group = openalpr_names(event)
    names = (
        "epoch_start",
        "epoch_end",
        "camera_id",
        "agent_uid",
        "best_uuid",
        "best_plate_number",
        "best_confidence",
    )
    return {name: group[name] for name in (*names, "best_region", "is_preview")}


COLUMNS: Mapping[str, Callable[[Event], Mapping[str, Any]]] = {
    "openalpr": group_columns,
    "platerecognizer": stream_columns,
}
"""Reads as rows of a CSV, by whose names."""

FORMATS: Mapping[str, Callable[[Event], Mapping[str, Any]]] = {
    "alpr": own_names,
    "openalpr": openalpr_names,
    "platerecognizer": platerecognizer_names,
}


def _millis(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def _percent(share: float) -> float:
    return round(100 * share, 2)

"""The read of a track: whether it deserves one, and the record itself; and what is known of one without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alpr.track.motion import direction
from alpr.track.quality import jpeg
from alpr.track.settings import TrackSettings
from alpr.track.track import Track
from alpr.types import EndedPass, PlateText, Read


def rejection(track: Track, settings: TrackSettings) -> str | None:
    """Return the reason why a pass gives no read; None where it gives one.

    Args:
        track: the pass.
        settings: the tracker's.

    Returns:
        "unread", "no_text", "too_short", "mostly_empty", "low_confidence" or "too_few_observations".
    """
    plate = track.consensus
    if plate is None:
        return "no_text" if track.was_read else "unread"
    if len(plate.text) < settings.min_length:
        return "too_short"
    return None if track.is_sure else _doubt(track, plate.confidence, settings)


def _doubt(track: Track, confidence: float, settings: TrackSettings) -> str | None:
    if track.empty_weight > settings.max_empty_share * (track.empty_weight + track.text_weight):
        return "mostly_empty"
    if confidence < settings.min_confidence:
        return "low_confidence"
    is_enough = track.was_whole and confidence >= settings.min_alone_confidence
    if track.observations < settings.min_observations and not is_enough:
        return "too_few_observations"
    return None


def build_read(
    track: Track,
    plate: PlateText,
    read_id: str,
    camera_id: str,
    model_ids: tuple[str, ...],
    *,
    is_final: bool,
    settings: TrackSettings,
) -> Read:
    """Build the next revision of a track's read, and mark it as reported.

    Args:
        track: a pass with a consensus.
        plate: the text to report, usually its consensus.
        read_id: 32 hexadecimal digits; the same for all revisions.
        camera_id: of the tracker.
        model_ids: as in `Read`.
        is_final: True where no further revision will come.
        settings: the tracker's.
    """
    best = track.best
    assert best is not None  # noqa: S101 - a track with a consensus has had an observation with text
    shown = best.observation.plate  # the picture's own reading: the consensus may be of another length
    plate = replace(plate, char_places=shown.char_places if len(shown.text) == len(plate.text) else ())
    track.read_id, track.reported = read_id, plate
    track.revision += 1
    facts = track.reported_facts = track.facts
    return Read(
        read_id=read_id,
        revision=track.revision,
        is_final=is_final,
        camera_id=camera_id,
        plate=plate,
        first_seen_at=track.first_seen_at,
        last_seen_at=track.last_seen_at,
        observations=track.observations,
        corners=best.observation.detection.corners,
        detection_confidence=best.observation.detection.confidence,
        frame_size_wh=best.frame_size_wh,
        patch_jpeg=jpeg(best.observation.patch, settings.patch_jpeg_quality),
        vehicle_jpeg=jpeg(best.vehicle, settings.vehicle_jpeg_quality) if best.vehicle.size else b"",
        model_ids=model_ids,
        direction=direction(track.first_box, track.box),
        facts=facts,
    )


def ended_pass(track: Track, camera_id: str, cause: str | None, *, is_repeat: bool) -> EndedPass:
    """Sum up a pass that is over.

    Args:
        track: of the pass.
        camera_id: of the tracker.
        cause: the reason why it gave no read; None where it gave one.
        is_repeat: True where it went on with a pass that was reported already.
    """
    plate, best, box = track.consensus, track.best, track.box
    left, right = box.x - box.width / 2, box.x + box.width / 2
    top, bottom = box.y - box.height / 2, box.y + box.height / 2
    around = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return EndedPass(
        camera_id=camera_id,
        ended_at=track.last_seen_at,
        cause=cause,
        is_repeat=is_repeat,
        sightings=track.sightings,
        corners=around if best is None else best.observation.detection.corners,
        frame_size_wh=track.frame_size_wh,
        seconds=(track.last_ns - track.first_ns) / 1e9,
        moved_widths=box.widths_to(track.first_box),
        text="" if plate is None else plate.text,
        confidence=0.0 if plate is None else plate.confidence,
        region=None if plate is None else plate.region,
        detection_confidence=track.detection_confidence,
        patch=None if best is None else best.observation.patch,
    )

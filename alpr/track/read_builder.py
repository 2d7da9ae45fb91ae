"""The read of a track: whether it deserves one, and the record itself."""

from __future__ import annotations

from dataclasses import replace

from alpr.track.motion import direction
from alpr.track.quality import jpeg
from alpr.track.settings import TrackSettings
from alpr.track.track import Track
from alpr.types import PlateText, Read


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
    if track.observations < settings.min_observations and confidence < settings.min_alone_confidence:
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
        vehicle_jpeg=jpeg(best.vehicle, settings.vehicle_jpeg_quality),
        model_ids=model_ids,
        direction=direction(track.first_box, track.box),
        facts=facts,
    )

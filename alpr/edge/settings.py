"""From a device's configuration to the settings of its parts, which never see it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from alpr.config import CameraConfig, EdgeConfig
from alpr.edge.hotlist_updates import UpdateSettings
from alpr.hotlist.match.hits import NO_LIMITS, MaxAges, max_ages_from_hours
from alpr.track.settings import TrackSettings
from alpr.types import CameraPlace


def track_settings(config: EdgeConfig) -> TrackSettings:
    """The tracker's settings that a configuration comes to."""
    known = {knob.name for knob in fields(TrackSettings)}
    chosen = {name: value for name, value in config.track.model_dump().items() if name in known}
    return TrackSettings(**chosen, min_confidence=config.recognition_threshold, min_length=config.min_plate_length)


def places_of(cameras: Sequence[CameraConfig]) -> dict[str, CameraPlace]:
    """Where the cameras stand, of those that are told to."""
    return {camera.id: CameraPlace(*camera.position, camera.heading_deg) for camera in cameras if camera.position}


def update_settings(config: EdgeConfig) -> UpdateSettings | None:
    """Whose hotlist updates are taken; None where none are."""
    hotlist = config.hotlist
    if hotlist is None or hotlist.admins is None:
        return None
    return UpdateSettings(hotlist.admins, hotlist.signatures_needed, hotlist.inboxes, hotlist.past_hours)


def max_ages_of(config: EdgeConfig) -> MaxAges:
    """From which age on a hotlist is too old."""
    hotlist = config.hotlist
    return NO_LIMITS if hotlist is None else max_ages_from_hours(hotlist.max_age_h, hotlist.max_age_h_by_list)

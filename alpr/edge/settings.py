"""From a device's configuration to the settings of its parts, which never see it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from alpr.capture.opening import is_moving_picture
from alpr.config import CameraConfig, EdgeConfig
from alpr.edge.alerts import AlertRules
from alpr.edge.camera_views import WatchedCamera
from alpr.edge.hotlist_updates import UpdateSettings
from alpr.hotlist.match.hits import NO_LIMITS, MaxAges, max_ages_from_hours
from alpr.track.facts.settings import FactSettings, Lane, SpeedLines
from alpr.track.joining import JoiningRules
from alpr.track.settings import TrackSettings
from alpr.types import CameraPlace


def track_settings(config: EdgeConfig) -> TrackSettings:
    """Map a configuration to the tracker's settings.

    Args:
        config: of the device.
    """
    known = {knob.name for knob in fields(TrackSettings)}
    chosen = {name: value for name, value in config.track.model_dump().items() if name in known}
    return TrackSettings(
        **chosen,
        min_confidence=config.recognition_threshold,
        min_length=config.min_plate_length,
        surroundings=config.privacy.surroundings,
    )


def facts_of(config: EdgeConfig) -> dict[str, FactSettings]:
    """Map camera ids to the facts that they are to find about each pass.

    Args:
        config: of the device.
    """
    return {
        camera.id: FactSettings(
            lanes=tuple(Lane(lane.name, lane.polygon) for lane in camera.lanes),
            speed=SpeedLines(**dict(camera.speed)) if camera.speed else None,
            called_parked_after_s=config.track.called_parked_after_s,
            is_camera_moving=camera.is_moving,
        )
        for camera in config.cameras
    }


def joining_rules(config: EdgeConfig) -> JoiningRules:
    """Map a configuration to the rules by which reads of several cameras are of one vehicle.

    Args:
        config: of the device.
    """
    groups = {camera.id: camera.group for camera in config.cameras if camera.group is not None}
    return JoiningRules(groups, config.track.join_s)


def places_of(cameras: Sequence[CameraConfig]) -> dict[str, CameraPlace]:
    """Map camera ids to positions, for those cameras that have one.

    Args:
        cameras: of the configuration.
    """
    return {camera.id: CameraPlace(*camera.position, camera.heading_deg) for camera in cameras if camera.position}


def watched_cameras(config: EdgeConfig) -> dict[str, WatchedCamera]:
    """Map camera ids to the cameras whose frames are of one view: all but folders and single pictures.

    Args:
        config: of the device.
    """
    return {
        camera.id: WatchedCamera(camera.url, camera.is_moving)
        for camera in config.cameras
        if is_moving_picture(camera.url)
    }


def groups_of(cameras: Sequence[CameraConfig]) -> dict[str, str]:
    """Map camera ids to the names of their groups; a camera without one is a group of its own.

    Args:
        cameras: of the configuration.
    """
    return {camera.id: f"group {camera.group}" if camera.group else f"camera {camera.id}" for camera in cameras}


def update_settings(config: EdgeConfig) -> UpdateSettings | None:
    """Map a configuration to the settings of hotlist updates; None where none are taken.

    Args:
        config: of the device.
    """
    hotlist = config.hotlist
    if hotlist is None or hotlist.admins is None:
        return None
    return UpdateSettings(
        admins=hotlist.admins,
        signatures_needed=hotlist.signatures_needed,
        inboxes=hotlist.inboxes,
        past_hours=hotlist.past_hours,
    )


def max_ages_of(config: EdgeConfig) -> MaxAges:
    """Map a configuration to the ages from which on a hotlist is too old.

    Args:
        config: of the device.
    """
    hotlist = config.hotlist
    return NO_LIMITS if hotlist is None else max_ages_from_hours(hotlist.max_age_h, hotlist.max_age_h_by_list)


def alert_rules(config: EdgeConfig) -> AlertRules:
    """Map a configuration to the rules by which a person is alerted.

    Args:
        config: of the device.
    """
    return AlertRules(**config.alerts.model_dump(), groups=groups_of(config.cameras))


def receivers_of(config: EdgeConfig) -> tuple[str, ...]:
    """Return the names of those who may learn of covert hits at this device.

    Args:
        config: of the device.
    """
    return config.hotlist.receivers if config.hotlist else ()


def keeps_only_hits(config: EdgeConfig) -> bool:
    """Return True where reads without a hit are kept otherwise than all others, or not at all.

    Args:
        config: of the device.
    """
    return config.privacy.reads_without_hit != "kept"

"""Bounds on a heartbeat: what one device may make the collector show, keep and alert about. Pure.

A device names its cameras and lists itself, and each name becomes a series of metrics and may become an alert. So
only so many count, under names of a bounded length, and none twice: two series of one name spoil the scrape of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from alpr.link.protocol.heartbeat_messages import Heartbeat

MAX_CAMERAS = 64
MAX_LISTS = 64
_KINDS = 64  # of what waits, or is lost: there are six, and some twenty
_NAME = 100  # characters
_ERROR = 300

_T = TypeVar("_T")


def within_bounds(heartbeat: Heartbeat) -> Heartbeat:
    """Return a heartbeat without what is too much; an honest device's is unchanged.

    Args:
        heartbeat: as it came.
    """
    outbox, vitals = heartbeat.outbox, heartbeat.vitals
    cameras = (
        replace(
            each,
            camera_id=each.camera_id[:_NAME],
            state=each.state[:_NAME],
            last_error=each.last_error[:_ERROR],
            view=tuple(alarm[:_NAME] for alarm in each.view),
            capture=each.capture and replace(each.capture, unread=_some(each.capture.unread)),
        )
        for each in vitals.cameras
    )
    lists = (replace(each, name=each.name[:_NAME]) for each in vitals.hotlists)
    return replace(
        heartbeat,
        software=heartbeat.software[:_NAME],
        outbox=replace(
            outbox,
            waiting=_some(outbox.waiting),
            oldest_age_s=_some(outbox.oldest_age_s),
            lost=_some(outbox.lost),
        ),
        vitals=replace(
            vitals,
            cameras=_different(cameras, lambda each: each.camera_id, MAX_CAMERAS),
            hotlists=_different(lists, lambda each: each.name, MAX_LISTS),
            last_error=vitals.last_error[:_ERROR],
            position=vitals.position
            and replace(vitals.position, state=vitals.position.state[:_NAME], text=vitals.position.text[:_ERROR]),
            clock=vitals.clock and replace(vitals.clock, source=vitals.clock.source[:_NAME]),
            privacy=vitals.privacy
            and replace(
                vitals.privacy,
                reads_without_hit=vitals.privacy.reads_without_hit[:_NAME],
                surroundings=vitals.privacy.surroundings[:_NAME],
                closed_cameras=tuple(each[:_NAME] for each in vitals.privacy.closed_cameras[:MAX_CAMERAS]),
            ),
        ),
    )


def _different(each_of: Iterable[_T], name: Callable[[_T], str], most: int) -> tuple[_T, ...]:
    by_name: dict[str, _T] = {}
    for each in each_of:
        by_name.setdefault(name(each), each)
    return tuple(islice(by_name.values(), most))


def _some(figures: Mapping[str, _T]) -> dict[str, _T]:
    return dict(islice(((name[:_NAME], figure) for name, figure in figures.items()), _KINDS))

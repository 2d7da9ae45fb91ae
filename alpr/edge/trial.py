"""The trial of a configuration that was just taken: what worked before has to work again, or it is undone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpr.capture.status import FeedState, FeedStatus
from alpr.config import EdgeConfig

TRIAL_S = 20.0
"""Longest time that a changed camera or a changed link has to work again."""
_WORKING = (FeedState.RUNNING, FeedState.ENDED)


@dataclass(frozen=True, slots=True)
class Trial:
    """The cameras and the link that have to work again, and until when."""

    cameras: frozenset[str]
    """Ids of changed cameras that gave frames before."""
    new_cameras: frozenset[str]
    """Ids of the other new and changed ones: waited for as long, and told of."""
    has_link: bool
    """True where the link was up, and is another one now."""
    until_ns: int
    """On the steady clock."""
    changed: str
    """What the new configuration changed, for people."""

    def missing(self, cameras: Mapping[str, FeedStatus], *, is_linked: bool) -> list[str]:
        """Return what does not work yet, in words; empty where the trial is passed.

        Args:
            cameras: as they are now, by id.
            is_linked: the collector answers.
        """
        told = _silent(self.cameras, cameras)
        if self.has_link and not is_linked:
            told.append("link: the collector does not answer")
        return told

    def hoped_for(self, cameras: Mapping[str, FeedStatus]) -> list[str]:
        """Return what does not work yet and need not, in words: cameras that are new, or gave nothing before.

        Args:
            cameras: as they are now, by id.
        """
        return _silent(self.new_cameras, cameras)


def _silent(camera_ids: frozenset[str], cameras: Mapping[str, FeedStatus]) -> list[str]:
    return [
        f"camera {camera_id}: {cameras[camera_id].last_error or 'no frame came'}"
        for camera_id in sorted(camera_ids & cameras.keys())
        if cameras[camera_id].state not in _WORKING
    ]


def trial_of(
    old: EdgeConfig, new: EdgeConfig, before: Sequence[FeedStatus], *, was_linked: bool, now_ns: int
) -> Trial:
    """Decide what a new configuration has to show.

    Args:
        old: in use so far.
        new: in use from now on.
        before: the cameras under the old one, at its end.
        was_linked: the collector answered at its end.
        now_ns: on the steady clock.
    """
    worked = {status.camera_id for status in before if status.state in _WORKING}
    changed = changed_cameras(old, new) & {camera.id for camera in new.cameras}
    return Trial(
        cameras=frozenset(changed & worked),
        new_cameras=frozenset(changed - worked),
        has_link=was_linked and new.link is not None and new.link != old.link,
        until_ns=now_ns + round(TRIAL_S * 1e9),
        changed=f"changed: {', '.join(changed_keys(old, new))}",
    )


def changed_cameras(old: EdgeConfig, new: EdgeConfig) -> set[str]:
    """Return the ids of cameras that are gone, new or not the same.

    Args:
        old: in use so far.
        new: in use from now on.
    """
    before, after = ({camera.id: camera for camera in config.cameras} for config in (old, new))
    return {camera_id for camera_id in before.keys() | after.keys() if before.get(camera_id) != after.get(camera_id)}


def changed_keys(old: EdgeConfig, new: EdgeConfig) -> list[str]:
    """Name the keys that differ, without what they say: `cameras.gate` for a whole camera, else `block.key`.

    Args:
        old: in use so far.
        new: in use from now on.
    """
    told = [f"cameras.{camera_id}" for camera_id in sorted(changed_cameras(old, new))]
    before, after = old.model_dump(exclude={"cameras"}), new.model_dump(exclude={"cameras"})
    for name in after:
        was, now = before[name], after[name]
        if isinstance(was, dict) and isinstance(now, dict):
            told += [f"{name}.{key}" for key in now if was.get(key) != now[key]]
        elif was != now:
            told.append(name)
    return told or ["the order of the cameras"]

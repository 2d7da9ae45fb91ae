"""Which plates and scenes are looked at together: by source, region, width, lines, light. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from alpr.evaluation.outcome import PlateOutcome, SceneResult, light_of

_WIDTHS = (60, 90, 150)
_CROP_WIDTHS = (80, 128, 200)  # as the published figures of other readers on crops are told


class PlateGroup(NamedTuple):
    """Plates that have something in common."""

    group: str
    name: str
    members: list[PlateOutcome]


class SceneGroup(NamedTuple):
    """Scenes that have something in common."""

    group: str
    name: str
    members: list[SceneResult]


def plate_groups(plates: Sequence[PlateOutcome]) -> list[PlateGroup]:
    """Group plates of scenes: all, then by width and lines; empty groups are left out.

    Args:
        plates: labelled plates with what was read of them.
    """
    groups = [PlateGroup("all", "all", list(plates))]
    groups += [PlateGroup("width", "60 px and wider", [plate for plate in plates if plate.width >= _WIDTHS[0]])]
    groups += _by_width("width", plates, _WIDTHS)
    groups += _by_name("lines", plates, lambda plate: plate.lines)
    return [group for group in groups if group.members]


def crop_groups(plates: Sequence[PlateOutcome]) -> list[PlateGroup]:
    """Group crops: all, Latin, no text, then by source, region, width, lines and light; empty groups are left out.

    "all" has every plate with text; "Latin" leaves out labels with characters that A–Z and 0–9 cannot write.

    Args:
        plates: labelled plates with what was read of them.
    """
    texts = [plate for plate in plates if plate.truth]
    latin = [plate for plate in texts if plate.is_latin]
    first, *others = plate_groups(texts) or [PlateGroup("all", "all", [])]
    groups = [first, PlateGroup("script", "Latin", latin)]
    groups += [PlateGroup("no text", "all", [plate for plate in plates if plate.truth == ""])]
    groups += _by_name("source", texts, lambda plate: plate.source)
    groups += _by_name("region", texts, lambda plate: plate.region)
    groups += others
    groups += _by_width("crop width (Latin)", latin, _CROP_WIDTHS)
    groups += _by_name("light", texts, lambda plate: plate.light)
    return [group for group in groups if group.members]


def scene_groups(results: Sequence[SceneResult]) -> list[SceneGroup]:
    """Group scenes: all, then by source, region and light.

    Args:
        results: of the scenes, in any order.
    """
    groups = [SceneGroup("all", "all", list(results))]
    for group, name_of in _SCENE_NAMES:
        members: dict[str, list[SceneResult]] = {}
        for result in results:
            members.setdefault(name_of(result) or "unknown", []).append(result)
        if len(members) > 1:
            groups += [SceneGroup(group, name, members[name]) for name in sorted(members)]
    return [group for group in groups if group.members]


_SCENE_NAMES: tuple[tuple[str, Callable[[SceneResult], str]], ...] = (
    ("source", lambda result: result.label.source),
    ("region", lambda result: result.label.region),
    ("light", lambda result: light_of(result.luminance)),
)


def _by_name(
    group: str, plates: Sequence[PlateOutcome], name_of: Callable[[PlateOutcome], str]
) -> Iterator[PlateGroup]:
    """One group for each name that occurs, in alphabetical order; none where there is but one name."""
    members: dict[str, list[PlateOutcome]] = {}
    for plate in plates:
        members.setdefault(name_of(plate) or "unknown", []).append(plate)
    if len(members) > 1:
        yield from (PlateGroup(group, name, members[name]) for name in sorted(members))


def _by_width(group: str, plates: Sequence[PlateOutcome], bounds: Sequence[int]) -> Iterator[PlateGroup]:
    classes = [(f"< {bounds[0]} px", 0.0, float(bounds[0]))]
    classes += [(f"{low}-{high} px", float(low), float(high)) for low, high in pairwise(bounds)]
    classes += [(f">= {bounds[-1]} px", float(bounds[-1]), float("inf"))]
    for name, low, high in classes:
        yield PlateGroup(group, name, [plate for plate in plates if low <= plate.width < high])

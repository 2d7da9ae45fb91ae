"""Which detection is which vehicle: costs of pairs, and the cheapest assignment. Pure.

Two rounds. `settle` takes the pairs that place alone leaves no doubt about: nothing else is near either of them.
What is left (new plates, vehicles that meet, ones that were hidden) is read first, then `match` weighs place, size
and text together and takes the assignment of least total cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alpr.track.alignment import agreement
from alpr.track.motion import Place
from alpr.types import PlateText

IMPOSSIBLE = 1e6
"""Cost of a pair that must not be."""

_WORST = 2.0  # cost above which two plates are rather two vehicles
_SIZE_RATIO = 2.5  # between two frames no plate grows more
_SAME_TEXT = 0.6  # agreement; texts of two vehicles rarely reach 0.4, misreads of one rarely fall below 0.7
_OTHER_TEXT = 0.4
_SURE_ENOUGH = 0.5  # confidence from which a text can speak against a place
_MIN_TEXT = 4  # shorter texts agree by chance


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of one open track at this instant."""

    place: Place
    """Predicted."""
    near: float
    """Plate widths from `place` within which it may be found by place alone."""
    far: float
    """Plate widths within which it may be found if the text agrees."""
    is_fresh: bool
    """Seen so lately that place alone may settle it."""
    plate: PlateText | None
    """Consensus so far."""


def settle(expected: Sequence[Expected], places: Sequence[Place]) -> list[tuple[int, int]]:
    """The pairs (track, detection) beyond doubt: each the only one near the other."""
    claims = [0] * len(places)
    found: list[list[int]] = []
    for track in expected:
        x, y, width, _ = track.place
        reach = track.near * width
        mine = []
        for number, place in enumerate(places):
            if (
                abs(place[0] - x) <= reach
                and abs(place[1] - y) <= reach
                and math.hypot(place[0] - x, place[1] - y) <= reach
            ):
                mine.append(number)
                claims[number] += 1
        found.append(mine)
    return [
        (index, mine[0])
        for index, mine in enumerate(found)
        if len(mine) == 1
        and claims[mine[0]] == 1
        and expected[index].is_fresh
        and 0.6 < places[mine[0]].width / expected[index].place.width < 1.6
    ]


def match(
    expected: Sequence[Expected], places: Sequence[Place], plates: Sequence[PlateText | None]
) -> list[tuple[int, int]]:
    """The assignment of detections to tracks of least total cost, leaving out pairs that cost too much.

    Args:
        expected: one for each track.
        places: of the detections.
        plates: what they say; None where they were not read.
    """
    if not expected or not places:
        return []
    costs = [
        [min(pair_cost(track, place, plate), _WORST) for place, plate in zip(places, plates, strict=True)]
        for track in expected
    ]
    return [(row, column) for row, column in assign(costs) if costs[row][column] < _WORST]


def pair_cost(track: Expected, place: Place, plate: PlateText | None) -> float:
    """Cost of a detection being the track's plate: about 0 when all fits, `IMPOSSIBLE` when something forbids it."""
    distance = track.place.widths_to(place)
    ratio = abs(math.log(place.width / track.place.width))
    if distance > max(track.near, track.far) or ratio > math.log(_SIZE_RATIO):
        return IMPOSSIBLE
    if plate is not None and contradicts(track.plate, plate):
        return IMPOSSIBLE
    alike = _alike(track.plate, plate)
    if distance > track.near and (alike is None or alike < _SAME_TEXT):
        return IMPOSSIBLE
    text = 0.0 if alike is None else 1.0 - 2.0 * alike
    # Beyond its near reach a plate is found by its text; distance then only ranks.
    away = min(distance / track.near, 2.0) * 0.5
    return away + 0.5 * (1.0 - track.place.iou(place)) + 0.5 * ratio / math.log(1.6) + 1.2 * text


def contradicts(known: PlateText | None, seen: PlateText) -> bool:
    """Whether a reading says that this is another vehicle than the one known."""
    if known is None or min(len(known.text), len(seen.text)) < _MIN_TEXT:
        return False
    return (
        known.confidence >= _SURE_ENOUGH and seen.confidence >= _SURE_ENOUGH and agreement(known, seen) < _OTHER_TEXT
    )


def _alike(known: PlateText | None, seen: PlateText | None) -> float | None:
    """Agreement, or None where it says nothing: a text is missing, short, or disagrees but is doubtful itself."""
    if known is None or seen is None or min(len(known.text), len(seen.text)) < _MIN_TEXT:
        return None
    alike = agreement(known, seen)
    if alike < _SAME_TEXT and min(known.confidence, seen.confidence) < _SURE_ENOUGH:
        return None
    return alike


def assign(costs: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """The assignment of rows to columns of least total cost: min(rows, columns) pairs, rows ascending.

    Kuhn and Munkres' method with potentials (shortest augmenting paths), O(n^2 m).

    >>> assign([[4, 1, 3], [2, 0, 5]])
    [(0, 1), (1, 0)]
    """
    if not costs or not costs[0]:
        return []
    if len(costs) > len(costs[0]):
        return sorted((row, column) for column, row in assign(list(zip(*costs, strict=True))))
    columns = len(costs[0])
    row_potential, potential = [0.0] * len(costs), [0.0] * (columns + 1)
    row_of = [-1] * (columns + 1)  # the last column is where each search starts
    for row in range(len(costs)):
        row_of[columns] = row
        _augment(costs, row_of, row_potential, potential)
    return sorted((row_of[column], column) for column in range(columns) if row_of[column] >= 0)


def _augment(
    costs: Sequence[Sequence[float]], row_of: list[int], row_potential: list[float], potential: list[float]
) -> None:
    """Give the row that stands in the last column a real one by the cheapest chain of swaps."""
    columns = len(row_of) - 1
    slack, came_from, used = [math.inf] * columns, [columns] * columns, [False] * (columns + 1)
    column = columns
    while row_of[column] >= 0:
        used[column] = True
        row, nearest, delta = row_of[column], -1, math.inf
        for other in range(columns):
            if used[other]:
                continue
            reduced = costs[row][other] - row_potential[row] - potential[other]
            if reduced < slack[other]:
                slack[other], came_from[other] = reduced, column
            if slack[other] < delta:
                nearest, delta = other, slack[other]
        for other in range(columns + 1):
            if used[other]:
                row_potential[row_of[other]] += delta
                potential[other] -= delta
            elif other < columns:
                slack[other] -= delta
        column = nearest
    while column != columns:
        row_of[column] = row_of[came_from[column]]
        column = came_from[column]
    row_of[columns] = -1

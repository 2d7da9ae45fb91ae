"""Association of detections with tracks: costs of pairs, and the cheapest assignment. Pure.

Two rounds. `certain_pairs` takes the pairs that position alone leaves no doubt about: nothing else is near either of
them. What is left (new plates, vehicles that meet, ones that were hidden) is read first, then `cheapest_pairs` weighs
position, size and text together and takes the assignment of least total cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alpr.track.motion import PlateBox
from alpr.track.reading_alignment import agreement, is_compatible
from alpr.types import PlateText

IMPOSSIBLE = 1e6
"""Cost of a pair that is ruled out."""

SAME_TEXT, OTHER_TEXT = 0.6, 0.4
"""Agreement from which, and below which, texts speak for one vehicle or for two: two rarely reach 0.4, and misreads
of one rarely fall below 0.7."""

_WORST = 2.0  # cost above which two plates are rather two vehicles
_CLEARLY = 0.4  # the second nearest must be farther by the inverse for place to settle a pair
_SIZE_RATIO = 2.5  # between two frames no plate grows more
_CREDIBLE, _FIRM = 0.8, 0.85  # confidence per character from which texts may speak against a place, and forbid it
_MIN_TEXT = 4  # shorter texts agree by chance


@dataclass(frozen=True, slots=True)
class TrackPrediction:
    """The expectation of one open track at this instant: where its plate is, and what it says."""

    box: PlateBox
    """Predicted by the track's velocity."""
    near: float
    """Plate widths from `box` within which the plate may be found by position alone."""
    far: float
    """Plate widths within which it may be found if the text agrees."""
    is_fresh: bool
    """Seen so recently that position alone may decide."""
    is_new: bool
    """Seen once only: its velocity is not known."""
    plate: PlateText | None
    """Consensus of its readings so far; None before the first with text."""


def certain_pairs(expected: Sequence[TrackPrediction], boxes: Sequence[PlateBox]) -> list[tuple[int, int]]:
    """Return the pairs beyond doubt: each the other's nearest by far, the track seen recently.

    Args:
        expected: one prediction for each track.
        boxes: of the detections.

    Returns:
        (index of the track, index of the detection), in the order of the tracks.
    """
    nearest: list[tuple[float, int]] = []  # per track: distance, detection
    second = [math.inf] * len(expected)
    of_box, second_of_box = [(math.inf, -1)] * len(boxes), [math.inf] * len(boxes)
    for index, track in enumerate(expected):
        x, y, width, _ = track.box
        reach = 2.0 * track.near * width  # rivals count from farther off than partners do
        best = math.inf, -1
        for number, box in enumerate(boxes):
            across, down = abs(box[0] - x), abs(box[1] - y)
            if across > reach or down > reach:
                continue
            distance = math.hypot(across, down)
            if distance < best[0]:
                second[index], best = best[0], (distance, number)
            elif distance < second[index]:
                second[index] = distance
            if distance < of_box[number][0]:
                second_of_box[number], of_box[number] = of_box[number][0], (distance, index)
            elif distance < second_of_box[number]:
                second_of_box[number] = distance
        nearest.append(best)
    return [
        (index, number)
        for index, (distance, number) in enumerate(nearest)
        if number >= 0
        and of_box[number][1] == index
        and distance <= expected[index].near * expected[index].box.width
        and distance <= _CLEARLY * min(second[index], second_of_box[number])
        and expected[index].is_fresh
        and 0.6 < boxes[number].width / expected[index].box.width < 1.6
    ]


def cheapest_pairs(
    expected: Sequence[TrackPrediction], boxes: Sequence[PlateBox], plates: Sequence[PlateText | None]
) -> list[tuple[int, int]]:
    """Return the assignment of detections to tracks of least total cost, without the pairs that cost too much.

    Args:
        expected: one prediction for each track.
        boxes: of the detections.
        plates: their texts; None where one was not read.

    Returns:
        (index of the track, index of the detection), in the order of the tracks.
    """
    if not expected or not boxes:
        return []
    costs = [
        [min(pair_cost(track, box, plate), _WORST) for box, plate in zip(boxes, plates, strict=True)]
        for track in expected
    ]
    return [(row, column) for row, column in assign(costs) if costs[row][column] < _WORST]


def pair_cost(track: TrackPrediction, box: PlateBox, plate: PlateText | None) -> float:
    """Return the cost of a detection being the track's plate: about 0 where all fits, `IMPOSSIBLE` where ruled out.

    Args:
        track: the prediction.
        box: of the detection.
        plate: its text; None where it was not read.
    """
    distance = track.box.widths_to(box)
    ratio = abs(math.log(box.width / track.box.width))
    if distance > max(track.near, track.far) or ratio > math.log(_SIZE_RATIO):
        return IMPOSSIBLE
    if plate is not None and contradicts(track.plate, plate):
        return IMPOSSIBLE
    alike = _alike(track.plate, plate)
    if distance > track.near and not _is_found_by_text(track, plate):
        return IMPOSSIBLE
    text = 0.0 if alike is None else 1.0 - 2.0 * alike
    # Beyond its near reach a plate is found by its text; distance then only ranks.
    away = min(distance / track.near, 2.0) * 0.5
    return away + 0.5 * (1.0 - track.box.iou(box)) + 0.5 * ratio / math.log(1.6) + 2.0 * text


def _is_found_by_text(track: TrackPrediction, seen: PlateText | None) -> bool:
    if track.plate is None or seen is None or min(len(track.plate.text), len(seen.text)) < _MIN_TEXT:
        return False
    # A fast vehicle's first frames come far apart, and a misreading must not part them.
    return agreement(track.plate, seen) >= SAME_TEXT if track.is_new else is_compatible(track.plate, seen)


def disagrees(known: PlateText | None, seen: PlateText) -> bool:
    """Tell whether a reading makes it doubtful that this is the vehicle of the track.

    Args:
        known: the track's consensus.
        seen: the reading.
    """
    alike = _alike(known, seen)
    return alike is not None and alike < OTHER_TEXT


def contradicts(known: PlateText | None, seen: PlateText) -> bool:
    """Tell whether a reading rules out that this is the vehicle of the track: both are sure, of different texts.

    Args:
        known: the track's consensus.
        seen: the reading.
    """
    if known is None or min(len(known.text), len(seen.text)) < _MIN_TEXT:
        return False
    return min(_per_character(known), _per_character(seen)) >= _FIRM and agreement(known, seen) < OTHER_TEXT


def _per_character(plate: PlateText) -> float:
    return math.exp(math.log(max(plate.confidence, 1e-9)) / len(plate.text))


def _alike(known: PlateText | None, seen: PlateText | None) -> float | None:
    """Return the agreement; None where it says nothing: a text is missing, short, or differs but is doubtful."""
    if known is None or seen is None or min(len(known.text), len(seen.text)) < _MIN_TEXT:
        return None
    alike = agreement(known, seen)
    if alike < SAME_TEXT and min(_per_character(known), _per_character(seen)) < _CREDIBLE:
        return None
    return alike


def assign(costs: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Assign rows to columns at least total cost: min(rows, columns) pairs, rows ascending.

    The Hungarian method (Kuhn 1955, Munkres 1957) with potentials and shortest augmenting paths, O(n² m).

    Args:
        costs: one row of finite costs for each row to assign; all of one length.

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

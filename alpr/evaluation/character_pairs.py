"""Which character of a plate became which character of the reading. Pure."""

from __future__ import annotations

from typing import NamedTuple

from alpr.plates import look_alike_weight


class Step(NamedTuple):
    """One character of the plate beside what was read of it."""

    truth: str
    """"" where the reader saw a character too many."""
    read: str
    """"" where the reader missed it."""


class _Way(NamedTuple):
    edits: int
    unlikeness: float
    """Of ways with as few edits the one that takes like for like is the likeliest story."""
    steps: tuple[Step, ...]


def align(truth: str, read: str) -> tuple[Step, ...]:
    """Lay a reading along the plate's text by the fewest edits (Wagner–Fischer).

    Args:
        truth: the plate's text, normalised.
        read: what was read, normalised.

    >>> [tuple(step) for step in align("AB12", "A812X")]
    [('A', 'A'), ('B', '8'), ('1', '1'), ('2', '2'), ('', 'X')]
    """
    if len(truth) == len(read) and sum(a != b for a, b in zip(truth, read, strict=True)) <= 1:
        return tuple(map(Step, truth, read))  # nearly every plate, and no other way is shorter
    above = [_Way(0, 0.0, ())]
    for char in read:
        above.append(_with(above[-1], Step("", char)))
    for wanted in truth:
        here = [_with(above[0], Step(wanted, ""))]
        for column, char in enumerate(read):
            ways = (  # of equal ones the first: what is missing is told as late as it can be
                _with(above[column + 1], Step(wanted, "")),
                _with(here[column], Step("", char)),
                _with(above[column], Step(wanted, char)),
            )
            here.append(min(ways, key=lambda way: way[:2]))
        above = here
    return above[-1].steps


def _with(way: _Way, step: Step) -> _Way:
    if step.truth == step.read:
        return _Way(way.edits, way.unlikeness, (*way.steps, step))
    alike = look_alike_weight(step.truth, step.read) if step.truth and step.read else 0.0
    return _Way(way.edits + 1, way.unlikeness + 1 - alike, (*way.steps, step))

"""Why a reading is wrong, as far as the two texts tell. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from alpr.evaluation.character_pairs import align
from alpr.evaluation.outcome import PlateOutcome
from alpr.plates import look_alike_weight


class Cause(StrEnum):
    """The kind of error in a reading."""

    NOT_FOUND = "not found"
    """No detection lies on the plate."""
    NOTHING_READ = "nothing read"
    """Found, and read as a place without text."""
    LOOK_ALIKE = "look-alike"
    """Every wrong character is listed as a look-alike of the right one (`alpr.plates.LOOK_ALIKES`)."""
    MISSED_AT_AN_END = "missed at an end"
    """What was read is right, but the plate goes on before it, after it or both."""
    MISSED_INSIDE = "missed inside"
    """Characters are missing and nothing else is wrong, at least one of them between others."""
    EXTRA = "extra"
    """The whole text is there, and characters that are not on the plate."""
    INVENTED = "invented"
    """Text where there is none."""
    NO_PLATE = "no plate"
    """A detection where no plate is labelled."""
    OTHER = "other"
    """Other characters taken for one another, or more than one of these."""


def cause_of(truth: str, read: str, *, is_found: bool = True) -> Cause | None:
    """Tell why a reading is wrong; None where it is right.

    Args:
        truth: the plate's text, normalised.
        read: what was read, normalised; "" for no text.
        is_found: False where the plate was not detected.

    >>> str(cause_of("AB123", "AB12")), str(cause_of("AB123", "A8I23")), str(cause_of("AB123", "A123"))
    ('missed at an end', 'look-alike', 'missed inside')
    """
    if not is_found:
        return Cause.NOT_FOUND
    if truth == read:
        return None
    if not truth:
        return Cause.INVENTED
    if not read:
        return Cause.NOTHING_READ
    return _cause(truth, read)


def _cause(truth: str, read: str) -> Cause:
    if len(truth) == len(read) and all(
        a == b or look_alike_weight(a, b) > 0 for a, b in zip(truth, read, strict=True)
    ):
        return Cause.LOOK_ALIKE
    if read in truth:
        return Cause.MISSED_AT_AN_END
    if _is_part(read, truth):
        return Cause.MISSED_INSIDE
    return Cause.EXTRA if _is_part(truth, read) else Cause.OTHER


def _is_part(short: str, long: str) -> bool:
    """Whether all of `short` occurs in `long`, in order."""
    rest = iter(long)
    return all(char in rest for char in short)


def count_causes(plates: Iterable[PlateOutcome]) -> dict[Cause, int]:
    """Count the plates with a known text that were read wrong, by cause, the commonest first.

    Args:
        plates: labelled plates with what was read of them.
    """
    causes = Counter(
        cause
        for plate in plates
        if plate.truth is not None
        and (cause := cause_of(plate.truth, plate.read, is_found=plate.is_found)) is not None
    )
    return dict(causes.most_common())


def count_confusions(plates: Iterable[PlateOutcome]) -> dict[tuple[str, str], int]:
    """Count (character of the plate, what was read), the commonest first; "" stands for a missing one.

    Only of readings that are mostly right (at least half of the plate's characters): what else is nonsense says
    nothing about characters.

    Args:
        plates: labelled plates with what was read of them.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for plate in plates:
        if not plate.truth or not plate.read:
            continue
        steps = align(plate.truth, plate.read)
        if 2 * sum(step.truth == step.read for step in steps) >= len(plate.truth):
            counts.update((step.truth, step.read) for step in steps if step.truth != step.read)
    return dict(counts.most_common())

"""Alignment of readings of different length, by what their probabilities have in common. Pure.

A reading is an array (n, 37): per character that was seen, the probability of each of the 36 of `ALPHABET`, and last
of `GAP`: that there is no character at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from alpr.types import ALPHABET, PlateText

Rows: TypeAlias = npt.NDArray[np.float64]
"""(..., 37): probabilities over the 36 characters and `GAP`."""

GAP = len(ALPHABET)
"""Index of "no character here" in a row of 37."""

_LOWEST_OVERLAP = 0.002  # two sure, different characters: a misread costs this much and no more
_INSERTED, _INSERTED_AT_END = math.log(0.02), math.log(0.1)  # a character that the profile has no slot for
_PAIR, _SKIP, _INSERT = range(3)
_MISREAD = 0.75  # agreement that a misreading keeps: two characters of seven may differ
_BOTH_SURE = 0.1  # overlap of two distributions that are sure of different characters
_SKIPPED, _SKIPPED_AT_END = 0.02, 0.1  # at least: a slot that the reading has no character for


def rows_of(plates: Sequence[PlateText]) -> list[Rows]:
    """Return the rows (n, 37) of each text, such that they agree with its stated confidence.

    What a row's 36 leave of 1 is the gap's, as far as it is less likely than the character that was read after all;
    more than that is spread over all. A recogniser may state another confidence for the whole than the product of its
    characters (a calibrated one): each character's p becomes p^g with g = log stated / log product, and the rest of
    its row shrinks or grows to fill.

    Args:
        plates: the readings; no text may be empty.
    """
    lengths = np.array([len(plate.text) for plate in plates])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rows = np.empty((int(lengths.sum()), GAP + 1), np.float64)
    rows[:, :GAP] = np.concatenate([plate.char_probabilities for plate in plates]).clip(0.0, 1.0)
    at = np.arange(len(rows)), np.array([ALPHABET.index(char) for plate in plates for char in plate.text])
    left = (1.0 - rows[:, :GAP].sum(axis=1)).clip(1e-9, 1.0)
    rows[:, GAP] = np.minimum(left, rows[at] / 2)
    rows[:, :GAP] += (left - rows[:, GAP])[:, None] / GAP
    rows /= rows.sum(axis=1, keepdims=True)
    said = rows[at].clip(1e-6, 1.0 - 1e-6)
    stated = np.array([plate.confidence for plate in plates]).clip(1e-6, 1.0 - 1e-6)
    powers = np.log(stated) / np.add.reduceat(np.log(said), starts)
    scaled = said ** np.repeat(powers.clip(0.05, 20.0), lengths)
    rest = 1.0 - rows[at]
    rows *= np.where(rest > 1e-12, (1.0 - scaled) / np.maximum(rest, 1e-12), 0.0)[:, None]
    rows[at] = scaled
    rows /= rows.sum(axis=1, keepdims=True)
    return [np.asarray(part, np.float64) for part in np.split(rows, starts[1:])]


def align_reading(profile: Rows, reading: Rows) -> list[tuple[int | None, int | None]]:
    """Return the likeliest alignment of a reading with a profile, as pairs (slot, character), in order.

    The recursion of Needleman and Wunsch (1970); a pair scores the log-odds of both being the same character against
    chance, log(36 × sum over c of profile(c) × reading(c)). A slot without a character costs little where the profile
    has gap mass, and less at either end, where plates are cut off, than between characters.

    Args:
        profile: (s, 37), mean distribution per slot.
        reading: (n, 37).

    Returns:
        0-based indices; None for a slot without a character, or a character without a slot.
    """
    pairs = np.log(np.maximum(profile[:, :GAP] @ reading[:, :GAP].T, _LOWEST_OVERLAP) * len(ALPHABET)).tolist()
    skips = np.log(np.maximum(profile[:, GAP], _SKIPPED)).tolist()
    end_skips = np.log(np.maximum(profile[:, GAP], _SKIPPED_AT_END)).tolist()
    slots, chars = len(profile), len(reading)
    best = [[j * _INSERTED_AT_END for j in range(chars + 1)]]
    steps = [[_INSERT] * (chars + 1)]
    for i in range(slots):
        above, scores = best[-1], pairs[i]
        insert = _INSERTED_AT_END if i == slots - 1 else _INSERTED
        row, step = [above[0] + end_skips[i]], [_SKIP]
        for j in range(chars):
            skip = above[j + 1] + (end_skips[i] if j == chars - 1 else skips[i])
            pair, put = above[j] + scores[j], row[j] + insert
            row.append(max(pair, skip, put))
            step.append(_SKIP if skip >= row[-1] else _PAIR if pair >= row[-1] else _INSERT)
        best.append(row)
        steps.append(step)
    return _trace(steps)


def _trace(steps: list[list[int]]) -> list[tuple[int | None, int | None]]:
    path: list[tuple[int | None, int | None]] = []
    i, j = len(steps) - 1, len(steps[0]) - 1
    while i or j:
        step = steps[i][j]
        i, j = i - (step != _INSERT), j - (step != _SKIP)
        path.append((None if step == _INSERT else i, None if step == _SKIP else j))
    path.reverse()
    return path


def agreement(a: PlateText, b: PlateText) -> float:
    """Return the degree to which two readings may be of one plate: 1 the same text, near 0 two different ones.

    One minus Levenshtein's distance over the longer length, where replacing one character by another costs one minus
    the overlap of their distributions: an unsure character disagrees less than a sure one.

    Args:
        a: a reading.
        b: another; the order does not matter.
    """
    if a.text == b.text:
        return 1.0
    if not a.text or not b.text:
        return 0.0
    row = [float(j) for j in range(len(b.text) + 1)]
    for i, overlaps in enumerate(_overlap(a, b)):
        diagonal, row[0] = row[0], i + 1.0
        for j, shared in enumerate(overlaps):
            diagonal, row[j + 1] = row[j + 1], min(diagonal + 1.0 - shared, row[j] + 1.0, row[j + 1] + 1.0)
    return max(0.0, 1.0 - row[-1] / max(len(a.text), len(b.text)))


def is_compatible(a: PlateText, b: PlateText) -> bool:
    """Tell whether two readings may be of the very same text: alike, and no character of which both are sure differs.

    Vehicles of one fleet bear texts that differ in one character; `agreement` takes those for misreadings.

    Args:
        a: a reading.
        b: another; the order does not matter.
    """
    if a.text == b.text:
        return True
    if agreement(a, b) < _MISREAD:
        return False
    if len(a.text) != len(b.text):
        return True  # one dropped or doubled a character; plates of one fleet have one length
    return min(row[position] for position, row in enumerate(_overlap(a, b))) >= _BOTH_SURE


def _overlap(a: PlateText, b: PlateText) -> list[list[float]]:
    """Return the overlap of the distributions of each character of `a` and each of `b`, in [0, 1]."""
    shared = np.minimum(a.char_probabilities[:, None], b.char_probabilities[None]).sum(axis=-1).tolist()
    return cast(list[list[float]], shared)

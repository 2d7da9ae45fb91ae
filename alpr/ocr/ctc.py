"""Decoding of a recogniser's step-by-step probabilities into text with a distribution per character. Pure.

Connectionist temporal classification (Graves et al. 2006): each of T steps names one character or a blank; repeats
are merged, blanks dropped. Class 0 is the blank, class k the k-th character of `alpr.types.ALPHABET`.
"""

from __future__ import annotations

import heapq
import math

import numpy as np

from alpr.types import ALPHABET, Candidate, FloatArray, PlateText

_MIN_PROBABILITY = 1e-4


def decode(steps: FloatArray, *, max_candidates: int = 5, lines: int = 1) -> PlateText:
    """Decode the most likely text of one plate (greedy path).

    Each character is the run of steps in which it is the most likely class; the run's steepest step gives its
    distribution, so that the probability of "no character here" stays out of the rows and lowers their sum.

    Args:
        steps: (T, 37) probabilities, rows summing to 1.
        max_candidates: most texts to rank, the decoded one included.
        lines: of the plate that the steps go along, one after the other, each in as many steps.
    """
    peaks = character_peaks(steps)
    rows = np.ascontiguousarray(steps[peaks, 1:], np.float32) if peaks else np.zeros((0, len(ALPHABET)), np.float32)
    if not len(rows):
        nothing = Candidate("", float(steps[:, 0].prod()))
        return PlateText("", rows, nothing.confidence, (nothing,))
    candidates = rank(rows, max_candidates)
    best = candidates[0]
    places = tuple((peak + 0.5) * lines / len(steps) for peak in peaks)
    return PlateText(best.text, rows, best.confidence, candidates, char_places=places)


def character_peaks(steps: FloatArray) -> list[int]:
    """Return the step at which each character that the greedy path emits is the most probable.

    Args:
        steps: (T, 37) probabilities, rows summing to 1.
    """
    best = steps.argmax(axis=1)
    changes = np.flatnonzero(np.diff(best)) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [len(best)]])
    return [
        int(start) + int(steps[start:end, best[start]].argmax())
        for start, end in zip(starts, ends, strict=True)
        if best[start] != 0
    ]


def rank(rows: FloatArray, count: int) -> tuple[Candidate, ...]:
    """Return the most likely texts by independent positions, best first, each with its probability.

    Best-first search over substitutions: every text is one step worse in one position than a text already listed.

    Args:
        rows: (n, 36) probabilities of each character.
        count: most texts to return.
    """
    order = np.argsort(-rows, axis=1, kind="stable")[:, :count]
    sorted_rows = np.maximum(np.take_along_axis(rows, order, axis=1), _MIN_PROBABILITY)
    logs = np.log(sorted_rows).tolist()
    start = (0,) * len(logs)
    queue = [(-sum(row[0] for row in logs), start)]
    seen = {start}
    found: list[Candidate] = []
    while queue and len(found) < count:
        cost, choice = heapq.heappop(queue)
        text = "".join(ALPHABET[order[position, pick]] for position, pick in enumerate(choice))
        found.append(Candidate(text, math.exp(-cost)))
        for position, pick in enumerate(choice):
            worse = (*choice[:position], pick + 1, *choice[position + 1 :])
            if pick + 1 < len(logs[position]) and worse not in seen:
                seen.add(worse)
                heapq.heappush(queue, (cost + logs[position][pick] - logs[position][pick + 1], worse))
    return tuple(found)

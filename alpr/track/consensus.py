"""Many readings of one plate become one text. Pure: knows nothing of frames, tracks or time.

Readings are laid over each other (`alignment`), which gives slots; in each slot every reading i has a distribution
p_i over 36 characters and "none" (a reading without a character there says mostly "none"). Then, per slot:

    m   = sum of w_i p_i / sum of w_i                      what one frame of this pass says on average
    q_i = (1 - outlier) p_i + outlier m                    one frame may be nonsense, however sure it is
    L   ~ product of q_i ^ a_i,  a_i = n w_i / sum w_i     frames as n independent witnesses
    P   = (1 - shared) L + shared m                        ... unless they all err alike

w_i is the reading's quality. n, the effective number of witnesses, is Kish's (sum w)^2 / sum w^2, then shrunk for the
likeness of frames that follow each other: k / (1 + (k - 1) correlation). So many frames that say the same thing stay
as doubtful as `shared` times the average frame is, however many they are, while two good ones that agree are sure.
One reading alone gives n = 1, L = P = p_1.

The readings are put in an order by their content before they are aligned, so the order they come in does not matter.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np

from alpr.track.alignment import GAP, align, rows_of
from alpr.track.settings import ConsensusSettings
from alpr.types import ALPHABET, Candidate, FloatArray, PlateText

_DEFAULTS = ConsensusSettings()
_BRANCHES = 4  # symbols per slot that a candidate may take
_PATHS_PER_CANDIDATE = 8  # several ways through the slots can spell one text


def combine(
    readings: Sequence[PlateText], weights: Sequence[float] | None = None, settings: ConsensusSettings = _DEFAULTS
) -> PlateText:
    """One text from all readings of a plate.

    Readings without text are left out; where there are no others, the answer is the empty text.

    Args:
        readings: at least one, in any order.
        weights: quality of each, positive; equal where not given.

    Raises:
        ValueError: no readings, or weights that are not one positive number for each.
    """
    if not readings:
        raise ValueError("a consensus needs at least one reading, got none")
    weights = [1.0] * len(readings) if weights is None else weights
    if len(weights) != len(readings) or not all(weight > 0 for weight in weights):
        raise ValueError(f"weights must be {len(readings)} positive numbers, got {list(weights)}")
    spoken = sorted(
        ((reading, weight) for reading, weight in zip(readings, weights, strict=True) if reading.text), key=_order
    )
    if not spoken:
        return max(readings, key=lambda reading: reading.confidence)
    if len(spoken) == 1:
        return spoken[0][0]
    share = np.array([weight for _, weight in spoken])
    slots = _slots([reading for reading, _ in spoken], share, settings)
    posterior = pool(slots, share, settings)
    region, region_confidence = _region(spoken)
    return _decide(posterior, settings.candidates, region, region_confidence)


def effective_count(weights: FloatArray, correlation: float) -> float:
    """How many independent readings these are worth: Kish's count, shrunk by their correlation."""
    kish = float(weights.sum() ** 2 / (weights**2).sum())
    return kish / (1.0 + (kish - 1.0) * correlation)


def pool(slots: FloatArray, weights: FloatArray, settings: ConsensusSettings = _DEFAULTS) -> FloatArray:
    """The formulas above, on slots (readings, s, 37) with weights (readings,), to (s, 37)."""
    share = weights / weights.sum()
    mean = np.tensordot(share, slots, 1)
    powers = share * effective_count(weights, settings.frame_correlation)
    seen = (1.0 - settings.outlier_share) * slots + settings.outlier_share * mean
    logs = np.tensordot(powers, np.log(np.maximum(seen, 1e-12)), 1)
    joint = np.exp(logs - logs.max(axis=1, keepdims=True))
    joint /= joint.sum(axis=1, keepdims=True)
    return np.asarray((1.0 - settings.shared_error) * joint + settings.shared_error * mean)


def _order(reading_weight: tuple[PlateText, float]) -> tuple[float, str, float, bytes]:
    reading, weight = reading_weight
    return -weight * reading.confidence, reading.text, weight, reading.char_probabilities.tobytes()


def _slots(readings: Sequence[PlateText], weights: FloatArray, settings: ConsensusSettings) -> FloatArray:
    """Every reading over the slots that all of them need, as (readings, s, 37).

    Those that say the same text lie the same way, so each text is aligned once, the weightiest first, to a profile
    that grows. A reading's row is NaN where it has no character until all are in; then its gaps are filled.
    """
    rows = rows_of(readings)
    by_text: dict[str, list[int]] = {}
    for index, reading in enumerate(readings):
        by_text.setdefault(reading.text, []).append(index)
    trust = weights * np.array([max(reading.confidence, 1e-3) for reading in readings])
    order = sorted(by_text, key=lambda text: (-trust[by_text[text]].sum(), text))
    columns: list[dict[int, int]] = []  # per slot: group number -> index of its character
    groups = [np.average([rows[i] for i in by_text[text]], axis=0, weights=weights[by_text[text]]) for text in order]
    group_weights = [float(weights[by_text[text]].sum()) for text in order]
    for number, group in enumerate(groups):
        profile = _profile(columns, groups[:number], group_weights[:number])
        columns = [
            {**(columns[slot] if slot is not None else {}), **({number: char} if char is not None else {})}
            for slot, char in align(profile, np.asarray(group, np.float32))
        ]
    laid = np.full((len(readings), len(columns), GAP + 1), np.nan)
    for slot, column in enumerate(columns):
        for number, char in column.items():
            for index in by_text[order[number]]:
                laid[index, slot] = rows[index][char]
    return _fill_gaps(laid, weights, settings)


def _profile(columns: Sequence[dict[int, int]], groups: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """Mean distribution per slot over the groups aligned so far, (s, 37)."""
    profile = np.zeros((len(columns), GAP + 1), np.float32)
    total = sum(weights)
    for slot, column in enumerate(columns):
        for number, char in column.items():
            profile[slot] += weights[number] / total * groups[number][char]
        profile[slot, GAP] += 1.0 - sum(weights[number] for number in column) / total
    return profile


def _fill_gaps(laid: FloatArray, weights: FloatArray, settings: ConsensusSettings) -> FloatArray:
    """Give a reading without a character in a slot its say: mostly none, or dropped, then as the others have it."""
    missing = np.isnan(laid[:, :, 0])
    if not missing.any():
        return laid
    present = np.where(missing, 0.0, weights[:, None])
    others = np.einsum("rs,rsc->sc", present, np.where(missing[:, :, None], 0.0, laid)) / present.sum(axis=0)[:, None]
    others[:, GAP] = 0.0
    others /= np.maximum(others.sum(axis=1, keepdims=True), 1e-9)
    before_first = np.logical_and.accumulate(missing, axis=1)
    after_last = np.logical_and.accumulate(missing[:, ::-1], axis=1)[:, ::-1]
    drop = np.where(before_first | after_last, settings.drop_at_end, settings.drop_inside)
    gaps = drop[:, :, None] * others[None]
    gaps[:, :, GAP] = 1.0 - drop
    return np.where(missing[:, :, None], gaps, laid)


def _decide(posterior: FloatArray, most: int, region: str | None, region_confidence: float) -> PlateText:
    texts = _ranked(posterior, most)
    ranked = sorted(texts.items(), key=lambda entry: (-entry[1][0], entry[0]))[:most]
    text, (confidence, path) = ranked[0]
    rows = posterior[[slot for slot, symbol in enumerate(path) if symbol != GAP]][:, :GAP]
    candidates = tuple(Candidate(said, min(1.0, probability)) for said, (probability, _) in ranked)
    return PlateText(
        text, rows.astype(np.float32).reshape(-1, GAP), min(1.0, confidence), candidates, region, region_confidence
    )


def _ranked(posterior: FloatArray, most: int) -> dict[str, tuple[float, tuple[int, ...]]]:
    """The likeliest texts with the summed probability of the ways to spell them and the likeliest of those ways.

    Best first: a heap of choices, one rank per slot, each opening those that are one rank worse in one slot.
    """
    ranks = np.argsort(-posterior, axis=1, kind="stable")[:, :_BRANCHES]
    logs = np.log(np.maximum(np.take_along_axis(posterior, ranks, axis=1), 1e-12)).tolist()
    symbols = ranks.tolist()
    start = (0,) * len(symbols)
    heap = [(-sum(row[0] for row in logs), start, 0)]
    floor = heap[0][0] + 7.0  # what is e^7 times less likely than the best changes no rank worth having
    texts: dict[str, tuple[float, tuple[int, ...]]] = {}
    for _ in range(most * _PATHS_PER_CANDIDATE):
        if not heap:
            break
        cost, choice, free = heapq.heappop(heap)
        if len(texts) >= most and cost > floor:
            break
        path = tuple(symbols[slot][rank] for slot, rank in enumerate(choice))
        text = "".join(ALPHABET[symbol] for symbol in path if symbol != GAP)
        probability, likeliest = texts.get(text, (0.0, path))
        texts[text] = probability + math.exp(-cost), likeliest
        for slot in range(free, len(symbols)):  # only from the last changed slot on: each choice opens once
            rank = choice[slot] + 1
            if rank < _BRANCHES:
                worse = cost + logs[slot][rank - 1] - logs[slot][rank]
                heapq.heappush(heap, (worse, (*choice[:slot], rank, *choice[slot + 1 :]), slot))
    return texts


def _region(spoken: Sequence[tuple[PlateText, float]]) -> tuple[str | None, float]:
    """The region with more than half of the evidence of those readings that name one, else None."""
    evidence: dict[str, float] = {}
    named = 0.0
    for reading, weight in spoken:
        if reading.region is not None:
            named += weight
            evidence[reading.region] = evidence.get(reading.region, 0.0) + weight * reading.region_confidence
    if not evidence:
        return None, 0.0
    region = max(sorted(evidence), key=evidence.__getitem__)
    if evidence[region] * 2 <= sum(evidence.values()):
        return None, 0.0
    return region, evidence[region] / named

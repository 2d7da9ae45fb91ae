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

Of three readings or more, one that is contradicted in most places is of something else: where the first P bears out
less than half of a reading, its weight shrinks by the square of that, and P is taken again.

The readings are put in an order by their content before they are aligned, so the order they come in does not matter.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alpr.track.profile import Profile
from alpr.track.reading_alignment import GAP, Rows, rows_of
from alpr.track.settings import ConsensusSettings
from alpr.types import ALPHABET, Candidate, PlateText

_DEFAULTS = ConsensusSettings()
_STRANGER = 0.5  # share of a reading borne out by the others, below which it loses weight
_BRANCHES = 4  # symbols per slot that a candidate may take
_PATHS_PER_CANDIDATE = 8  # several ways through the slots can spell one text


def combine(
    readings: Sequence[PlateText], weights: Sequence[float] | None = None, settings: ConsensusSettings = _DEFAULTS
) -> PlateText:
    """Combine all readings of a plate into one text.

    Readings without text are left out; where there are no others, the result is the empty text.

    Args:
        readings: at least one, in any order.
        weights: quality of each, positive; equal where None.
        settings: constants of the formulas above.

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
    if len(spoken) > 2:
        posterior = pool(slots, share * np.minimum(support(slots, posterior) / _STRANGER, 1.0) ** 2, settings)
    region, region_confidence = _region(spoken)
    decided = _decide(posterior, settings.candidates, region, region_confidence)
    settled = next((reading.settled for reading, _ in spoken if reading.text == decided.text), ())
    return replace(decided, settled=settled)


def trusted(plate: PlateText, share: float) -> PlateText:
    """Return a text that is trusted less than its own readings say: its confidence and its candidates' are less.

    Args:
        plate: a consensus.
        share: in [0, 1]: how far it is trusted.
    """
    candidates = tuple(Candidate(other.text, other.confidence * share) for other in plate.candidates)
    return replace(plate, confidence=plate.confidence * share, candidates=candidates)


def effective_count(weights: Rows, correlation: float) -> float:
    """Return the number of independent readings that these are worth: Kish's count, shrunk by their correlation.

    Args:
        weights: (readings,), positive.
        correlation: [0, 1], of the errors of two readings.

    >>> effective_count(np.ones(4), 0.0), effective_count(np.ones(4), 1.0)
    (4.0, 1.0)
    """
    kish = float(weights.sum() ** 2 / (weights**2).sum())
    return kish / (1.0 + (kish - 1.0) * correlation)


def pool(slots: Rows, weights: Rows, settings: ConsensusSettings = _DEFAULTS) -> Rows:
    """Pool the readings slot by slot, by the formulas above.

    Args:
        slots: (readings, s, 37) distributions over the characters and `GAP`.
        weights: (readings,), positive.
        settings: constants of the formulas.

    Returns:
        (s, 37) distributions, each summing to 1.
    """
    share = weights / weights.sum()
    mean = np.tensordot(share, slots, 1)
    powers = share * effective_count(weights, settings.frame_correlation)
    seen = (1.0 - settings.outlier_share) * slots + settings.outlier_share * mean
    logs = np.tensordot(powers, np.log(np.maximum(seen, 1e-12)), 1)
    joint = np.exp(logs - logs.max(axis=1, keepdims=True))
    joint /= joint.sum(axis=1, keepdims=True)
    return np.asarray((1.0 - settings.shared_error) * joint + settings.shared_error * mean)


def support(slots: Rows, posterior: Rows) -> Rows:
    """Return the share of each reading that the consensus confirms: the mean overlap of its rows.

    Args:
        slots: (readings, s, 37) distributions.
        posterior: (s, 37), the consensus.

    Returns:
        (readings,) in (0, 1].
    """
    overlap = np.minimum(slots, posterior).sum(axis=2).mean(axis=1)
    return np.asarray(np.maximum(overlap, 0.01))


def _order(reading_weight: tuple[PlateText, float]) -> tuple[float, str, float, bytes]:
    reading, weight = reading_weight
    return -weight * reading.confidence, reading.text, weight, reading.char_probabilities.tobytes()


def _slots(readings: Sequence[PlateText], weights: Rows, settings: ConsensusSettings) -> Rows:
    """Return every reading over the slots that all of them need, as (readings, s, 37).

    Those of the same text align the same way, so each text is aligned once, the weightiest first.
    """
    rows = rows_of(readings)
    sayers: dict[str, list[int]] = {}
    for index, reading in enumerate(readings):
        sayers.setdefault(reading.text, []).append(index)
    trust = [weight * max(reading.confidence, 1e-3) for weight, reading in zip(weights, readings, strict=True)]
    profile = Profile()
    for text in sorted(sayers, key=lambda text: (-sum(trust[index] for index in sayers[text]), text)):
        total = sum(float(weights[index]) for index in sayers[text])
        said = np.add.reduce([weights[index] * rows[index] for index in sayers[text]])
        profile.add(text, said / total, total)
    laid = np.full((len(readings), len(profile), GAP + 1), np.nan)
    for index, reading in enumerate(readings):
        laid[index, profile.slots_of(reading.text)] = rows[index]
    return _fill_gaps(laid, weights, settings)


def _fill_gaps(laid: Rows, weights: Rows, settings: ConsensusSettings) -> Rows:
    """Fill the slots in which a reading has no character (NaN): mostly none, else dropped, then as the others say.

    Where one has none, those that have one may have read it out of nothing.
    """
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
    disputed = missing.any(axis=0)
    laid[:, disputed] *= 1.0 - settings.inserted
    laid[:, disputed, GAP] += settings.inserted
    return np.where(missing[:, :, None], gaps, laid)


def _decide(posterior: Rows, most: int, region: str | None, region_confidence: float) -> PlateText:
    texts = _ranked(posterior, most)
    ranked = sorted(texts.items(), key=lambda entry: (-entry[1][0], entry[0]))[:most]
    text, (confidence, path) = ranked[0]
    rows = posterior[[slot for slot, symbol in enumerate(path) if symbol != GAP]][:, :GAP]
    candidates = tuple(Candidate(said, min(1.0, probability)) for said, (probability, _) in ranked)
    return PlateText(
        text, rows.astype(np.float32).reshape(-1, GAP), min(1.0, confidence), candidates, region, region_confidence
    )


def _ranked(posterior: Rows, most: int) -> dict[str, tuple[float, tuple[int, ...]]]:
    """Return the likeliest texts, each with the summed probability of the ways to spell it and the likeliest way.

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
    """Return the region that is more likely than not by the readings that name one, with its share; else None."""
    evidence: dict[str, float] = {}
    named = 0.0
    for reading, weight in spoken:
        if reading.region is not None:
            named += weight
            evidence[reading.region] = evidence.get(reading.region, 0.0) + weight * reading.region_confidence
    if not evidence:
        return None, 0.0
    region = max(sorted(evidence), key=evidence.__getitem__)
    if evidence[region] * 2 <= named:
        return None, 0.0
    return region, evidence[region] / named

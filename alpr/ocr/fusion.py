"""Fusion of several readings of one plate in one picture. Pure; any engine's readings will do.

Each reading i has a probability p_i for every text: as its candidate where it lists it, by its characters where it
is as long, else `_UNHEARD_OF`. Then P(text) ~ (product of p_i)^(k / n) over all texts that any of them lists. The
errors of the readings are alike, being of the same pixels by the same engine: n of them are worth k = `_WITNESSES`,
little more than one.

Readings of several frames, whose errors are more independent and which may miss characters, are combined by
`alpr.track.consensus`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from alpr.types import ALPHABET, Candidate, FloatArray, PlateText

_WITNESSES = 1.25
"""Calibrated on the train crops; with 1 the confidences are too low, with 1.5 too high."""
_UNHEARD_OF = 1e-4
_MIN_REGION_CONFIDENCE = 0.5


def fuse(readings: Sequence[PlateText], *, max_candidates: int = 5) -> PlateText:
    """Return the text that all readings together make likeliest.

    Args:
        readings: at least one, all of one plate.
        max_candidates: most texts to rank, the first included.

    Raises:
        ValueError: no readings.
    """
    if len(readings) < 2:
        if not readings:
            raise ValueError("nothing was read, so nothing can be agreed on")
        return readings[0]
    texts = sorted({candidate.text for reading in readings for candidate in reading.candidates})
    logs = np.array([[_log_probability(reading, text) for text in texts] for reading in readings])
    weights = np.exp(_WITNESSES * logs.mean(axis=0))
    shares = (weights / weights.sum()).tolist()
    ranked = sorted(zip(texts, shares, strict=True), key=lambda entry: -entry[1])[:max_candidates]
    text, confidence = ranked[0]
    region, region_confidence = _region(readings)
    return PlateText(
        text,
        _rows(readings, text),
        confidence,
        tuple(Candidate(*entry) for entry in ranked),
        region if text else None,
        region_confidence if text else 0.0,
        next((reading.settled for reading in readings if reading.text == text), ()),
        next((reading.char_places for reading in readings if len(reading.text) == len(text)), ()),
    )


def _log_probability(reading: PlateText, text: str) -> float:
    for candidate in reading.candidates:
        if candidate.text == text:
            return math.log(max(candidate.confidence, _UNHEARD_OF))
    if len(text) != len(reading.text):
        return math.log(_UNHEARD_OF)
    at = [ALPHABET.index(char) for char in text]
    return max(math.log(_UNHEARD_OF), float(np.log(np.maximum(_of(reading, at), _UNHEARD_OF)).sum()))


def _of(reading: PlateText, characters: Sequence[int]) -> FloatArray:
    return reading.char_probabilities[np.arange(len(characters)), list(characters)]


def _rows(readings: Sequence[PlateText], text: str) -> FloatArray:
    """Return the geometric mean of the distributions of the readings as long as the text; one of them listed it."""
    alike = np.stack([reading.char_probabilities for reading in readings if len(reading.text) == len(text)])
    mean = np.exp(np.log(np.maximum(alike, _UNHEARD_OF)).mean(axis=0))
    known = alike.sum(axis=2).mean(axis=0)
    return np.asarray(mean * (known / np.maximum(mean.sum(axis=1), _UNHEARD_OF))[:, None], np.float32)


def _region(readings: Sequence[PlateText]) -> tuple[str | None, float]:
    shares: dict[str, float] = {}
    for reading in readings:
        if reading.region is not None:
            shares[reading.region] = shares.get(reading.region, 0.0) + reading.region_confidence / len(readings)
    best = max(sorted(shares), key=shares.__getitem__, default=None)
    if best is None or shares[best] < _MIN_REGION_CONFIDENCE:
        return None, 0.0
    return best, shares[best]

"""How often a reader looks before it decides, and what its looks say together. Pure values; knows no model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alpr.types import PlateText, View

_LEAST, _MOST = 0.01, 0.9999  # confidences beyond these are not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlan:
    """What a picture is worth: a still has only this one, a film brings the next frame soon."""

    places: int = 8
    """Places at most that get a second look, the most confident first; further ones count as if it had agreed with
    the first. 0: the detector's own threshold decides at the first look."""
    floor: float = 0.3
    """Confidence of the first look from which a place is looked at again."""
    sure_score: float = 0.9
    """Confidence of the first look from which no second is needed if the text is sure too."""
    threshold: float = 0.3
    """Least confidence, all looks and the text together, of a plate."""
    beyond: tuple[View, ...] = (View.NEAR, View.AFAR)
    """Where nothing was found: whole looks from elsewhere, until one finds something."""
    beyond_threshold: float = 0.5
    """Least confidence of what only those see: where the first look saw nothing, a plate is less to be expected."""
    sure_text: float = 0.9
    """A text less sure than this is read again from patches cut a little differently; 0: never."""


STILL = LookPlan()
ONCE = LookPlan(places=0, beyond=(), sure_text=0.0)
"""One look and one reading: what a frame of a film gets."""

SWEEP = LookPlan(places=12, floor=0.05, threshold=0.02)
"""Down to what nobody would call a plate: to see what other thresholds would give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateEvidence:
    """A logistic model of "this is a plate": bias + score × (logits of both looks) + text × (confidence of the text).

    Only a text of four characters or more with a digit counts, and it can only add: plates too blurred to be read are
    plates. Both looks weigh the same although the first had learned the pictures that this was fitted on.
    Fitted by `python -m training.fit_plate_evidence --data ../shared/data/scenes` on the train split.
    """

    bias: float = -1.82
    score: float = 0.77
    text: float = 1.78

    def confidence(self, first: float, second: float, plate: PlateText | None = None) -> float:
        """Probability that this is a plate.

        Args:
            first: confidence of the first look.
            second: of the second; 0 where it saw nothing.
            plate: what it says; None before it is read.
        """
        return self.confidence_of(logit(first) + logit(second), text_evidence(plate) if plate else 0.0)

    def best_confidence(self, first: float, second: float) -> float:
        """What it could become were the text sure."""
        return self.confidence_of(logit(first) + logit(second), 1.0)

    def confidence_of(self, scores: float, text: float) -> float:
        """Probability that this is a plate, by the sum of both logits and `text_evidence`."""
        return 1.0 / (1.0 + math.exp(-(self.bias + self.score * scores + self.text * text)))


def text_evidence(plate: PlateText) -> float:
    """How sure it is that a text is there that a plate could bear: its confidence, 0 for words and scraps."""
    is_plate_like = len(plate.text) >= 4 and any(char.isdigit() for char in plate.text)
    return plate.confidence if is_plate_like else 0.0


def logit(probability: float) -> float:
    """Log-odds of a confidence, bounded where confidences are not measured."""
    bounded = min(_MOST, max(_LEAST, probability))
    return math.log(bounded / (1.0 - bounded))

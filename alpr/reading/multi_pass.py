"""The number of looks at a picture before it is decided, and the evidence of all looks. Pure; knows no model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alpr.types import PlateText, View

_LEAST, _MOST = 0.01, 0.9999  # confidences beyond these are not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlan:
    """The looks that a picture is worth: a still gets many, for a video the next frame comes soon."""

    places: int = 8
    """Most detections that get a second look, the most confident first; further ones count as if it had confirmed the
    first. 0: the detector's own threshold decides at the first look."""
    floor: float = 0.3
    """Confidence of the first look from which a detection is looked at again."""
    sure_score: float = 0.9
    """Confidence of the first look from which no second is needed if the text is sure too."""
    threshold: float = 0.3
    """Least confidence, all looks and the text together, of a plate."""
    beyond: tuple[View, ...] = (View.NEAR, View.AFAR)
    """Further looks at the whole, in this order, where nothing was found: until one finds something."""
    beyond_threshold: float = 0.5
    """Least confidence of a plate that only those show: where the first look shows none, one is less likely."""
    sure_text: float = 0.9
    """A text of less confidence is read again from patches cut a little differently; 0: never."""


STILL = LookPlan()
ONCE = LookPlan(places=0, beyond=(), sure_text=0.0)
"""One look and one reading: as for a frame of a video."""

SWEEP = LookPlan(places=12, floor=0.05, threshold=0.02)
"""Down to the faintest detections: to measure what other thresholds would give."""


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
        """Return the probability that this is a plate.

        Args:
            first: confidence of the first look, [0, 1].
            second: of the second; 0 where it saw nothing.
            plate: its text; None before it is read.
        """
        return self.confidence_of(logit(first) + logit(second), text_evidence(plate) if plate else 0.0)

    def best_confidence(self, first: float, second: float) -> float:
        """Return the probability that this is a plate, were its text sure: the bound before it is read.

        Args:
            first: confidence of the first look, [0, 1].
            second: of the second; 0 where it saw nothing.
        """
        return self.confidence_of(logit(first) + logit(second), 1.0)

    def confidence_of(self, scores: float, text: float) -> float:
        """Return the probability that this is a plate.

        Args:
            scores: sum of the logits of both looks.
            text: `text_evidence`, [0, 1].

        >>> round(PlateEvidence().confidence_of(logit(0.9) + logit(0.9), 1.0), 3)
        0.966
        """
        return 1.0 / (1.0 + math.exp(-(self.bias + self.score * scores + self.text * text)))


def text_evidence(plate: PlateText) -> float:
    """Return the confidence of a text that a plate could bear; 0 for words and scraps.

    Args:
        plate: a reading.
    """
    is_plate_like = len(plate.text) >= 4 and any(char.isdigit() for char in plate.text)
    return plate.confidence if is_plate_like else 0.0


def logit(probability: float) -> float:
    """Return the log-odds of a confidence, bounded to the range in which confidences are measured.

    Args:
        probability: in [0, 1]; taken as at least 0.01 and at most 0.9999.

    >>> logit(0.5)
    0.0
    """
    bounded = min(_MOST, max(_LEAST, probability))
    return math.log(bounded / (1.0 - bounded))

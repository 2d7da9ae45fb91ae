"""An estimate of the share of plates that were read right, with its uncertainty, from what the passes tell. Pure.

Three kinds of passes: those that gave a read, those that were seen and gave none, and those that were never seen. Of
the first each read is right with its confidence; of the second each is a real plate with a probability that depends
on why it gave no read; the number of the third follows from how many passes were seen in one frame only and in two
(Chao's estimator, as for species that a survey has missed). It is a lower bound on what was missed: what can never be
seen, such as plates under snow, shows in no figure of the device itself.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from alpr.types import EndedPass

_CHANCES = {
    # Least confidence of the detection: chance without any text, chance with some. Of the 137 detections in the 278
    # dev scenes that one look gave no read of, 111 were of labelled plates: 2 of 14, 3 of 6, 14 of 15 without text,
    # 6 of 9, 11 of 13, 75 of 80 with some.
    0.85: (0.93, 0.94),
    0.7: (0.5, 0.85),
    0.0: (0.14, 0.67),
}
_WITHOUT_TEXT = ("no_text", "mostly_empty")
_NEVER_READ = 0.5  # its detection is not known
_SURE = 0.85
BINS = 3
LEAST_PASSES = 10
"""Passes below which there is no estimate."""
_Z90 = 1.645


@dataclass(slots=True)
class PassCounts:
    """Counts of what became of the passes of a stretch of time; grows with each.

    What is no whole number is an expected one.
    """

    right: float = 0.0
    """Reads that are right, by their confidences."""
    right_variance: float = 0.0
    reads: list[int] = field(default_factory=lambda: [0] * BINS)
    """Passes that gave a read, by the number of frames in which they were seen: one, two, more."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Passes that gave none, by cause."""
    sure: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Plates among those whose detection was sure, by the number of frames."""
    doubtful: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Plates among the others, likewise."""

    def add(self, ended: EndedPass) -> None:
        """Add a pass, unless it went on with one that was reported before.

        Args:
            ended: the pass.
        """
        if ended.is_repeat:
            return
        seen = min(ended.sightings, BINS) - 1
        if ended.cause is None:
            self.reads[seen] += 1
            self.right += ended.confidence
            self.right_variance += ended.confidence * (1 - ended.confidence)
            return
        self.rejected[ended.cause] += 1
        chance = plate_chance(ended.cause, ended.detection_confidence)
        (self.sure if ended.detection_confidence >= _SURE else self.doubtful)[seen] += chance

    def __add__(self, other: PassCounts) -> PassCounts:
        return PassCounts(
            self.right + other.right,
            self.right_variance + other.right_variance,
            [a + b for a, b in zip(self.reads, other.reads, strict=True)],
            self.rejected + other.rejected,
            [a + b for a, b in zip(self.sure, other.sure, strict=True)],
            [a + b for a, b in zip(self.doubtful, other.doubtful, strict=True)],
        )

    def unread_plates(self) -> list[float]:
        """Return the number of plates among the passes without a read, by the number of frames.

        A road full of badges and shadows gives many doubtful passes, most in one frame only. Where plates are seen
        as briefly some of them are read: of the labelled plates in the dev scenes six in ten at one look. So there
        are hardly more doubtful plates than reads that were seen as briefly.
        """
        return [
            sure + min(doubtful, read + 0.5)
            for sure, doubtful, read in zip(self.sure, self.doubtful, self.reads, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class CaptureRate:
    """The share of the plates that passed which were read right."""

    rate: float
    low: float
    """The rate is between low and high with a probability of 90 %, as far as the device can know."""
    high: float
    passes: float
    """Number of plates that passed, estimated."""


def plate_chance(cause: str, detection_confidence: float) -> float:
    """Return the probability that a pass without a read was of a plate, and not of a badge or a shop's sign.

    Args:
        cause: the reason why it gave no read.
        detection_confidence: of its surest detection, [0, 1]; 0 where it was never read.
    """
    if detection_confidence == 0:
        return _NEVER_READ
    without, with_some = next(chances for least, chances in _CHANCES.items() if detection_confidence >= least)
    return without if cause in _WITHOUT_TEXT else with_some


def capture_rate(counts: PassCounts) -> CaptureRate | None:
    """Estimate the share of plates that were read right; None where there were too few passes to say.

    Args:
        counts: of a stretch of time.
    """
    unread = counts.unread_plates()
    seen = sum(counts.reads) + sum(unread)
    if seen < LEAST_PASSES:
        return None
    once, twice = (counts.reads[index] + unread[index] for index in (0, 1))
    unseen, unseen_variance = unseen_passes(once, twice)
    passes = seen + unseen
    rate = min(counts.right / passes, 1.0)
    # Half of what is expected may be wrong either way: the chances are of other cameras than this one.
    unread_variance = (sum(unread) / 2) ** 2 / _Z90**2
    variance = (counts.right_variance + rate**2 * (unread_variance + unseen_variance)) / passes**2 + rate * (
        1 - rate
    ) / passes
    effective = passes if variance <= 0 else min(passes, rate * (1 - rate) / variance)
    low, high = wilson(rate, effective)
    return CaptureRate(rate, low, high, passes)


def unseen_passes(once: float, twice: float) -> tuple[float, float]:
    """Estimate how many passes were never seen, and the variance of that number, after Chao.

    Args:
        once: passes that were seen in one frame only.
        twice: in two only.

    >>> unseen_passes(0, 3)
    (0.0, 0.0)
    """
    if once <= 1:
        return 0.0, 0.0
    number = once * (once - 1) / (2 * (twice + 1))
    variance = (
        number
        + once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        + once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    )
    return number, variance


def wilson(rate: float, n: float) -> tuple[float, float]:
    """Return the bounds of a share that was measured on n cases, with a probability of 90 %.

    Args:
        rate: the share, [0, 1].
        n: number of cases, > 0; need not be whole.
    """
    if n <= 0:
        return 0.0, 1.0
    square = _Z90**2 / n
    middle = (rate + square / 2) / (1 + square)
    spread = _Z90 / (1 + square) * math.sqrt(rate * (1 - rate) / n + square / (4 * n))
    return max(0.0, middle - spread), min(1.0, middle + spread)


def rate_text(rate: CaptureRate | None) -> str:
    """Say an estimate in words.

    Args:
        rate: the estimate; None where there is none.

    >>> rate_text(CaptureRate(0.912, 0.853, 0.95, 41.3))
    'about 91 % of 41 plates read right (85 to 95 %)'
    """
    if rate is None:
        return "too few passes to say"
    return (
        f"about {100 * rate.rate:.0f} % of {rate.passes:.0f} plates read right "
        f"({100 * rate.low:.0f} to {100 * rate.high:.0f} %)"
    )

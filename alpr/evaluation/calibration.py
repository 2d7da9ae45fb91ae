"""Does a probability mean what it says: reliability bins and the expected calibration error. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of claims of about the same probability: how many there are, and how many were right."""

    low: float
    high: float
    n: int
    right: int
    claimed: float
    """Mean of the probabilities in it; 0 where there are none."""

    @property
    def share(self) -> float:
        """Share of the claims that are right, in [0, 1]; 0 where there are none."""
        return self.right / self.n if self.n else 0.0


def reliability(claims: Iterable[tuple[float, bool]], count: int = BINS) -> tuple[Bin, ...]:
    """Sort claims into bins of equal width over [0, 1].

    Args:
        claims: (probability in [0, 1], whether it was right) of each.
        count: number of bins.
    """
    n, right, total = [0] * count, [0] * count, [0.0] * count
    for probability, is_right in claims:
        place = min(count - 1, int(probability * count))
        n[place] += 1
        right[place] += is_right
        total[place] += probability
    return tuple(
        Bin(k / count, (k + 1) / count, n[k], right[k], total[k] / n[k] if n[k] else 0.0) for k in range(count)
    )


def expected_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: Σ over bins of (claims in it / all) × |share right - mean probability| (Guo et al.
    2017); 0 without claims.

    Args:
        bins: as `reliability` gives them.
    """
    whole = sum(b.n for b in bins)
    return sum(b.n * abs(b.share - b.claimed) for b in bins) / whole if whole else 0.0

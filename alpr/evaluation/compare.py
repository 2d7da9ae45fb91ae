"""Two readers on the same plates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alpr.evaluation.outcome import PlateOutcome
from alpr.evaluation.scoring import is_exact
from alpr.evaluation.statistics import mcnemar


@dataclass(frozen=True, slots=True)
class Paired:
    """Counts of the same plates that each of two readers has exactly right."""

    n: int
    first: int
    second: int
    only_first: int
    only_second: int

    @property
    def p_value(self) -> float:
        """Probability of a difference as large by chance, were neither better (McNemar, exact, two-sided)."""
        return mcnemar(self.only_first, self.only_second)


def compare(first: Sequence[PlateOutcome], second: Sequence[PlateOutcome]) -> Paired:
    """Count which of two readers has which plates right.

    Args:
        first: of one reader.
        second: of the other, on the same plates in the same order.

    Raises:
        ValueError: they are not the same plates.
    """
    pairs = list(zip(first, second, strict=True))
    if any((a.image, a.truth) != (b.image, b.truth) for a, b in pairs):
        raise ValueError("a paired test needs the same plates in the same order")
    right = [(is_exact(a), is_exact(b)) for a, b in pairs]
    return Paired(
        n=len(right),
        first=sum(a for a, _ in right),
        second=sum(b for _, b in right),
        only_first=sum(a and not b for a, b in right),
        only_second=sum(b and not a for a, b in right),
    )

"""How sure a counted figure is: intervals for shares and for counts, and the paired test of two readers. Pure."""

from __future__ import annotations

import math

_Z = 1.959963984540054  # two-sided 95 %


def wilson(part: int, whole: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) where nothing was counted.

    Args:
        part: count.
        whole: of so many.

    >>> [round(bound, 3) for bound in wilson(9, 10)]
    [0.596, 0.982]
    """
    if not whole:
        return 0.0, 1.0
    share, spread = part / whole, _Z**2 / whole
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    low = 0.0 if part == 0 else middle - half  # rounding must not leave a crumb above 0 or below 1
    return low, 1.0 if part == whole else middle + half


def poisson(count: int, per: int) -> tuple[float, float]:
    """95 % interval of a rate, so many events in so many places (Byar's approximation; Breslow and Day 1987, p. 69).

    Args:
        count: of events.
        per: number of places.

    >>> [round(bound, 2) for bound in poisson(10, 1)]
    [4.79, 18.39]
    """
    if not per:
        return 0.0, math.inf
    low = count * (1 - 1 / (9 * count) - _Z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    return max(0.0, low) / per, more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3 / per


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value that two readers are equally often right on the same plates (McNemar 1947, binomial).

    Args:
        only_first: plates that only the first reader has right.
        only_second: plates that only the second has right.

    >>> round(mcnemar(10, 2), 4), mcnemar(3, 3)
    (0.0386, 1.0)
    """
    differing = only_first + only_second
    tail = sum(math.comb(differing, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, tail / 2.0 ** (differing - 1))

"""Progress of long work, as whoever does it reports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

Progress: TypeAlias = Callable[[float], None]
"""Is given the share that is done, from 0 to 1, now and then."""

_T = TypeVar("_T")


def ticking(items: Sequence[_T], on_progress: Progress | None) -> Iterator[_T]:
    """Yield items, and report after each which share of them is done.

    Args:
        items: what is worked on, one after the other.
        on_progress: is given the share; None for nobody.
    """
    for number, item in enumerate(items, 1):
        yield item
        if on_progress is not None:
            on_progress(number / len(items))

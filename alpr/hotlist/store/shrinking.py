"""When a list shrinks so much that someone should look first: a cut-off file must not empty a list without a word."""

from __future__ import annotations

from alpr.errors import ShrinkRefused
from alpr.hotlist.store.staging import Applied

MAX_SHRINK = 0.1
"""Share of its entries that a list may lose at once if nobody says otherwise."""
FREE_SHRINK = 10
"""So many entries may always go."""


def is_shrinking(held: int, after: int, max_shrink: float = MAX_SHRINK) -> bool:
    """Whether a list loses more than it may.

    >>> is_shrinking(1000, 899), is_shrinking(1000, 900), is_shrinking(12, 2), is_shrinking(12, 1)
    (True, False, False, True)
    """
    return held - after > max(FREE_SHRINK, held * max_shrink)


def refuse_shrink(list_name: str, applied: Applied, max_shrink: float | None) -> None:
    """Raise where an import made a list lose more than it may; None allows all.

    Raises:
        ShrinkRefused: to be raised within the transaction, which it undoes.
    """
    held = applied.changed + applied.unchanged + applied.removed
    after = held - applied.removed + applied.added
    if max_shrink is not None and is_shrinking(held, after, max_shrink):
        raise ShrinkRefused(
            f"list {list_name!r} would shrink from {held} to {after} entries, by more than {max_shrink:.0%}: "
            "look at what goes with `alpr hotlist diff`, then say --accept-shrink"
        )

"""The limit beyond which no list shrinks unasked: a file that was cut off must not empty a list without a word."""

from __future__ import annotations

from alpr.errors import ShrinkRefused
from alpr.hotlist.store.staging import Applied

MAX_SHRINK = 0.1
"""Share of its entries that a list may lose at once, by default."""
FREE_SHRINK = 10
"""Number of entries that may always go."""


def is_shrinking(held: int, after: int, max_shrink: float = MAX_SHRINK) -> bool:
    """Return True where a list loses more than it may.

    Args:
        held: entries before.
        after: entries afterwards.
        max_shrink: share of its entries, 0 to 1; ten may always go.

    >>> is_shrinking(1000, 899), is_shrinking(1000, 900), is_shrinking(12, 2), is_shrinking(12, 1)
    (True, False, False, True)
    """
    return held - after > max(FREE_SHRINK, held * max_shrink)


def refuse_shrink(list_name: str, applied: Applied, max_shrink: float | None) -> None:
    """Refuse an import that made a list lose more than it may; within the transaction, which the error undoes.

    Args:
        list_name: of the list.
        applied: the changes to it.
        max_shrink: share of its entries, 0 to 1; None: any.

    Raises:
        ShrinkRefused: it did.
    """
    held = applied.changed + applied.unchanged + applied.removed
    after = held - applied.removed + applied.added
    if max_shrink is not None and is_shrinking(held, after, max_shrink):
        raise ShrinkRefused(
            f"list {list_name!r} would shrink from {held} to {after} entries, by more than {max_shrink:.0%}: "
            "see with `alpr hotlist diff` which would go; if that is right, give --accept-shrink"
        )

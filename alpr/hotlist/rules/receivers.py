"""Access to hits on covert entries. Pure."""

from __future__ import annotations

from collections.abc import Collection


def may_learn(receivers: Collection[str], names: Collection[str]) -> bool:
    """Return True if somebody with these names may learn of a hit on an entry with these receivers.

    Everybody may if the entry is not covert, that is, names no receivers.

    Args:
        receivers: those that the entry names; empty for an entry that is not covert.
        names: those of the person, device or webhook.

    >>> may_learn((), ()), may_learn(("unit-7",), ()), may_learn(("unit-7",), ("unit-7", "duty-desk"))
    (True, False, True)
    """
    return not receivers or any(name in receivers for name in names)

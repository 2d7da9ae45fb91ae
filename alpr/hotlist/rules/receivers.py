"""Who may learn of hits on covert entries. Pure."""

from __future__ import annotations

from collections.abc import Collection


def may_learn(receivers: Collection[str], names: Collection[str]) -> bool:
    """Whether one who goes by these names may learn of a hit on an entry with these receivers.

    Everybody may, unless it has any (it is covert) and none of the names is among them.

    >>> may_learn((), ()), may_learn(("unit-7",), ()), may_learn(("unit-7",), ("unit-7", "duty-desk"))
    (True, False, True)
    """
    return not receivers or any(name in receivers for name in names)

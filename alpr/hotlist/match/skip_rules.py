"""The part of the skips that matching needs: which matches they suppress."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias

from alpr.clock import micros
from alpr.types import HotlistEntry, MatchKind

# A skip of "all lists" that came with a set is of the lists of that set only.
_RULES = """
    SELECT lists.name, plate, skip_id, is_exact_too, until FROM skips JOIN lists
        ON skips.list_name = lists.name OR skips.list_name = '' AND skips.origin IN ('', lists.origin)"""


class SkipRule(NamedTuple):
    """The part of a skip that matching needs."""

    skip_id: int
    is_exact_too: bool
    until: int
    """End, exclusive, in microseconds since 1970."""


SkipRules: TypeAlias = Mapping[tuple[str, str], tuple[SkipRule, ...]]
"""(Name of the list, plate) → its skips."""


def read_skip_rules(connection: sqlite3.Connection) -> SkipRules:
    """Read all skips of the database, also those that are over.

    Args:
        connection: to a hotlist database.
    """
    rules: dict[tuple[str, str], tuple[SkipRule, ...]] = {}
    for name, plate, skip_id, exact, until in connection.execute(_RULES):
        rules[name, plate] = (*rules.get((name, plate), ()), SkipRule(skip_id, bool(exact), until))
    return rules


def skip_of(rules: SkipRules, entry: HotlistEntry, kind: MatchKind, at: datetime) -> int | None:
    """Return the id of the skip that suppresses a match; None if it raises a hit.

    Args:
        rules: all skips.
        entry: of the match.
        kind: of the match.
        at: instant of the read, aware.

    >>> from datetime import UTC
    >>> rules = {("stolen", "AB12CDE"): (SkipRule(7, False, micros(datetime(2026, 2, 1, tzinfo=UTC))),)}
    >>> entry, at = HotlistEntry(1, "stolen", "AB12CDE", "x"), datetime(2026, 1, 1, tzinfo=UTC)
    >>> skip_of(rules, entry, MatchKind.LOOK_ALIKE, at), skip_of(rules, entry, MatchKind.EXACT, at)
    (7, None)
    """
    for rule in rules.get((entry.list_name, entry.plate), ()):
        if micros(at) < rule.until and (rule.is_exact_too or kind is not MatchKind.EXACT):
            return rule.skip_id
    return None

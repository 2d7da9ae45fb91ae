"""States of the lists in a hotlist database: revision, age, numbers of entries and skips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

_OF_LIST = "(list_name = lists.name OR list_name = '' AND skips.origin IN ('', lists.origin))"
LIST_STATES = f"""
    SELECT name, revision, updated_at, source,
        count(entry_id), coalesce(sum(valid_to <= :now), 0), coalesce(sum(valid_from > :now), 0),
        (SELECT count(DISTINCT plate) FROM skips WHERE {_OF_LIST} AND until > :now),
        (SELECT coalesce(sum(skipped), 0) FROM skips WHERE {_OF_LIST})
    FROM lists LEFT JOIN entries USING (list_id) GROUP BY list_id ORDER BY name"""
"""SQL for the rows that `list_state` takes, by name of the list; `:now` is in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class ListState:
    """State of one list at an instant."""

    name: str
    revision: int
    """Number of imports and policy changes that changed the list, from 1."""
    updated_at: datetime
    """Instant of the last import, whether or not it changed anything."""
    source: str
    """Name of the file of that import."""
    entries: int
    """Number of entries, whatever their validity."""
    expired: int
    """Number of entries whose validity is over."""
    not_yet_valid: int
    """Number of entries whose validity has not begun."""
    age_s: float
    """Seconds since `updated_at`; 0 if the clock was set back."""
    skips: int
    """Number of plates that are skipped at the instant, in this list or in all."""
    skipped: int
    """Number of passes that matched an entry and raised no hit because of a skip, as counted on this database."""


def list_state(row: tuple[Any, ...], now: datetime) -> ListState:
    """Return the state of a list.

    Args:
        row: of the query `LIST_STATES`.
        now: instant of the query, aware.
    """
    name, revision, updated_at, source, entries, expired, not_yet_valid, skips, skipped = row
    updated = datetime.fromisoformat(updated_at)
    return ListState(
        name=name,
        revision=revision,
        updated_at=updated,
        source=source,
        entries=entries,
        expired=expired,
        not_yet_valid=not_yet_valid,
        age_s=age_s(updated, now),
        skips=skips,
        skipped=skipped,
    )


def age_s(updated_at: datetime, now: datetime) -> float:
    """Return the age of a list in seconds; 0 if the clock was set back.

    Args:
        updated_at: instant of the last import, aware.
        now: aware.
    """
    return max(0.0, (now - updated_at).total_seconds())

"""Lookup of the entries that a read may match by any list's policy, by indexes. The hot path of matching."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from alpr.hotlist.match.skip_rules import SkipRules, read_skip_rules
from alpr.hotlist.rules.alignment import is_within_edits
from alpr.hotlist.rules.neighbours import openings_and_ending
from alpr.hotlist.rules.policy import MatchPolicy
from alpr.hotlist.rules.wildcards import SHAPES, keys_of_text
from alpr.hotlist.store.database import LAST_CHARACTERS
from alpr.hotlist.store.entry_store import SELECTED
from alpr.hotlist.store.policies import policy_from_json
from alpr.plates import look_alike_key
from alpr.types import PlateText

_ENTRIES = f"""
    SELECT {SELECTED}
    FROM {{source}} JOIN lists USING (list_id) JOIN details USING (details_id)
    WHERE (valid_from IS NULL OR valid_from <= :at) AND (valid_to IS NULL OR :at < valid_to)"""
# A plate's exact entries have its look-alike key too, so that one look-up finds both kinds.
_OF_KEY = _ENTRIES.format(source="entries INDEXED BY entries_by_look_alike_key") + " AND look_alike_key = :key"
_OF_KEYS = _ENTRIES.format(
    source="""json_each(:keys) AS wanted
    CROSS JOIN entries INDEXED BY entries_by_look_alike_key ON look_alike_key = wanted.value"""
)
# The key of a pattern holds only a part of it; SQLite's GLOB has the same two wildcards.
_OF_KEYS += " AND (look_alike_key >= '0' OR :text GLOB plate)"
_OF_IDS = _ENTRIES.format(source="json_each(:ids) AS wanted CROSS JOIN entries ON entry_id = wanted.value")

# Both from their index alone, without a look at the rows.
_NEIGHBOURS = f"""
    SELECT entry_id, plate FROM json_each(:openings) AS opening CROSS JOIN entries INDEXED BY entries_by_key
        ON list_id = :list_id AND plate >= opening.value AND plate < opening.value || '['{{and_opening}}
    UNION ALL
    SELECT entry_id, plate FROM entries INDEXED BY entries_by_ending WHERE list_id = :list_id
        AND {LAST_CHARACTERS} >= :ending AND {LAST_CHARACTERS} < :ending || '['{{and_ending}}"""
_WITHIN_TWO = _NEIGHBOURS.format(and_opening="", and_ending="")
# One edit within a half leaves its first or its last character: this saves most of the checks.
_WITHIN_ONE = _NEIGHBOURS.format(
    and_opening="\n AND (substr(plate, :half + 1, 1) = substr(:text, :half + 1, 1)"
    " OR substr(plate, -1) = substr(:text, -1))",
    and_ending="\n AND (substr(plate, 1, 1) = substr(:text, 1, 1)"
    " OR substr(plate, :half - length(:text) - 1, 1) = substr(:text, :half, 1))",
)


class Rules(NamedTuple):
    """Rules by which all reads are matched until the database changes."""

    policies: dict[str, MatchPolicy]
    """Name of the list → its policy."""
    list_ids: dict[str, int]
    """Name of the list → its row."""
    shapes: tuple[str, ...]
    """Shapes of the patterns in all lists, see `alpr.hotlist.rules.wildcards`."""
    skips: SkipRules


NO_RULES = Rules({}, {}, (), {})


def read_rules(connection: sqlite3.Connection) -> Rules:
    """Read the rules of the database.

    Args:
        connection: to a hotlist database.

    Raises:
        HotlistError: a policy cannot be understood.
    """
    rows = connection.execute("SELECT name, list_id, policy FROM lists ORDER BY name").fetchall()
    shapes = connection.execute(SHAPES).fetchall()
    return Rules(
        {name: policy_from_json(written, name) for name, _, written in rows},
        {name: list_id for name, list_id, _ in rows},
        tuple(shape for (shape,) in shapes),
        read_skip_rules(connection),
    )


def rows_near(connection: sqlite3.Connection, plate: PlateText, at: int, rules: Rules) -> list[tuple[Any, ...]]:
    """Return the rows of the entries that may match a read, each once; a superset of those that do.

    Args:
        connection: to a hotlist database, in the transaction in which `rules` were read.
        plate: the read; its text is not empty.
        at: instant at which the entries must be valid, in microseconds since 1970.
        rules: of the database.

    Returns:
        Rows of the columns `SELECTED`, as `entry_from_row` takes them.
    """
    keys = _keys(plate, rules)
    if len(keys) == 1:
        rows = connection.execute(_OF_KEY, {"key": keys[0], "at": at}).fetchall()
    else:
        rows = connection.execute(_OF_KEYS, {"keys": json.dumps(keys), "at": at, "text": plate.text}).fetchall()
    neighbours: set[int] = set()
    for name, policy in rules.policies.items():
        if edits := policy.edits.at(len(plate.text)):
            neighbours.update(_neighbours(connection, plate.text, edits, rules.list_ids[name]))
    neighbours.difference_update(row[0] for row in rows)
    if neighbours:
        rows += connection.execute(_OF_IDS, {"ids": json.dumps(list(neighbours)), "at": at}).fetchall()
    return rows


def _keys(plate: PlateText, rules: Rules) -> list[str]:
    length, policies = len(plate.text), rules.policies.values()
    keys = [look_alike_key(plate.text)]
    if any(policy.candidates.at(length) for policy in policies):
        keys = list(dict.fromkeys([*keys, *(look_alike_key(candidate.text) for candidate in plate.candidates)]))
    if rules.shapes and any(policy.wildcards.at(length) for policy in policies):
        keys += keys_of_text(plate.text, rules.shapes)
    return keys


def _neighbours(connection: sqlite3.Connection, text: str, edits: int, list_id: int) -> list[int]:
    openings, ending = openings_and_ending(text, edits)
    where = {"openings": json.dumps(openings), "ending": ending, "list_id": list_id}
    if edits == 1:
        rows = connection.execute(_WITHIN_ONE, {**where, "text": text, "half": len(openings[0])})
    else:
        rows = connection.execute(_WITHIN_TWO, where)
    return [entry_id for entry_id, plate in rows.fetchall() if is_within_edits(text, plate, edits)]

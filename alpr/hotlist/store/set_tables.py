"""The tables of published sets in the hotlist database: held, refused, still to be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def add_set_tables(tables: Database) -> None:
    """Add the tables of sets, refusals and arrivals: a step of the schema.

    Args:
        tables: of the database.
    """
    for statement in _STATEMENTS:
        tables.execute(statement)


def add_origin_of_skips(tables: Database) -> None:
    """Add the origin of skips, the set or "" for here: a step of the schema.

    Args:
        tables: of the database.
    """
    tables.table("skips").add_column("origin", str, not_null_default="")  # the set; "" for here
    tables.execute("DROP INDEX skips_by_plate")
    tables.execute("CREATE UNIQUE INDEX skips_by_plate ON skips (list_name, plate, origin)")


_STATEMENTS = (
    """CREATE TABLE sets (
        list_set TEXT PRIMARY KEY, revision INTEGER NOT NULL, release TEXT NOT NULL, made_at TEXT NOT NULL,
        applied_at TEXT NOT NULL, signers TEXT NOT NULL, entries INTEGER NOT NULL)""",
    """CREATE TABLE refusals (
        list_set TEXT NOT NULL, cause TEXT NOT NULL, total INTEGER NOT NULL, last_at TEXT NOT NULL,
        message TEXT NOT NULL, PRIMARY KEY (list_set, cause))""",
    # The entries that an update brought or changed, until the past reads were checked against them.
    "CREATE TABLE arrivals (arrival_id INTEGER PRIMARY KEY AUTOINCREMENT, list_set TEXT NOT NULL, at TEXT NOT NULL)",
    # An entry that changes again before that is checked once, with the later arrival.
    "CREATE TABLE past_due (entry_id INTEGER PRIMARY KEY, arrival_id INTEGER NOT NULL)",
    "CREATE INDEX past_due_by_arrival ON past_due (arrival_id)",
)

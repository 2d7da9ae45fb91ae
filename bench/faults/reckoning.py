"""What the device said, what the collector holds and what the collector said, held against each other. Pure.

The device's side comes from a ledger that another process wrote (`bench.faults.ledger`), the collector's from its
tables, read with plain SQL: nothing of the code under test takes part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Entry: TypeAlias = Mapping[str, Any]
"""A line of a ledger."""
Stored: TypeAlias = tuple[str, int, str, bool]
"""(id, revision, plate, is_withdrawn) of a read or hit, as it stands in a table."""


@dataclass(slots=True)
class Books:
    """All that there is to go by."""

    device: Sequence[Entry]
    collector: Sequence[Entry]
    reads: Sequence[Stored]
    hits: Sequence[Stored]
    known_to_device: set[str]
    """Ids of reads and hits in the device's own tables: kept, though death came before they were said."""
    told_lost: int = 0
    """Of reads and hits, how many the device has told the collector that it lost."""
    gone: set[str] = field(default_factory=set)
    """Ids of what waited in a journal that the fault took away: nobody has it any more."""
    retold: set[str] = field(default_factory=set)
    """Ids of what the collector may say again, since its memory of them was taken away."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What came of it."""

    reads: int
    """Different reads that the device said it keeps."""
    hits: int
    lost: int
    """Of these, how many the collector lacks, or has in an older revision, or altered."""
    gone: int
    """How many went with a journal that the fault took away; not counted as lost."""
    told_lost: int
    """For how many records the device has told the collector that they were lost."""
    doubled: int
    """Records that the collector holds or has said more than once."""
    foreign: int
    """Records at the collector that this device neither said nor knows."""
    unsaid: int
    """Records at the collector that the device kept and died before it said them."""
    not_kept: int
    """Records that the device said and marked as not kept, and that did not arrive later all the same."""

    @property
    def is_right(self) -> bool:
        """Nothing lost, doubled or from outside; what the device could not keep is told at the collector."""
        return (self.lost, self.doubled, self.foreign) == (0, 0, 0) and self.not_kept <= self.told_lost

    @property
    def is_told(self) -> bool:
        """As `is_right`, where a file was destroyed: no more is lost than what was told."""
        return self.lost + self.not_kept <= self.told_lost and (self.doubled, self.foreign) == (0, 0)


def reckon(books: Books) -> Reckoning:
    """Compare the books."""
    reads, hits = _last_said(books.device, "read"), _last_said(books.device, "hit")
    said = {_id(entry) for entry in books.device if _is_record(entry)}
    held = [row[0] for row in (*books.reads, *books.hits)]
    strangers = set(held) - said
    lost = _lacking(reads, books.reads) | _lacking(hits, books.hits)
    return Reckoning(
        reads=len(reads),
        hits=len(hits),
        lost=len(lost - books.gone),
        gone=len(lost & books.gone),
        told_lost=books.told_lost,
        doubled=_excess(held)
        + _excess(_name(entry) for entry in books.collector if _is_record(entry) and _id(entry) not in books.retold),
        foreign=len(strangers - books.known_to_device),
        unsaid=len(strangers & books.known_to_device),
        not_kept=_never_came(books),
    )


def said_but_not_kept(device: Iterable[Entry], known_to_device: set[str]) -> set[str]:
    """Ids of what was said as kept and is not in the device's own tables: said too soon."""
    return {_id(entry) for entry in device if _is_record(entry) and entry.get("is_kept", True)} - known_to_device


def undelivered(said: Iterable[Entry], taken: Iterable[Entry]) -> set[tuple[object, ...]]:
    """Names of what the collector has said and a receiver has not taken."""
    return {_name(entry) for entry in said if _is_record(entry)} - {
        _name(entry) for entry in taken if _is_record(entry)
    }


def newest(tables: Iterable[Iterable[Stored]]) -> list[Stored]:
    """One row for each id: the highest revision, of the first table that has it; doubles within one table stay."""
    found: dict[str, list[Stored]] = {}
    for table in tables:
        rows: dict[str, list[Stored]] = {}
        for row in table:
            rows.setdefault(row[0], []).append(row)
        for id_, here in rows.items():
            if id_ not in found or here[-1][1] > found[id_][-1][1]:
                found[id_] = here
    return [row for rows in found.values() for row in rows]


def _is_record(entry: Entry) -> bool:
    return entry.get("event") in ("read", "hit")


def _id(entry: Entry) -> str:
    return str(entry["read_id"] if entry["event"] == "read" else entry["hit_id"])


def _name(entry: Entry) -> tuple[object, ...]:
    """What may be said once only: a revision of a read; a hit as of a revision."""
    return entry["event"], _id(entry), _revision(entry), entry.get("plate"), entry.get("is_withdrawn")


def _never_came(books: Books) -> int:
    """How many records that were said as not kept the collector lacks, revision by revision."""
    held = {row[0]: row[1] for row in (*books.reads, *books.hits)}
    refused = [entry for entry in books.device if _is_record(entry) and not entry.get("is_kept", True)]
    return sum(held.get(_id(entry), -1) < _revision(entry) for entry in refused)


def _revision(entry: Entry) -> int:
    return int(entry["revision"] if entry["event"] == "read" else entry["read_revision"])


def _last_said(entries: Iterable[Entry], event: str) -> dict[str, Stored]:
    """By id, the last revision that was said as kept."""
    last: dict[str, Stored] = {}
    for entry in entries:
        if entry.get("event") != event or not entry.get("is_kept", True):
            continue
        row = (_id(entry), _revision(entry), str(entry["plate"]), bool(entry.get("is_withdrawn")))
        if row[0] not in last or row[1] >= last[row[0]][1]:
            last[row[0]] = row
    return last


def _lacking(said: Mapping[str, Stored], rows: Iterable[Stored]) -> set[str]:
    """Ids of what is not there, or in an older revision, or altered."""
    held = {row[0]: row for row in rows}
    return {
        id_
        for id_, row in said.items()
        if id_ not in held or held[id_][1] < row[1] or (held[id_][1] == row[1] and held[id_] != row)
    }


def _excess(names: Iterable[object]) -> int:
    return sum(count - 1 for count in Counter(names).values())

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
    told_lost: Mapping[str, int] = field(default_factory=dict)
    """Of reads and hits, how many the device has told the collector that it lost."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What came of it."""

    reads: int
    """Different reads that the device said it keeps."""
    hits: int
    lost: int
    """Of these, how many the collector lacks, or has in an older revision, or altered."""
    told_lost: int
    """For how many records the device has told the collector that they were lost."""
    doubled: int
    """Records that the collector holds or has said more than once."""
    foreign: int
    """Records at the collector that this device neither said nor knows."""
    unsaid: int
    """Records at the collector that the device kept and died before it said them."""
    not_kept: int
    """Records that the device said and marked as not kept."""

    @property
    def is_right(self) -> bool:
        """Nothing lost, nothing doubled, nothing from outside."""
        return (self.lost, self.doubled, self.foreign) == (0, 0, 0)

    @property
    def is_told(self) -> bool:
        """As `is_right`, where a file was destroyed: no more is lost than what was told."""
        return self.lost <= self.told_lost and (self.doubled, self.foreign) == (0, 0)


def reckon(books: Books) -> Reckoning:
    """Compare the books."""
    reads, hits = _last_said(books.device, "read"), _last_said(books.device, "hit")
    said = reads.keys() | hits.keys() | {_id(entry) for entry in books.device if _is_record(entry)}
    held = [row[0] for row in (*books.reads, *books.hits)]
    strangers = set(held) - said
    return Reckoning(
        reads=len(reads),
        hits=len(hits),
        lost=_lacking(reads, books.reads) + _lacking(hits, books.hits),
        told_lost=sum(books.told_lost.values()),
        doubled=_excess(held) + _excess(_name(entry) for entry in books.collector if _is_record(entry)),
        foreign=len(strangers - books.known_to_device),
        unsaid=len(strangers & books.known_to_device),
        not_kept=sum(_is_record(entry) and not entry.get("is_kept", True) for entry in books.device),
    )


def said_but_not_kept(device: Iterable[Entry], known_to_device: set[str]) -> set[str]:
    """Ids of what was said as kept and is not in the device's own tables: said too soon."""
    return {_id(entry) for entry in device if _is_record(entry) and entry.get("is_kept", True)} - known_to_device


def _is_record(entry: Entry) -> bool:
    return entry.get("event") in ("read", "hit")


def _id(entry: Entry) -> str:
    return str(entry["read_id"] if entry["event"] == "read" else entry["hit_id"])


def _name(entry: Entry) -> tuple[object, ...]:
    """What may be said once only: a revision of a read; a hit as of a revision."""
    revision = entry["revision"] if entry["event"] == "read" else entry["read_revision"]
    return entry["event"], _id(entry), revision, entry.get("plate"), entry.get("is_withdrawn")


def _last_said(entries: Iterable[Entry], event: str) -> dict[str, Stored]:
    """By id, the last revision that was said as kept."""
    last: dict[str, Stored] = {}
    for entry in entries:
        if entry.get("event") != event or not entry.get("is_kept", True):
            continue
        key = "revision" if event == "read" else "read_revision"
        row = (_id(entry), int(entry[key]), str(entry["plate"]), bool(entry.get("is_withdrawn")))
        if row[0] not in last or row[1] >= last[row[0]][1]:
            last[row[0]] = row
    return last


def _lacking(said: Mapping[str, Stored], rows: Iterable[Stored]) -> int:
    held = {row[0]: row for row in rows}
    return sum(
        id_ not in held or held[id_][1] < row[1] or (held[id_][1] == row[1] and held[id_] != row)
        for id_, row in said.items()
    )


def _excess(names: Iterable[object]) -> int:
    return sum(count - 1 for count in Counter(names).values())

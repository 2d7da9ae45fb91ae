"""The matcher against a brute-force one, and imports of files with anything in them."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.hotlist.files.importer import ImportReport, import_csv
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.skips import Skip, add_skip
from alpr.hotlist.rules.policy import DEFAULT_POLICY
from alpr.types import ALPHABET, CameraPlace, Candidate, PlateText
from tests.conftest import START

GLYPHS = ["0OQD", "1IL", "2Z", "4A", "5S", "6G", "8B"]
ALIKE = {char: glyph for glyph in GLYPHS for char in glyph}
# A few plates in many spellings: drawn freely, hardly any read would meet an entry, and the test would show nothing.
BASES = ["0X", "8X1", "QX1B", "X8B0I", "0X1XB", "X8XX1X", "0OX18BX", "XB0I8QXX"]
DIRECTIONS = ["approaching", "receding", "left", "right"]
HOURS = [None, None, -3, -1, 0, 1, 3]


class Wanted(NamedTuple):
    plate: str
    priority: int
    region: str
    valid_from_h: int | None
    valid_to_h: int | None
    hours: tuple[int, int] | None = None
    """Hours of the day, UTC; the second may be of the next day."""
    square: int | None = None
    """The degree of longitude that it counts in."""
    directions: tuple[str, ...] = ()
    is_skipped: bool = False


class Seen(NamedTuple):
    plate: PlateText
    hour: int
    """After START, which is noon."""
    square: int | None
    direction: str | None


def a_spelling(rng: random.Random) -> str:
    """A plate in which some characters may be look-alikes, and one may be anything."""
    chars = list(rng.choice(BASES))
    for place in rng.sample(range(len(chars)), rng.randint(0, 2)):
        chars[place] = rng.choice(ALIKE.get(chars[place], "X"))
    if rng.random() < 0.1:
        chars[rng.randrange(len(chars))] = rng.choice("0X5")
    return "".join(chars)


def an_entry(rng: random.Random) -> Wanted:
    start, end = rng.choice(HOURS), rng.choice(HOURS)
    if start is not None and end is not None and start >= end:
        end = None
    return Wanted(
        a_spelling(rng),
        rng.randint(1, 5),
        rng.choice(["", "", "DE", "US", "US-NY"]),
        *(start, end),
        rng.choice([None, None, (0, 24), (12, 13), (10, 15), (22, 14), (13, 12)]),
        rng.choice([None, None, None, 0, 1]),
        rng.choice([(), (), ("left",), ("approaching", "right")]),
        rng.random() < 0.1,
    )


def some_entries(rng: random.Random) -> list[Wanted]:
    drawn = {(entry.plate, entry.region): entry for entry in (an_entry(rng) for _ in range(40))}
    return list(drawn.values())


def a_seen(rng: random.Random) -> Seen:
    text = a_spelling(rng)
    # Mostly sure of what is read, the rest on a few characters: of the look-alikes some are probable enough.
    rows = 0.3 * np.random.default_rng(rng.randrange(2**32)).dirichlet(np.full(36, 0.05), len(text)).astype(
        np.float32
    )
    rows[:, [ALPHABET.index(char) for char in "0OQ1I8B"]] += 0.03
    rows[np.arange(len(text)), [ALPHABET.index(char) for char in text]] += 0.4
    region = rng.choice([None, "DE", "US", "US-NY", "US-NJ"])
    plate = PlateText(text, rows, 0.5, (Candidate(text, 0.5),), region, rng.choice([0.5, 0.95]))
    return Seen(plate, rng.choice([0, 0, 0, 1, 12]), rng.choice([None, 0, 1]), rng.choice([None, *DIRECTIONS]))


def excludes(read: PlateText, region: str) -> bool:
    if not read.region or not region or read.region_confidence < 0.9 or read.region == region:
        return False
    return read.region[:2] != region[:2] or "US" not in (read.region, region)


def counts(entry: Wanted, seen: Seen) -> bool:
    """Return True if the conditions hold, as far as they can be checked."""
    of_day = (12 + seen.hour) % 24
    if entry.hours is not None:
        start, end = entry.hours
        if not (start <= of_day < end if start < end else of_day >= start or of_day < end):
            return False
    if entry.square is not None and seen.square is not None and entry.square != seen.square:
        return False
    if entry.directions and seen.direction is not None and seen.direction not in entry.directions:
        return False
    is_early = entry.valid_from_h is not None and seen.hour < entry.valid_from_h
    is_late = entry.valid_to_h is not None and seen.hour >= entry.valid_to_h
    return not (is_early or is_late or entry.is_skipped)


def unchecked(entry: Wanted, seen: Seen) -> tuple[str, ...]:
    place = ("position",) if entry.square is not None and seen.square is None else ()
    return place + (("direction",) if entry.directions and seen.direction is None else ())


def brute_force(seen: Seen, entries: list[Wanted]) -> list[tuple[Wanted, str, tuple[int, ...], float]]:
    """The rules of docs/hotlists.md under the default policy, entry by entry, in the plainest words."""
    found = []
    read = seen.plate
    for entry in entries:
        if len(entry.plate) != len(read.text) or not counts(entry, seen):
            continue
        pairs = list(zip(read.text, entry.plate, strict=True))
        if any(a != b and not any(a in glyph and b in glyph for glyph in GLYPHS) for a, b in pairs):
            continue
        positions = tuple(i for i, (a, b) in enumerate(pairs) if a != b)
        if len(positions) > (0 if len(read.text) < 5 else 1 if len(read.text) < 7 else 2):
            continue
        is_elsewhere = excludes(read, entry.region)
        if is_elsewhere and (positions or len(read.text) < 5):
            continue
        columns = [ALPHABET.index(char) for char in entry.plate]
        probability = float(np.prod(read.char_probabilities[range(len(columns)), columns].astype(float)))
        kind = "other-region" if is_elsewhere else "look-alike" if positions else "exact"
        if kind == "exact" or probability >= DEFAULT_POLICY.min_probability:
            found.append((entry, kind, positions, probability))
    order = ("exact", "look-alike", "other-region")
    return sorted(found, key=lambda f: (f[0].priority, order.index(f[1]), -f[3], f[0].plate))


def at_hour(hour: int | None) -> str:
    return "" if hour is None else (START + timedelta(hours=hour)).isoformat()


def imported(folder: str, entries: list[Wanted]) -> Path:
    source, database = Path(folder, "list.csv"), Path(folder, "hotlist.sqlite")
    source.write_text(as_csv(entries), newline="")
    assert import_csv(database, source, "list", START).added == len(entries)
    for plate in {entry.plate for entry in entries if entry.is_skipped}:
        add_skip(database, Skip("list", plate, True, "x", "x", START, START + timedelta(days=9)))
    return database


def as_csv(entries: list[Wanted]) -> str:
    content = io.StringIO()
    writer = csv.writer(content)
    conditions = ("schedule", "areas", "directions")
    writer.writerow(["plate", "reason", "priority", "region", "valid_from", "valid_to", *conditions])
    for entry in entries:
        times = at_hour(entry.valid_from_h), at_hour(entry.valid_to_h)
        hours = "" if entry.hours is None else "{:02}:00-{:02}:00 UTC".format(*entry.hours)
        west = entry.square
        area = "" if west is None else f"POLYGON(({west} 50, {west + 1} 50, {west + 1} 51, {west} 51))"
        row = [entry.plate, "x", entry.priority, entry.region, *times, hours, area, ";".join(entry.directions)]
        writer.writerow(row)
    return content.getvalue()


kinds_met: Counter[str] = Counter()


def test_matcher_agrees_with_brute_force() -> None:
    kinds_met.clear()
    agrees_with_brute_force()
    least = {"exact": 30, "look-alike": 30, "other-region": 10, "position": 10, "direction": 10}
    assert all(kinds_met[kind] >= count for kind, count in least.items()), kinds_met


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def agrees_with_brute_force(seed: int) -> None:
    rng = random.Random(seed)
    entries = some_entries(rng)
    skipped = {entry.plate for entry in entries if entry.is_skipped}
    entries = [entry._replace(is_skipped=entry.plate in skipped) for entry in entries]  # a skip is the plate's
    with tempfile.TemporaryDirectory() as folder, HotlistIndex.open(imported(folder, entries)) as index:
        for seen in (a_seen(rng) for _ in range(40)):
            expected = brute_force(seen, entries)
            at = START + timedelta(hours=seen.hour)
            place = None if seen.square is None else CameraPlace(50.5, seen.square + 0.5)
            matches = index.match(seen.plate, at, place=place, direction=seen.direction)
            found = [
                (m.entry.plate, m.entry.region or "", m.kind, m.differing_positions, m.unchecked) for m in matches
            ]
            assert sorted(found) == sorted(
                (e.plate, e.region, kind, places, unchecked(e, seen)) for e, kind, places, _ in expected
            )
            assert [(m.entry.priority, m.kind) for m in matches] == [(e.priority, kind) for e, kind, _, _ in expected]
            assert [m.probability for m in matches] == pytest.approx([p for *_, p in expected], rel=1e-5, abs=1e-30)
            kinds_met.update(match.kind.value for match in matches)
            kinds_met.update(condition for match in matches for condition in match.unchecked)


good_plates = st.lists(st.text("ABCXYZ0123456789", min_size=2, max_size=8), min_size=1, max_size=8, unique=True)
junk = st.one_of(
    st.text(',;"AB1\x00\té* ', max_size=20).map(str.encode),
    st.binary(max_size=20).filter(lambda line: b"\n" not in line),
    st.sampled_from([b'AB12,"x', b'x"', b'"', b'AB,"', b'",x', b'"a"b,c', b"\xff,\xfe", b"AB12"]),
)


@settings(max_examples=150, deadline=None)
@given(good_plates, st.lists(st.tuples(st.integers(0, 8), junk), max_size=8), st.booleans())
def test_no_junk_costs_a_good_row(plates: list[str], faults: list[tuple[int, bytes]], quoted: bool) -> None:
    lines = [f'"{plate}","a, b"'.encode() if quoted else f"{plate},x".encode() for plate in plates]
    for position, fault in faults:
        lines.insert(position, fault)
    with tempfile.TemporaryDirectory() as folder:
        source, database = Path(folder, "list.csv"), Path(folder, "hotlist.sqlite")
        source.write_bytes(b"\n".join([b"plate,reason", *lines, b""]))
        report: ImportReport = import_csv(database, source, "list", START)
        with HotlistIndex.open(database) as index:
            for plate in plates:
                sure = np.eye(36, dtype=np.float32)[[ALPHABET.index(char) for char in plate]]
                texts_met = [m.entry.plate for m in index.match(PlateText(plate, sure, 1.0), START)]
                assert plate in texts_met
    assert report.entries + report.rejected_rows <= len(lines)
    assert all(2 <= error.line <= len(lines) + 1 for error in report.rejected)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_counts_of_an_import_are_the_difference_of_the_lists(seed: int) -> None:
    rng = random.Random(seed)
    before: dict[tuple[str, str], Wanted] = {}
    revision = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(4):
            kept_as_is = [entry for entry in before.values() if rng.random() < 0.5]
            drawn = {(entry.plate, entry.region): entry for entry in (*some_entries(rng), *kept_as_is)}
            now = (
                {key: entry._replace(is_skipped=False) for key, entry in drawn.items()}
                if rng.random() < 0.8
                else before
            )
            if not now:
                continue
            source = Path(folder, "list.csv")
            source.write_text(as_csv(list(now.values())), newline="")
            report = import_csv(Path(folder, "hotlist.sqlite"), source, "list", START)
            kept = before.keys() & now.keys()
            changed = sum(before[key] != now[key] for key in kept)
            assert (report.added, report.removed) == (len(now) - len(kept), len(before) - len(kept))
            assert (report.changed, report.unchanged) == (changed, len(kept) - changed)
            revision += before != now
            assert report.revision == revision
            before = now


def test_start_is_the_hour_that_the_rules_above_count_from() -> None:
    assert at_hour(0) == "2026-01-01T12:00:00+00:00"
    assert datetime.fromisoformat(at_hour(1)) - START == timedelta(hours=1)

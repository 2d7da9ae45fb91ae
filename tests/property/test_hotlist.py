"""The matcher against a brute-force one, and imports of files with anything in them."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.hotlist import HotlistIndex, ImportReport, import_csv
from alpr.types import ALPHABET, Candidate, PlateText
from tests.conftest import START

GLYPHS = ["0OQD", "1IL", "2Z", "4A", "5S", "6G", "8B"]
# Few characters, most of them with look-alikes, so that near misses and near hits are common.
texts = st.text("0OQ1I8BX", min_size=2, max_size=8)
HOURS = st.none() | st.integers(-3, 3)


class Wanted(NamedTuple):
    plate: str
    priority: int
    region: str
    valid_from_h: int | None
    valid_to_h: int | None


wanted = st.builds(Wanted, texts, st.integers(1, 5), st.sampled_from(["", "DE", "US", "US-NY"]), HOURS, HOURS).filter(
    lambda w: w.valid_from_h is None or w.valid_to_h is None or w.valid_from_h < w.valid_to_h
)
lists = st.lists(wanted, min_size=1, max_size=30, unique_by=lambda w: (w.plate, w.region))


@st.composite
def plate_texts(draw: st.DrawFn) -> PlateText:
    text = draw(texts)
    seed = draw(st.integers(0, 2**32 - 1))
    rows = np.random.default_rng(seed).dirichlet(np.ones(36), len(text)).astype(np.float32)
    region = draw(st.sampled_from([None, "DE", "US", "US-NY", "US-NJ"]))
    return PlateText(text, rows, 0.5, (Candidate(text, 0.5),), region, draw(st.sampled_from([0.5, 0.95])))


def brute_force(read: PlateText, entries: list[Wanted]) -> list[tuple[Wanted, str, tuple[int, ...], float]]:
    """The rules of docs/hotlists.md under the default policy, entry by entry, in the plainest words."""
    found = []
    for entry in entries:
        if entry.valid_from_h is not None and entry.valid_from_h > 0:
            continue
        if entry.valid_to_h is not None and entry.valid_to_h <= 0:
            continue
        if len(entry.plate) != len(read.text):
            continue
        pairs = list(zip(read.text, entry.plate, strict=True))
        if any(a != b and not any(a in glyph and b in glyph for glyph in GLYPHS) for a, b in pairs):
            continue
        positions = tuple(i for i, (a, b) in enumerate(pairs) if a != b)
        if len(positions) > (0 if len(read.text) < 5 else 1 if len(read.text) < 7 else 2):
            continue
        is_elsewhere = False
        if read.region and entry.region and read.region_confidence >= 0.9:
            same = read.region == entry.region or "US" in (read.region, entry.region)
            if not same or read.region[:2] != entry.region[:2]:
                if positions or len(read.text) < 5:
                    continue
                is_elsewhere = True
        columns = [ALPHABET.index(char) for char in entry.plate]
        probability = float(np.prod(read.char_probabilities[range(len(columns)), columns].astype(float)))
        kind = "other-region" if is_elsewhere else "look-alike" if positions else "exact"
        found.append((entry, kind, positions, probability))
    order = ("exact", "look-alike", "other-region")
    return sorted(found, key=lambda f: (f[0].priority, order.index(f[1]), -f[3], f[0].plate))


def at_hour(hour: int | None) -> str:
    return "" if hour is None else (START + timedelta(hours=hour)).isoformat()


def imported(folder: str, entries: list[Wanted]) -> Path:
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow(["plate", "reason", "priority", "region", "valid_from", "valid_to"])
    for entry in entries:
        times = at_hour(entry.valid_from_h), at_hour(entry.valid_to_h)
        writer.writerow([entry.plate, "x", entry.priority, entry.region, *times])
    source, database = Path(folder, "list.csv"), Path(folder, "hotlist.sqlite")
    source.write_text(content.getvalue(), newline="")
    assert import_csv(database, source, "list", START).added == len(entries)
    return database


@settings(max_examples=60, deadline=None)
@given(lists, st.lists(plate_texts(), min_size=1, max_size=30))
def test_matcher_agrees_with_brute_force(entries: list[Wanted], reads: list[PlateText]) -> None:
    with tempfile.TemporaryDirectory() as folder, HotlistIndex.open(imported(folder, entries)) as index:
        for read in reads:
            expected = brute_force(read, entries)
            matches = index.match(read, START)
            found = [(m.entry.plate, m.entry.region or "", m.kind, m.differing_positions) for m in matches]
            assert sorted(found) == sorted((e.plate, e.region, kind, at) for e, kind, at, _ in expected)
            assert [(m.entry.priority, m.kind) for m in matches] == [(e.priority, kind) for e, kind, _, _ in expected]
            assert [m.probability for m in matches] == pytest.approx([p for *_, p in expected], rel=1e-5, abs=1e-30)


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


@settings(max_examples=40, deadline=None)
@given(st.lists(lists, min_size=2, max_size=4))
def test_counts_of_an_import_are_the_difference_of_the_lists(versions: list[list[Wanted]]) -> None:
    before: dict[tuple[str, str], Wanted] = {}
    revision = 0
    with tempfile.TemporaryDirectory() as folder:
        for entries in versions:
            report = imported_as_report(folder, entries)
            now = {(entry.plate, entry.region): entry for entry in entries}
            kept = before.keys() & now.keys()
            changed = sum(before[key] != now[key] for key in kept)
            assert (report.added, report.removed) == (len(now) - len(kept), len(before) - len(kept))
            assert (report.changed, report.unchanged) == (changed, len(kept) - changed)
            revision += before != now
            assert report.revision == revision
            before = now


def imported_as_report(folder: str, entries: list[Wanted]) -> ImportReport:
    source = Path(folder, "list.csv")
    rows = [f"{e.plate},x,{e.priority},{e.region},{at_hour(e.valid_from_h)},{at_hour(e.valid_to_h)}" for e in entries]
    source.write_text("\n".join(["plate,reason,priority,region,valid_from,valid_to", *rows]))
    return import_csv(Path(folder, "hotlist.sqlite"), source, "list", START)


def test_start_is_the_hour_that_the_rules_above_count_from() -> None:
    assert at_hour(0) == "2026-01-01T12:00:00+00:00"
    assert datetime.fromisoformat(at_hour(1)) - START == timedelta(hours=1)

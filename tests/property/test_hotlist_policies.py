"""The index agrees with a brute-force matcher for every kind of match, under any policies of two lists."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.hotlist import HotlistIndex, set_policy
from alpr.hotlist.policy import SETTINGS
from alpr.hotlist.wildcards import normalise_pattern
from alpr.plates import levenshtein
from alpr.types import ALPHABET, Candidate, PlateText
from tests.conftest import START
from tests.hotlists import imported

GLYPHS = ["0OQD", "1IL", "2Z", "4A", "5S", "6G", "8B"]
ORDER = ["exact", "look-alike", "candidate", "distance", "wildcard", "other-region"]
# Few characters, half of them look-alikes, so that near misses and near hits are common.
texts = st.text("0OB8X", min_size=2, max_size=8)
patterns = st.text("0OB8X?*", min_size=2, max_size=8).filter(lambda plate: len(re.sub("[*?]", "", plate)) >= 2)
REGIONS = ["", "DE", "US-NY"]


class Wanted(NamedTuple):
    list_name: str
    plate: str
    region: str


class Rules(NamedTuple):
    """From which length on each is allowed, and how much of it."""

    look_alikes: tuple[int, int]
    edits: tuple[int, int]
    candidates: tuple[int, int]
    wildcards: tuple[int, int]
    other_region: tuple[int, int]
    min_probability: float


def step(numbers: list[int], starts: list[int]) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.sampled_from(starts), st.sampled_from(numbers))


switch = step([0, 1], [1, 4])
rules = st.builds(
    Rules,
    step([0, 1, 3], [1, 5]),
    step([0, 1, 2], [6, 7]) | step([1], [4]),
    switch,
    switch,
    switch,
    st.sampled_from([0.0, 1e-9, 1e-4]),
)
wanted = st.builds(
    Wanted, st.sampled_from(["a", "b"]), texts | patterns.map(normalise_pattern), st.sampled_from(REGIONS)
)
lists = st.lists(wanted, min_size=1, max_size=25, unique=True)


@st.composite
def plate_texts(draw: st.DrawFn) -> PlateText:
    text = draw(texts)
    seed = draw(st.integers(0, 2**32 - 1))
    rows = np.random.default_rng(seed).dirichlet(np.ones(36) * 0.3, len(text)).astype(np.float32)
    others = draw(st.lists(texts, max_size=3, unique=True))
    candidates = [Candidate(other, 0.2 / rank) for rank, other in enumerate(others, 1) if other != text]
    return PlateText(text, rows, 0.5, (Candidate(text, 0.5), *candidates))


def allowed(step: tuple[int, int], length: int) -> int:
    return step[1] if length >= step[0] else 0


def distance_probability(read: PlateText, wanted: str) -> float:
    """Of the best of all ways with the fewest edits, tried one by one."""

    def ways(i: int, j: int) -> list[tuple[int, float]]:
        if i == len(read.text) and j == len(wanted):
            return [(0, 1.0)]
        found = []
        if i < len(read.text) and j < len(wanted):
            p = float(read.char_probabilities[i, ALPHABET.index(wanted[j])])
            found += [(edits + (read.text[i] != wanted[j]), p * q) for edits, q in ways(i + 1, j + 1)]
        if i < len(read.text):
            p = 1 - float(read.char_probabilities[i, ALPHABET.index(read.text[i])])
            found += [(edits + 1, p * q) for edits, q in ways(i + 1, j)]
        if j < len(wanted):
            found += [(edits + 1, 0.01 * q) for edits, q in ways(i, j + 1)]
        return [min(found, key=lambda way: (way[0], -way[1]))]

    return ways(0, 0)[0][1]


def kinds(read: PlateText, entry: Wanted, rule: Rules) -> list[tuple[str, float]]:
    """The rules of docs/hotlists.md in the plainest words."""
    length, found = len(read.text), []
    same_length = length == len(entry.plate)
    if re.search("[*?]", entry.plate):
        return pattern_kinds(read, entry, rule)
    columns = [ALPHABET.index(char) for char in entry.plate]
    whole = float(np.prod(read.char_probabilities[range(length), columns].astype(float))) if same_length else 0.0
    if read.region and entry.region and read.region != entry.region:
        is_allowed = read.text == entry.plate and allowed(rule.other_region, length)
        return [("other-region", whole)] if is_allowed else []
    if read.text == entry.plate:
        return [("exact", whole)]
    if same_length:
        pairs = [(a, b) for a, b in zip(read.text, entry.plate, strict=True) if a != b]
        alike = all(any(a in glyph and b in glyph for glyph in GLYPHS) for a, b in pairs)
        if alike and len(pairs) <= allowed(rule.look_alikes, length):
            found.append(("look-alike", whole))
    if allowed(rule.candidates, length):
        found += [("candidate", other.confidence) for other in read.candidates[1:] if other.text == entry.plate]
    if levenshtein(read.text, entry.plate, 3) <= allowed(rule.edits, min(length, len(entry.plate))):
        found.append(("distance", distance_probability(read, entry.plate)))
    return found


def pattern_kinds(read: PlateText, entry: Wanted, rule: Rules) -> list[tuple[str, float]]:
    if read.region and entry.region and read.region != entry.region:
        return []
    stars = entry.plate.count("*")
    found = []
    for widths in product(range(len(read.text) + 1), repeat=stars):
        filled, left = "", list(widths)
        for char in entry.plate:
            filled += "?" * left.pop(0) if char == "*" else char
        if len(filled) == len(read.text) and all(a in (b, "?") for a, b in zip(filled, read.text, strict=True)):
            sure = [float(p) for p in read.char_confidences]
            found.append(float(np.prod([p for p, char in zip(sure, filled, strict=True) if char != "?"])))
    return [("wildcard", max(found))] if found and allowed(rule.wildcards, len(read.text)) else []


def brute_force(read: PlateText, entries: list[Wanted], by_list: dict[str, Rules]) -> dict[Wanted, tuple[str, float]]:
    met = {}
    for entry in entries:
        rule = by_list[entry.list_name]
        ways = [way for way in kinds(read, entry, rule) if way[0] == "exact" or way[1] >= rule.min_probability]
        if ways:
            met[entry] = ways[0]
    return met


def database_of(folder: str, entries: list[Wanted], by_list: dict[str, Rules]) -> Path:
    database = Path(folder, "hotlist.sqlite")
    for name, rule in by_list.items():
        rows = [f"{entry.plate},x,{entry.region}" for entry in entries if entry.list_name == name]
        if rows:
            imported(database, rows, "plate,reason,region", name)
            chosen = rule._asdict().items()
            written = {key: f"{v[0]}:{v[1]}" if isinstance(v, tuple) else str(v) for key, v in chosen}
            set_policy(database, name, written)
    return database


@settings(max_examples=80, deadline=None)
@given(lists, rules, rules, st.lists(plate_texts(), min_size=1, max_size=20), st.sampled_from(["DE", "US-NY", None]))
def test_every_kind_agrees_with_brute_force(
    entries: list[Wanted], rule_a: Rules, rule_b: Rules, reads: list[PlateText], region: str | None
) -> None:
    by_list = {"a": rule_a, "b": rule_b}
    with (
        tempfile.TemporaryDirectory() as folder,
        HotlistIndex.open(database_of(folder, entries, by_list)) as index,
    ):
        for plain in reads:
            read = replace(plain, region=region, region_confidence=0.95)
            expected = brute_force(read, entries, by_list)
            matches = index.match(read, START)
            found = {Wanted(m.entry.list_name, m.entry.plate, m.entry.region or ""): m for m in matches}
            assert len(found) == len(matches)
            assert {entry: m.kind.value for entry, m in found.items()} == {
                e: kind for e, (kind, _) in expected.items()
            }
            for entry, match in found.items():
                assert match.probability == pytest.approx(expected[entry][1], rel=1e-4, abs=1e-30)
            ranks = [ORDER.index(match.kind.value) for match in matches]
            assert ranks == sorted(ranks)


def test_the_settings_are_those_of_the_rules_above() -> None:
    assert Rules._fields == SETTINGS

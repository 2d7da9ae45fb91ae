"""The index agrees with a brute-force matcher for every kind of match, under any policies of two lists."""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.policy import SETTINGS
from alpr.hotlist.rules.wildcards import normalise_pattern
from alpr.hotlist.store.policies import set_policy
from alpr.plates import levenshtein
from alpr.types import ALPHABET, Candidate, PlateText
from tests.conftest import START
from tests.hotlists import imported

GLYPHS = ["0OQD", "1IL", "2Z", "4A", "5S", "6G", "8B"]
ORDER = ["exact", "look-alike", "candidate", "distance", "wildcard", "other-region"]
# A few plates with a character or two changed: drawn freely, hardly any read would meet an entry.
BASES = ["0X", "B8X", "0XB8", "X08BX", "0B8XX8", "X0OB8XB", "8X0B8XX0"]
REGIONS = ["", "DE", "US-NY"]


class Wanted(NamedTuple):
    list_name: str
    plate: str
    region: str


class Rules(NamedTuple):
    """Least length from which each setting is allowed, and its number."""

    look_alikes: tuple[int, int]
    edits: tuple[int, int]
    candidates: tuple[int, int]
    wildcards: tuple[int, int]
    other_region: tuple[int, int]
    min_probability: float


def some_rules(rng: random.Random) -> Rules:
    def switch() -> tuple[int, int]:
        return rng.choice([1, 4]), rng.choice([0, 1, 1])

    edits = rng.choice([(6, 0), (6, 1), (6, 2), (7, 2), (4, 1)])
    look_alikes = rng.choice([1, 5]), rng.choice([0, 1, 3])
    return Rules(look_alikes, edits, switch(), switch(), switch(), rng.choice([0.0, 1e-9, 1e-4]))


def a_text(rng: random.Random) -> str:
    text = rng.choice(BASES)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        at, new = rng.randrange(len(text)), "".join(rng.choices("0OB8X", k=rng.choice([0, 1, 1, 2])))
        text = text[:at] + new + text[at + 1 :] if len(text) + len(new) > 2 else text
    return text


def a_pattern(rng: random.Random) -> str:
    text = list(rng.choice(BASES[2:]))
    for at in rng.sample(range(len(text)), rng.randint(1, 2)):
        text[at] = rng.choice("?*")
    return normalise_pattern("".join(text))


def some_entries(rng: random.Random) -> list[Wanted]:
    def one() -> Wanted:
        plate = a_pattern(rng) if rng.random() < 0.25 else a_text(rng)
        return Wanted(rng.choice("ab"), plate, rng.choice(REGIONS))

    return list(dict.fromkeys(one() for _ in range(30)))


def a_plate(rng: random.Random, region: str | None) -> PlateText:
    text = a_text(rng)
    rows = np.random.default_rng(rng.randrange(2**32)).dirichlet(np.ones(36) * 0.3, len(text)).astype(np.float32)
    others = {a_text(rng) for _ in range(rng.randint(0, 3))} - {text}
    candidates = [Candidate(other, 0.2 / rank) for rank, other in enumerate(sorted(others), 1)]
    return PlateText(text, rows, 0.5, (Candidate(text, 0.5), *candidates), region, 0.95)


def allowed(step: tuple[int, int], length: int) -> int:
    return step[1] if length >= step[0] else 0


def distance_probability(read: PlateText, wanted: str) -> float:
    """Return the probability of the best of all ways with the fewest edits, tried one by one."""

    @cache
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


kinds_met: Counter[str] = Counter()


def test_every_kind_agrees_with_brute_force() -> None:
    kinds_met.clear()
    every_kind_agrees()
    assert all(kinds_met[kind] >= 5 for kind in ORDER), kinds_met


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def every_kind_agrees(seed: int) -> None:
    rng = random.Random(seed)
    entries, by_list = some_entries(rng), {"a": some_rules(rng), "b": some_rules(rng)}
    with (
        tempfile.TemporaryDirectory() as folder,
        HotlistIndex.open(database_of(folder, entries, by_list)) as index,
    ):
        for read in (a_plate(rng, rng.choice(["DE", "US-NY", None])) for _ in range(20)):
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
            kinds_met.update(match.kind.value for match in matches)


def test_the_settings_are_those_of_the_rules_above() -> None:
    assert Rules._fields == SETTINGS

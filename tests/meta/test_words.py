"""The words that docs/glossary.md has retired are found in no name of the code and in no heading of a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.meta.test_layers import PACKAGE, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHER_TREES = ("examples", "tests", "tools")  # of these the names of modules
KINDS = {"modules": "module", "classes": "class"}
OF_THE_WIRE = {"Vitals", "vitals"}  # a heartbeat's field and its type


@dataclass(frozen=True)
class Retired:
    """A word that is not used any more, or several in a row.

    Args:
        kinds: of names that it may not be; empty where it may be no part of any name.
        room: the package that this is said of; "" for all.
    """

    words: tuple[str, ...]
    kinds: frozenset[str]
    room: str

    def is_in(self, kind: str, name: str, path: Path) -> bool:
        if name in OF_THE_WIRE or not path.is_relative_to(PACKAGE / self.room):
            return False
        if self.kinds:
            return kind in self.kinds and words_of(name) == self.words
        return has_phrase(words_of(name), self.words)


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `_HTTPServer` is ("http", "server")."""
    return tuple(word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name))


def has_phrase(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """True where the phrase, or its plural, is among the words."""
    plural = (*phrase[:-1], phrase[-1] + "s")
    runs = [words[start : start + len(phrase)] for start in range(len(words) - len(phrase) + 1)]
    return phrase in runs or plural in runs


@cache
def retired() -> tuple[Retired, ...]:
    """All that the first table under "Retired words" says."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").split("## Retired words", 1)[1]
    found = []
    for cells in re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE):
        phrases, scope = cells
        if phrases == "not any more":
            continue
        kinds, _, room = scope.partition(" in ")
        named = frozenset() if kinds == "any name" else frozenset(KINDS[kind] for kind in kinds.split(", "))
        plain = re.sub(r" \([^)]*\)", "", phrases)
        found += [Retired(tuple(phrase.lower().split()), named, room) for phrase in plain.split(", ")]
    return tuple(found)


def names_in(path: Path) -> Iterator[tuple[str, str]]:
    """(kind, name) of a module, its classes, functions and attributes."""
    yield "module", path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield "class", node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield "function", node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield "attribute", node.attr
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield "attribute", node.target.id


def test_the_table_is_read() -> None:
    words = {" ".join(each.words) for each in retired()}
    assert {"doorbell", "porter", "courier", "wire schemas", "second look", "memory", "receipt"} <= words
    assert len(words) > 60


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_a_retired_word(path: Path) -> None:
    for kind, name in names_in(path):
        old = next((each for each in retired() if each.is_in(kind, name, path)), None)
        assert old is None, f"{kind} {name}: {' '.join(old.words)!r} is retired; see docs/glossary.md"


def test_no_module_beside_the_package_has_a_retired_name() -> None:
    anywhere = [each.words for each in retired() if not each.kinds]
    for tree in OTHER_TREES:
        for path in (ROOT / tree).rglob("*.py"):
            assert not any(has_phrase(words_of(path.stem), words) for words in anywhere), path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_heading_has_a_retired_word(page: Path) -> None:
    anywhere = [each.words for each in retired() if not each.kinds]
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert not any(has_phrase(words_of(heading), words) for words in anywhere), f"{page}: {heading}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class _DoorBell: ...", "bell"),
        ("def ring_doorbells(): ...", "doorbell"),
        ("class A:\n    def __init__(self):\n        self._ledger = 1", "ledger"),
        ("class Told: ...", "told"),
        ("def told(): ...", ""),
        ("class SendWindow: ...", ""),
        ("from x import Porter", ""),
    ],
)
def test_the_check_sees_what_it_should(tmp_path: Path, source: str, found: str) -> None:
    path = tmp_path / "some.py"
    path.write_text(source, "utf-8")
    where = PACKAGE / "some.py"
    seen = {" ".join(old.words) for kind, name in names_in(path) for old in retired() if old.is_in(kind, name, where)}
    assert (found in seen) if found else not seen

"""`docs/threat-model.md` names a test for each thing that it says is stopped, and each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text())))


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_a_test_that_is_named_as_proof_is_there(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_nothing_is_said_to_be_stopped_without_a_proof() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "proven by" not in line]
    assert len(rows) > 50
    assert [row for row in rows if not re.search(r"`tests/[\w/]+\.py::\w+`", row.rpartition(" | ")[2])] == []


def test_every_part_says_what_remains() -> None:
    parts = PAGE.read_text().split("\n## ")[1:]
    assert len(parts) >= 11
    assert [part.splitlines()[0] for part in parts if "**What remains.**" not in part] == []

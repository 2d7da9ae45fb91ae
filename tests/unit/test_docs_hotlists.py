"""docs/hotlists.md says what the code does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from alpr.hotlist import HotlistIndex, MatchPolicy, import_csv
from alpr.hotlist.alignment import MISSED_CHARACTER
from alpr.hotlist.csv_rows import _LINES_PER_ROW
from alpr.hotlist.entry_rows import _LENGTHS, COLUMNS, PLATE_LENGTHS
from alpr.hotlist.matching import REGION_CONFIDENCE
from alpr.hotlist.policy import EDITS_FROM_LENGTH
from alpr.plates import GLYPH_CLASSES
from alpr.types import MatchKind
from tests.conftest import a_plate_text

DOCS = (Path(__file__).parents[2] / "docs" / "hotlists.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading."""
    _, _, after = DOCS.partition(f"\n| {heading} |")
    lines = after.split("\n\n")[0].splitlines()[2:]
    assert lines, f"no table {heading}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_example_is_a_good_file(tmp_path: Path) -> None:
    found = re.search(r"```csv\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    source = tmp_path / "example.csv"
    source.write_text(found[1], encoding="utf-8")
    report = import_csv(tmp_path / "hotlist.sqlite", source, "stolen", datetime(2026, 1, 15, tzinfo=UTC))
    assert (report.added, report.rejected, report.notes) == (3, (), ())
    with HotlistIndex.open(tmp_path / "hotlist.sqlite") as index:
        at = datetime(2026, 1, 20, tzinfo=UTC)
        found_plates = [index.match(a_plate_text(text), at)[0].entry for text in ("AB12CDE", "MAB1234", "1ABC234")]
    assert [entry.priority for entry in found_plates] == [2, 1, 5]
    assert found_plates[0].valid_to == datetime(2026, 2, 11, tzinfo=UTC)
    assert found_plates[1].valid_from == datetime(2026, 1, 10, 17, tzinfo=UTC)


def test_columns() -> None:
    described = {row[0].strip("`"): row[1] for row in table("column")}
    assert tuple(described) == COLUMNS
    assert f"{PLATE_LENGTHS[0]} to {PLATE_LENGTHS[-1]}" in described["plate"]
    for column in ("reason", "case_reference", "instructions"):
        assert f"at most {_LENGTHS[column]} characters" in described[column]


def test_classes() -> None:
    described = {char: row[0].split()[0] for row in table("class") for char in row[0].split()}
    assert described == GLYPH_CLASSES


def test_settings_and_their_defaults() -> None:
    assert {row[0].strip("`"): row[1].strip("`") for row in table("setting")} == MatchPolicy().settings()


def test_kinds() -> None:
    assert [row[0].strip("`") for row in table("kind")] == [kind.value for kind in MatchKind]


def test_figures_in_the_text() -> None:
    text = " ".join(DOCS.split())
    assert f"sure of its own ({REGION_CONFIDENCE} or more)" in text
    assert f"one that is missing counts {MISSED_CHARACTER} (" in text
    assert EDITS_FROM_LENGTH == {1: 4, 2: 6}
    assert "at most 1 from four characters on, 2 from six on" in text
    assert f"over up to {_LINES_PER_ROW} lines" in text

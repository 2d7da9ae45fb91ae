"""docs/hotlists.md says what the code does."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from alpr.hotlist.entries.entry_rows import _LENGTHS, COLUMNS, PLATE_LENGTHS
from alpr.hotlist.entries.issue_codes import IssueCode
from alpr.hotlist.entries.ncic_codes import NCIC_CODES, NcicCode
from alpr.hotlist.files.csv_rows import _LINES_PER_ROW
from alpr.hotlist.files.formats import Format
from alpr.hotlist.files.importer import import_csv, import_list
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.alignment import MISSED_CHARACTER_PROBABILITY
from alpr.hotlist.rules.matching import REGION_CONFIDENCE
from alpr.hotlist.rules.policy import EDITS_FROM_LENGTH, MatchPolicy
from alpr.hotlist.store.shrinking import MAX_SHRINK
from alpr.plates import GLYPH_CLASSES
from alpr.types import HotlistEntry, MatchKind
from tests.conftest import a_plate_text

DOCS = (Path(__file__).parents[3] / "docs" / "hotlists.md").read_text(encoding="utf-8")


JANUARY = datetime(2026, 1, 15, tzinfo=UTC)


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


@pytest.mark.parametrize("written_as", list(Format))
def test_the_example_of_every_format_is_a_good_file_and_is_known_for_what_it_is(
    tmp_path: Path, written_as: Format
) -> None:
    report = import_list(tmp_path / "h.sqlite", an_example(tmp_path, written_as), "list", JANUARY)
    assert (report.format, report.rejected, report.notes) == (written_as, (), ())
    assert report.added == (3 if written_as is Format.CSV else 2)


def an_example(folder: Path, written_as: Format) -> Path:
    if written_as is Format.XLSX:  # which a page cannot show
        book = openpyxl.Workbook()
        for line in (["plate", "reason"], ["AB12 CDE", "stolen vehicle"], ["M-ÄB 1234", "wanted person"]):
            book.active.append(line)
        book.save(folder / "example")
        return folder / "example"
    found = re.search(rf"```{written_as}\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    (folder / "example").write_text(found[1], encoding="utf-8")
    return folder / "example"


def test_what_becomes_of_the_foreign_formats(tmp_path: Path) -> None:
    for written_as in (Format.NCIC, Format.TEXAS, Format.VOI):
        import_list(tmp_path / "h.sqlite", an_example(tmp_path, written_as), written_as.value, JANUARY)
    entries = {}
    with HotlistIndex.open(tmp_path / "h.sqlite") as index:
        for plate in ("AB123456", "ABC1234", "AB12CDE"):
            (match,) = index.match(a_plate_text(plate), datetime(2026, 2, 1, tzinfo=UTC))
            entries[plate] = replace(match.entry, entry_id=0)
    assert entries["AB123456"] == HotlistEntry(
        0, "ncic", "AB123456", "stolen vehicle", 2, "US-CA", "V123456789 LA0570200 2019-05-09",
        category="stolen vehicle", code="V", vehicle="2009 YAMA CYL MC, BLK, plate of 2009",
    )  # fmt: skip
    assert entries["ABC1234"] == HotlistEntry(
        0, "texas", "ABC1234", "stolen vehicle", 2, "US-TX", "V123456789 TX0012345 2026-01-10",
        category="stolen vehicle", code="V", vehicle="2019 FORD F15 PK, WHI, plate of 2026",
    )  # fmt: skip
    told = ["Action: STOP", "Warning: VIOLENT", "Do not pursue alone", "Occupants wanted", "Force: Kent"]
    assert entries["AB12CDE"] == HotlistEntry(
        0, "voi", "AB12CDE", "Stolen in burglary", 3, None, "26/1234X SR-9",
        "\n".join([*told, "CAD: CAD 77", "Marking: OFFICIAL"]),
        valid_to=datetime(2026, 3, 1, tzinfo=UTC), code="E41", vehicle="BLUE FORD FOCUS",
    )  # fmt: skip


def test_formats_and_codes() -> None:
    assert [row[0].strip("`") for row in table("format")] == [written_as.value for written_as in Format]
    described = {row[0].strip("`"): NcicCode(row[1], row[3].strip("`"), int(row[2])) for row in table("code")}
    assert described == NCIC_CODES
    for cause in IssueCode:
        assert f"`{cause}`" in DOCS
    assert f"by more than {MAX_SHRINK:.0%}".replace("%", " %") in DOCS


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
    assert f"one that is missing counts {MISSED_CHARACTER_PROBABILITY} (" in text
    assert EDITS_FROM_LENGTH == {1: 4, 2: 6}
    assert "at most 1 from four characters on, 2 from six on" in text
    assert f"over up to {_LINES_PER_ROW} lines" in text

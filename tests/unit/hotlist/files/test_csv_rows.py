"""CSV files as people's programs write them, and as they break."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.files.csv_rows import CsvRow, read_csv
from alpr.hotlist.files.sources import open_text
from alpr.hotlist.files.table_layout import TableOptions

Parsed = list[tuple[int, list[str]] | tuple[int, str]]


def parsed(path: Path, content: bytes | str) -> Parsed:
    """Rows as (line, values), errors as (line, reason)."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [
        (row.line, row.reason) if isinstance(row, EntryError) else (row.line, list(row.fields.values()))
        for row in rows_of(path)
    ]


def rows_of(path: Path) -> list[CsvRow | EntryError]:
    with open_text(path) as source:
        _, rows = read_csv(source, TableOptions())
        return list(rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def test_rows_by_column_name(path: Path) -> None:
    path.write_text("Reason, PLATE ,Case Reference,valid-from\nstolen,AB12,K1,\n")
    (row,) = rows_of(path)
    assert not isinstance(row, EntryError)
    assert row.fields == {"reason": "stolen", "plate": "AB12", "case_reference": "K1", "valid_from": ""}
    assert row.line == 2


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("plate;reason\nAB12;a, b\n", [(2, ["AB12", "a, b"])]),
        ("plate,reason\r\nAB12,x\r\n", [(2, ["AB12", "x"])]),
        ("plate,reason\nAB12,x", [(2, ["AB12", "x"])]),
        ("\n\nplate,reason\n\n  \nAB12,x\n,\n ; ,\n\n", [(6, ["AB12", "x"])]),
        ('plate,reason\n"AB12","a ""b"", c"\n', [(2, ["AB12", 'a "b", c'])]),
        ('plate,reason\nAB12,5" pipe\n', [(2, ["AB12", '5" pipe'])]),
        ('"plate","reason"\nAB12,x\n', [(2, ["AB12", "x"])]),
        ("plate,reason\n", []),
    ],
)
def test_what_is_well_formed(path: Path, content: str, rows: Parsed) -> None:
    assert parsed(path, content) == rows


def test_text_in_quotes_may_run_over_lines(path: Path) -> None:
    content = 'plate,reason,region\nAB12,"first\nsecond, more\nthird",GB\nCD34,x,\n'
    assert parsed(path, content) == [(2, ["AB12", "first\nsecond, more\nthird", "GB"]), (5, ["CD34", "x", ""])]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfplate,reason\nM\xc3\x9c12,gr\xc3\xbcn\n",
        b"plate,reason\nM\xc3\x9c12,gr\xc3\xbcn\n",
        b"plate,reason\nM\xdc12,gr\xfcn\n",
    ],
    ids=["utf-8 with mark", "utf-8", "cp1252"],
)
def test_encodings(path: Path, content: bytes) -> None:
    assert parsed(path, content) == [(2, ["MÜ12", "grün"])]


def test_one_slip_in_a_utf8_file_costs_its_row_only(path: Path) -> None:
    content = b"plate,reason\nM\xc3\x9c12,x\n\xc3\x96L34,y\nAB12,\xfc\nAB13,z\n"
    assert parsed(path, content) == [
        (2, ["MÜ12", "x"]),
        (3, ["ÖL34", "y"]),
        (4, "has a byte that is not utf-8, at position 6"),
        (5, ["AB13", "z"]),
    ]


def test_a_byte_that_cp1252_has_not_costs_its_row_only(path: Path) -> None:
    assert parsed(path, b"plate,reason\nM\xdc12,\xfc\nAB12,\x81\n") == [
        (2, ["MÜ12", "ü"]),
        (3, "has a byte that is not cp1252, at position 6"),
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("AB12", "has 1 fields where the header names 2"),
        ("AB12,x,y", "has 3 fields where the header names 2"),
        ('AB12,"x', "opens a quote that is never closed"),
        ('"AB12"x,y', 'has a stray quote (write a quote inside a quoted field as "")'),
        ('AB12,"x"y', 'has a stray quote (write a quote inside a quoted field as "")'),
        ("AB12," + "x" * 70_000, "is longer than 65536 bytes"),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_broken_row_costs_itself_only(path: Path, bad: str, reason: str, last: bool) -> None:
    after: Parsed = [] if last else [(4, ["CD34", "z"]), (5, ["EF56", "q"])]
    content = f"plate,reason\nAA11,w\n{bad}" + ("" if last else '\nCD34,z\n"EF56","q"\n')
    assert parsed(path, content) == [(2, ["AA11", "w"]), (3, reason), *after]


def test_a_quote_open_for_too_long_costs_its_row_only(path: Path) -> None:
    rows = [f"XX{n},y" for n in range(100, 300)]
    found = parsed(path, 'plate,reason\nAB12,"x\n' + "\n".join(rows) + '\nZZ99,"z"\n')
    assert found[0][0] == 2 and isinstance(found[0][1], str)
    assert [row[1] for row in found[1:]] == [*(row.split(",") for row in rows), ["ZZ99", "z"]]


def test_two_slips_that_pair_up_do_not_swallow_the_rows_between(path: Path) -> None:
    content = 'plate,reason\nAB12,"x\nCD34,y\nEF56,z"\nGH78,w\n'
    assert parsed(path, content) == [
        (2, "opens a quote that runs over lines which are rows themselves"),
        (3, ["CD34", "y"]),
        (4, ["EF56", 'z"']),
        (5, ["GH78", "w"]),
    ]


def test_a_line_that_cannot_be_decoded_is_not_swallowed_by_an_open_quote(path: Path) -> None:
    content = b'plate,reason\nM\xc3\x9c12,x\nAB12,"x\n\xff\ny"\n'
    assert parsed(path, content) == [
        (2, ["MÜ12", "x"]),
        (3, "opens a quote that is never closed"),
        (4, "has a byte that is not utf-8, at position 1"),
        (5, "has 1 fields where the header names 2"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: its first line must name the columns"),
        (b"\n \n", "is empty"),
        (b"AB12,stolen\n", "its columns are a guess: plate from '1', reason from '2'"),
        (b"plate\n", r"no column reason \(it has 'plate'\)"),
        (b"priority,region\n", r"no column holds plates \(it begins with 'priority', 'region'\)"),
        (b"plate,reason,Plate\n", "columns named twice: plate"),
        (b"plate,reason,valid_too\n", "column 'valid_too' is perhaps valid_to, and must not be left out by mistake"),
        (b'"plate,reason\n', "no column holds plates"),
        (b"plate,reason\rAB12,x\r", "no column holds plates"),
        (b"\xff\xfep\x00l\x00", "no column holds plates"),
        (b"pl\xc3te,reason\nAB12,\xc3\xbc\n", "line 1 has a byte that is not utf-8, at position 3"),
        (bytes(range(256)) * 1000, "no column holds plates|has a byte"),
    ],
)
def test_a_file_that_is_no_hotlist_is_refused_in_one_line(path: Path, content: bytes, message: str) -> None:
    with pytest.raises(HotlistError, match=message) as caught:
        parsed(path, content)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000 and "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(HotlistError, match="cannot be read") as caught:
            rows_of(path)
        assert isinstance(caught.value.__cause__, OSError)

"""Files as other systems make them: archives, encodings, layouts, and how they break."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from alpr.errors import EntryError, HotlistError
from alpr.hotlist.files import archives
from alpr.hotlist.files.checked_file import ImportOptions
from alpr.hotlist.files.csv_rows import CsvRow
from alpr.hotlist.files.formats import Format, format_of, open_rows
from alpr.hotlist.files.importer import ImportReport, import_list, import_lists
from alpr.hotlist.files.sources import open_text, text_lines
from alpr.hotlist.files.table_layout import TableOptions
from tests.conftest import START

CSV = "plate,reason\nMÜ12,x\nAB34,für\n"
NCIC = "V123456789LA057020020190509AB123456  CA2009MC2009YAMACYLMCBLK"


def rows(path: Path, content: str | bytes, written_as: Format) -> list[CsvRow | EntryError]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_rows(path, written_as, TableOptions()) as opened:
        return list(opened.rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list"


@pytest.mark.parametrize(
    ("codec", "mark", "encoding"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8", b"\xef\xbb\xbf", "UTF-8 with its mark"),
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-16-le", b"", "UTF-16 LE without its mark"),
        ("utf-16-be", b"", "UTF-16 BE without its mark"),
        ("cp1252", b"", "Windows-1252 or Latin-1"),
        ("latin-1", b"", "Windows-1252 or Latin-1"),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("is_zipped", [False, True])
def test_encodings(path: Path, codec: str, mark: bytes, encoding: str, ending: str, is_zipped: bool) -> None:
    content = mark + CSV.replace("\n", ending).encode(codec)
    if is_zipped:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("list.csv", content)
            archive.writestr("__MACOSX/._list.csv", b"x")
    else:
        path.write_bytes(content)
    with open_text(path) as source:
        assert source.encoding == encoding
        assert [line.text for line in text_lines(source)] == ["plate,reason", "MÜ12,x", "AB34,für"]


def test_a_half_character_at_the_end_of_utf_16_costs_its_row_only(path: Path) -> None:
    path.write_bytes(b"\xff\xfe" + CSV.encode("utf-16-le")[:-1])
    report = import_list(path.with_suffix(".sqlite"), path, "a", START)
    assert (report.added, [error.line for error in report.rejected]) == (1, [3])


def zipped(path: Path, **files: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_archives_that_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zipped(path, one=b"x", two=b"y")
    with pytest.raises(HotlistError, match="holds 2 files"):
        format_of(path)
    zipped(path)
    with pytest.raises(HotlistError, match="holds 0 files"):
        format_of(path)
    zipped(path, one=CSV.encode() * 100)
    damaged = bytearray(path.read_bytes())
    damaged[40:60] = b"\xff" * 20
    path.write_bytes(damaged)
    with pytest.raises(HotlistError, match="cannot be unpacked"):
        format_of(path)
    locked = bytearray(damaged)
    for sign in (b"PK\x03\x04", b"PK\x01\x02"):
        at = locked.index(sign) + (6 if sign == b"PK\x03\x04" else 8)
        locked[at] |= 1
    path.write_bytes(locked)
    with pytest.raises(HotlistError, match="locked by a password"):
        format_of(path)
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 10_000)
    zipped(path, one=b"0" * 10_001)
    with pytest.raises(HotlistError, match="unpacks to more than 10,000 bytes"):
        format_of(path)


def test_an_archive_that_lies_about_its_size_is_stopped_on_the_way(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(path, one=b"plate,reason\n" + b"AB12,x\n" * 500_000)
    lying = bytearray(path.read_bytes())
    at = lying.index(b"PK\x01\x02") + 24
    lying[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(lying)
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 1_000)
    with pytest.raises(HotlistError, match="unpack"):
        import_list(path.with_suffix(".sqlite"), path, "a", START)


@pytest.mark.parametrize(
    ("content", "written_as"),
    [
        (CSV, Format.CSV),
        ("reason;Plate\nx;AB12\n", Format.CSV),
        ("nothing of the sort\n", Format.CSV),
        ("", Format.CSV),
        ('\n [{"plate": "AB12"}]', Format.JSON),
        ("[" + '{"plate": "AB12", "reason": "x"},' * 5000 + '{"plate":"AB13","reason":"x"}]', Format.JSON),
        ('{"entries": [{"plate": "AB12"}]}', Format.JSON),
        ('{"made_at": "2026", "entries":\n [{"plate": "AB12"}]}', Format.JSON),
        ('{"plate": "AB12", "reason": "x"}\n', Format.JSONL),
        (f"{NCIC}\n" * 3, Format.NCIC),
        (f"{NCIC}\n" * 5000, Format.NCIC),
        ("V1,2,20260101,AB12,TX,2026,2019,FORD,F15,PK,WHI\n", Format.TEXAS),
        (",".join("ABCDEFGHIJKLMNOP") + "\n", Format.VOI),
    ],
)
def test_formats_are_found_out(path: Path, content: str, written_as: Format) -> None:
    path.write_text(content, encoding="utf-8")
    assert format_of(path) is written_as


def test_a_format_that_is_named_is_taken_at_its_word(path: Path) -> None:
    path.write_text(CSV)
    with pytest.raises(HotlistError, match="none of its 3 rows"):
        import_list(path.with_suffix(".sqlite"), path, "a", START, ImportOptions(format=Format.NCIC))


def test_ncic_lines_that_are_wrong(path: Path) -> None:
    content = f"{NCIC}\n\n{NCIC[:38]}\nQ{NCIC[1:]}\n{NCIC[:19]}20191509{NCIC[27:]}\n{NCIC[:39]}\r\n"
    good, short, code, day, bare = rows(path, content, Format.NCIC)
    assert isinstance(good, CsvRow)
    assert isinstance(short, EntryError)
    assert (short.line, short.reason) == (3, "has 38 characters; the plate's state ends at 39")
    assert isinstance(code, EntryError)
    assert (code.line, code.field) == (4, "code")
    assert "is 'Q'" in code.reason
    assert isinstance(day, CsvRow)
    assert day.fields["case_reference"].endswith(" 20191509")
    assert isinstance(bare, CsvRow)
    assert (bare.fields["vehicle"], bare.fields["region"]) == ("", "US-CA")


@pytest.mark.parametrize(("state", "region"), [("NY", "US-NY"), ("ON", "CA"), ("BN", ""), ("US", "")])
def test_states(path: Path, state: str, region: str) -> None:
    (row,) = rows(path, f"{NCIC[:37]}{state}{NCIC[39:]}\n", Format.NCIC)
    assert isinstance(row, CsvRow)
    assert row.fields["region"] == region


def test_a_first_line_that_names_the_columns_is_passed_over(path: Path) -> None:
    texas = "RECORD,STATE ID,DATE,PLATE,STATE,REG,YEAR,MAKE,MODEL,BODY,COLOR\n"
    row = "V1,2,20260101,AB12,TX,2026,2019,FORD,F15,PK,WHI\n"
    assert len(rows(path, texas + row, Format.TEXAS)) == 1
    assert len(rows(path, row + row, Format.TEXAS)) == 2
    voi = "VRM,MAKE,MODEL,COLOUR,ACTION,WM,REASON,NIM,INFO,FORCE,WEED DATE,PNC,GPMS,CAD,OPS,REF\n"
    entry = "AB12CDE,,,,STOP,,,,,,01/02/2026,,,,,\n"
    (only,) = rows(path, voi + entry, Format.VOI)
    assert isinstance(only, CsvRow)
    assert (only.fields["reason"], only.fields["valid_to"]) == ("STOP", "2026-02-01")


@pytest.mark.parametrize("weed", ["32/01/2026", "2026", "soon"])
def test_a_weed_date_that_is_none_does_not_cost_the_row(path: Path, weed: str) -> None:
    path.write_text(f"AB12CDE,,,,STOP,,x,,,,{weed},,,,,\n" * 2)
    report = import_list(path.with_suffix(".sqlite"), path, "a", START, ImportOptions(format=Format.VOI))
    assert (report.added, report.notes[0].field, report.notes[0].cause) == (1, "valid_to", "odd-value")


def test_json_is_read_object_by_object_wherever_the_pieces_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpr.hotlist.files.json_rows._PIECE", 7)
    monkeypatch.setattr("alpr.hotlist.files.json_rows.MOST_OF_AN_OBJECT", 300)
    entries = [{"plate": f"ÄB{n:03}", "reason": "é" * n, "priority": 1 + n % 5} for n in range(60)]
    found = rows(path, json.dumps({"of": 1.5, "entries": entries}, indent=1, ensure_ascii=False), Format.JSON)
    assert [row.fields["plate"] for row in found if isinstance(row, CsvRow)] == [e["plate"] for e in entries]
    assert [row.line for row in found][:2] == [4, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"plate": "x"}', "no JSON array of entries"),
        ('[{"plate": "AB12"}', "ends before its array does"),
        ('[{"plate": "AB12"},\n{"plate": "AB', "line 2 is not JSON from here on"),
        ('[{"plate": "AB12"}, {"plate": "' + "x" * 200_000, "ends before its array does|is not JSON from here on"),
        ('[{"plate": "AB12}, {"plate": "CD12"}]', "line 1 is not JSON from here on"),
        ('[{"plate": "AB12",\n{"plate": "CD12"}]', "line 1 is not JSON from here on"),
        ("[" + "[" * 100_000, "is not JSON from here on"),
    ],
)
def test_json_that_breaks_off_is_refused_whole(path: Path, content: str, message: str) -> None:
    with pytest.raises(HotlistError, match=message):
        rows(path, content, Format.JSON)


GOOD = '{"plate": "AB12", "reason": "x"}'
LAST = '{"plate": "CD34", "reason": "y"}'
DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (r'{"plate": "\ud800", "reason": "x"}', "contains the unprintable character U+D800"),
        (r'{"plate": "EF56", "reason": "x", "\ud800": "x"}', "is not a field of an entry"),
        (f'{{"plate": "EF56", "reason": {DEEP}}}', "is not JSON (nested too deep)"),
        (
            '{"plate": "EF56", "reason": "x", "areas": [[[' + "9" * 400 + ", 1], [2, 3], [4, 5]]]}",
            "not a value of this field",
        ),
        ('{"plate": "EF56", "reason": "x", "priority": NaN}', "is not JSON (NaN is no number)"),
        ('{"plate": "EF56", "reason": "x", "priority": -Infinity}', "is not JSON (-Infinity is no number)"),
        ('{"plate": "EF56", "plate": "GH78", "reason": "x"}', "gives 'plate' twice"),
        ('{"plate": "EF56", "reason": "' + "x" * 200_000 + '"}', "is longer than 65536 characters"),
        ('{"plate": "EF56" "reason": "x"}', "is not JSON (Expecting ',' delimiter"),
        ('{"plate": "EF56", "reason": "a\x01b"}', "is not JSON (Invalid control character"),
        (r'{"plate": "EF56", "reason": "\x"}', "is not JSON (Invalid"),
        ("nonsense", "is not JSON (Expecting value"),
    ],
)
@pytest.mark.parametrize("written_as", [Format.JSON, Format.JSONL])
def test_one_hostile_object_costs_itself_only(path: Path, wrong: str, reason: str, written_as: Format) -> None:
    joined = f"[{GOOD},\n{wrong},\n{LAST}]" if written_as is Format.JSON else f"{GOOD}\n{wrong}\n{LAST}\n"
    path.write_text(joined, encoding="utf-8")
    report = import_list(path.with_suffix(".sqlite"), path, "a", START, ImportOptions(format=written_as))
    assert (report.added, {error.line for error in report.rejected}) == (2, {2})
    assert any(one in str(report.rejected[0]) for one in reason.split("|")) or "longer than" in str(
        report.rejected[0]
    )
    assert str(report.rejected[0]).isprintable()


@pytest.mark.parametrize(
    "odd",
    [
        r'"case_reference": "\udfff"',
        '"priority": ' + "9" * 10_000,
        '"case_reference": ' + "9" * 10_000,
        '"areas": [[[1e999, 1], [2, 3], [4, 5]]]',
        '"valid_to": "10000-01-01"',
        '"valid_from": "0001-01-01T00:00+14:00"',
        '"colour": "#12"',
    ],
)
def test_one_hostile_value_does_not_even_cost_its_object(path: Path, odd: str) -> None:
    path.write_text(f'{GOOD}\n{{"plate": "EF56", "reason": "x", {odd}}}\n{LAST}\n', encoding="utf-8")
    report = import_list(path.with_suffix(".sqlite"), path, "a", START)
    assert (report.added, report.rejected, {note.line for note in report.notes}) == (3, (), {2})
    assert report.notes[0].text.isprintable()


@pytest.mark.parametrize(
    "wrong", ['{"plate":', "{}", '{"plate":"AB12CDE","reason":"%s"}' % ("x" * 200_000), '{"a":' * 9000]
)
def test_a_hostile_first_line_costs_itself_only(path: Path, wrong: str) -> None:
    """The format is found out by the first lines: a bad one must not make the file another that is refused whole."""
    path.write_text(f"{wrong}\n{GOOD}\n{LAST}\n", encoding="utf-8")
    report = import_list(path.with_suffix(".sqlite"), path, "a", START)
    assert (report.added, {error.line for error in report.rejected}) == (2, {1})


def test_where_a_broken_object_ends_does_not_depend_on_the_pieces(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpr.hotlist.files.json_rows._PIECE", 7)
    wrong = r'{"plate": "a\\", "reason": "}{ [\"", "areas": [[[[[1]]]]], "x": nonsense}'
    found = rows(path, f"[{GOOD},\n{wrong},\n{LAST}\n]", Format.JSON)
    assert [(row.line, type(row)) for row in found] == [(1, CsvRow), (2, EntryError), (3, CsvRow)]


def test_json_rows_that_are_wrong_cost_themselves_only(path: Path) -> None:
    good = '{"plate": "AB12", "reason": "x"}'
    wrong = ["7", '{"plate": "AB12", "reason": "x", "colr": "red"}', '{"plate": ["AB12"], "reason": "x"}']
    found = rows(path, f"[{good},\n" + ",\n".join(wrong) + "]", Format.JSON)
    assert [(row.line, row.field) for row in found if isinstance(row, EntryError)] == [
        *((2, ""), (3, "colr"), (4, "plate"))
    ]
    lines = rows(path, "\n".join([good, *wrong, "{", ""]), Format.JSONL)
    assert [(row.line, row.field) for row in lines if isinstance(row, EntryError)] == [
        *((2, ""), (3, "colr"), (4, "plate"), (5, ""))
    ]


def a_coded_file(path: Path, codes: str) -> Path:
    path.write_text("".join(f"{code}{NCIC[1:27]}AB{n:08}{NCIC[37:]}\n" for n, code in enumerate(codes)))
    return path


def split(path: Path, content: str, **options: object) -> dict[str, ImportReport]:
    chosen = ImportOptions(is_split=True, **options)  # type: ignore[arg-type]
    reports = import_lists(path.with_suffix(".sqlite"), a_coded_file(path, content), "ncic", START, chosen)
    return {report.list_name: report for report in reports}


def test_a_split_file_fills_a_list_for_each_code_and_empties_those_it_no_longer_has(path: Path) -> None:
    first = split(path, "VVWA")
    assert {name: report.added for name, report in first.items()} == {
        **{"ncic-stolen-vehicle": 2, "ncic-wanted-person": 1, "ncic-amber-alert": 1},
    }
    second = split(path, "VV")
    assert {name: (report.removed, report.unchanged) for name, report in second.items()} == {
        **{"ncic-stolen-vehicle": (0, 2), "ncic-wanted-person": (1, 0), "ncic-amber-alert": (1, 0)},
    }


def test_codes_that_are_not_asked_for_are_left_out_and_counted(path: Path) -> None:
    (report,) = split(path, "VVWA", codes={"W"}).values()
    assert (report.list_name, report.added, report.left_out) == ("ncic-wanted-person", 1, 3)
    with pytest.raises(HotlistError, match=r"it has no row that can be imported \(4 have other codes\)"):
        split(path, "VVWA", codes={"X"})


def test_what_cannot_be_split(path: Path) -> None:
    path.write_text(CSV)
    with pytest.raises(HotlistError, match="only files with codes can be split"):
        import_lists(path.with_suffix(".sqlite"), path, "a", START, ImportOptions(is_split=True))
    with pytest.raises(HotlistError, match="too long"):
        import_lists(
            path.with_suffix(".sqlite"), a_coded_file(path, "V"), "a" * 50, START, ImportOptions(is_split=True)
        )


def test_defaults_fill_blank_cells_and_come_before_what_a_code_means(path: Path) -> None:
    options = ImportOptions(defaults={"priority": "5", "receivers": "unit-7"})
    report = import_list(path.with_suffix(".sqlite"), a_coded_file(path, "A"), "a", START, options)
    assert (report.added, report.rejected) == (1, ())
    with pytest.raises(HotlistError, match="no default for plate, plte"):
        bad = ImportOptions(defaults={"plate": "AB12", "plte": "x"})
        import_list(path.with_suffix(".sqlite"), path, "a", START, bad)


def test_objects_that_share_a_line_are_rows_of_their_own(path: Path) -> None:
    path.write_text('[{"plate":"AB12","reason":"x"},{"plate":"AB12","reason":"y"},{"plate":"CD34","reason":"x"}]')
    report = import_list(path.with_suffix(".sqlite"), path, "a", START)
    assert (report.added, report.rejected_rows) == (2, 1)
    (error,) = report.rejected
    assert (error.line, error.cause) == (2, "duplicate")


def test_entries_on_one_line_are_counted(path: Path) -> None:
    found = rows(
        path, '[{"plate": "AB12", "reason": "x"}, 7, {"plate": "AB13", "reason": "x"}, {"plat": 1}]', Format.JSON
    )
    assert [row.line for row in found] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (f"{NCIC}\n{NCIC}\nshort\n", Format.NCIC),
        (f"{NCIC}\nshort\nshorter\n", Format.CSV),
        ("\n".join([",".join("a" * 11)] * 3 + ["a,b"]), Format.TEXAS),
        ("\n".join([",".join("a" * 16)] * 3 + ["a,b,c"]), Format.VOI),
        ("\n".join([",".join("a" * 16), "a,b,c"]), Format.CSV),
        ("", Format.CSV),
    ],
)
def test_bad_rows_among_the_first_do_not_hide_the_format(path: Path, content: str, found: Format) -> None:
    path.write_text(content)
    assert format_of(path) is found


def test_a_file_without_a_known_column_is_told_of_the_other_formats(path: Path) -> None:
    path.write_text("V1,TX,2026\n")
    with pytest.raises(HotlistError, match="where the file is of another format, say --format"):
        import_list(path.with_suffix(".sqlite"), path, "a", START, ImportOptions(format=Format.CSV))

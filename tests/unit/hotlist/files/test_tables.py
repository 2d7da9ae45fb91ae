"""Lists as people have them: titles, headers of other languages, none, extra columns, days, colours, workbooks."""

from __future__ import annotations

import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from alpr.errors import HotlistError
from alpr.hotlist.files import workbook
from alpr.hotlist.files.checked_file import ImportOptions
from alpr.hotlist.files.formats import Format, format_of
from alpr.hotlist.files.importer import ImportReport, import_list
from alpr.hotlist.files.table_layout import GuessedLayout, TableOptions
from alpr.hotlist.match.index import HotlistIndex
from alpr.types import HotlistEntry
from tests.conftest import START

DAY_AFTER_2026 = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def taken(path: Path, *, defaults: dict[str, str] | None = None, **table: Any) -> ImportReport:
    """Import a file into list `a`; a guess is taken unless the test says otherwise."""
    options = ImportOptions(defaults=defaults or {}, table=TableOptions(**{"is_guess_taken": True, **table}))
    return import_list(path.with_suffix(".sqlite"), path, "a", START, options)


def entries(path: Path) -> list[HotlistEntry]:
    with HotlistIndex.open(path.with_suffix(".sqlite")) as index:
        return sorted(index.entries("a"), key=lambda entry: entry.plate)


def columns(report: ImportReport) -> dict[str, str]:
    assert report.layout is not None
    return report.layout.taken


def test_a_colour_that_cards_do_not_have_is_the_vehicles_and_costs_no_row(path: Path) -> None:
    path.write_text(
        "plate,reason,colour,make,card_colour\nAB12,x,silver,VW,\nCD34,x,red,,Orange\nEF56,x,,Fiat,pink\n"
    )
    report = taken(path, is_guess_taken=False)
    first, second, third = entries(path)
    assert (first.vehicle, first.colour) == ("silver VW", "")
    assert (second.vehicle, second.colour) == ("red", "orange")
    assert (third.vehicle, third.colour) == ("Fiat", "")
    assert [(note.line, note.field, note.cause) for note in report.notes] == [(4, "card_colour", "odd-value")]
    assert report.rejected == ()


def test_a_card_colour_of_old_lists_is_still_the_cards(path: Path) -> None:
    path.write_text("plate,reason,colour\nAB12,x,#ff8800\n")
    taken(path, is_guess_taken=False)
    assert [(entry.colour, entry.vehicle) for entry in entries(path)] == [("#ff8800", "")]
    taken(path, defaults={"colour": "red"})
    assert entries(path)[0].colour == "#ff8800"
    jsonl = path.with_suffix(".jsonl")
    jsonl.write_text(
        '{"plate": "AB12", "reason": "x", "colour": "red"}\n'
        '{"plate": "CD34", "reason": "x", "colour": "silver", "vehicle": "VW"}\n'
        '{"plate": "EF56", "reason": "x", "card_colour": "grey"}\n'
    )
    assert taken(jsonl, defaults={"colour": "blue"}).rejected == ()
    found = [(entry.colour, entry.vehicle) for entry in entries(path)]
    assert found == [("red", ""), ("blue", "silver, VW"), ("grey", "")]


ODD = {
    "priority": "high",
    "region": "Absurdistan",
    "case_reference": "K" * 150,
    "instructions": "i" * 3000,
    "valid_from": "soon",
    "valid_to": "when found",
    "category": "c" * 80,
    "code": "c" * 20,
    "card_colour": "plaid",
    "sound": "la la la",
    "vehicle": "v" * 200,
    "schedule": "at night",
    "areas": "the harbour",
    "directions": "up",
}


@pytest.mark.parametrize("column", ODD)
def test_one_odd_value_never_costs_the_row(path: Path, column: str) -> None:
    path.write_text(f"plate,reason,{column}\nAB12,x,{ODD[column]}\n")
    report = taken(path, is_guess_taken=False)
    assert (report.added, report.rejected) == (1, ())
    assert [(note.line, note.field, note.cause) for note in report.notes] == [(2, column, "odd-value")]
    (entry,) = entries(path)
    if column in ("valid_from", "valid_to", "schedule", "areas", "directions"):
        assert entry.instructions == f"{column}: {ODD[column]}"  # the officer learns what nobody checks
    strict = ImportOptions(is_strict=True, table=TableOptions())
    with pytest.raises(HotlistError, match="none of its 1 rows"):
        import_list(path.with_suffix(".sqlite"), path, "b", START, strict)


def test_odd_receivers_do_cost_the_row_since_everybody_would_see_a_covert_entry(path: Path) -> None:
    path.write_text("plate,reason,receivers\nAB12,x,unit 7\nCD34,x,unit-7\n")
    report = taken(path)
    assert [(error.line, error.field) for error in report.rejected] == [(2, "receivers")]


def test_a_reason_that_is_too_long_is_cut_and_whole_in_the_instructions(path: Path) -> None:
    reason = "stolen " * 40
    path.write_text(f"plate,reason,instructions\nAB12,{reason},stop it\n")
    taken(path)
    (entry,) = entries(path)
    assert len(entry.reason) == 200
    assert entry.instructions == f"stop it\nreason: {reason.strip()}"


@pytest.mark.parametrize(
    ("written", "ends"),
    [
        ("31.12.2026", DAY_AFTER_2026),
        ("31. 12. 2026", None),
        ("31/12/2026", DAY_AFTER_2026),
        ("12/31/2026", DAY_AFTER_2026),
        ("2026/12/31", DAY_AFTER_2026),
        ("20261231", DAY_AFTER_2026),
        ("31.12.2026 18:00", DAY_AFTER_2026),
        ("2026-12-31T18:00", DAY_AFTER_2026),
        ("31.12.9999", None),
    ],
)
def test_days_as_people_write_them(path: Path, written: str, ends: datetime | None) -> None:
    path.write_text(f"plate;reason;valid_to\nAB12;x;{written}\n")
    report = taken(path)
    (entry,) = entries(path)
    assert entry.valid_to == (DAY_AFTER_2026 if written == "31. 12. 2026" else ends)
    assert [note.field for note in report.notes] == (["valid_to"] if ":" in written else [])


def test_days_that_can_be_read_in_two_ways_are_read_as_the_others_of_the_file_are(path: Path) -> None:
    path.write_text("plate,reason,valid_to\nAB12,x,03/04/2026\nCD34,x,28/04/2026\n")
    taken(path)
    assert entries(path)[0].valid_to == datetime(2026, 4, 4, tzinfo=UTC)
    path.write_text("plate,reason,valid_to\nAB12,x,03/04/2026\n")
    report = taken(path)
    assert entries(path)[0].valid_to is None
    assert "may be either of two days: say in which order they are, with --dates" in report.notes[0].text
    taken(path, is_day_first=False)
    assert entries(path)[0].valid_to == datetime(2026, 3, 5, tzinfo=UTC)


GERMAN = """sep=;
Fahndungsliste;;;;;
Stand: 01.01.2026;;;;;

Kennzeichen;Grund;gültig bis;Farbe;Sachbearbeiter;Aktenzeichen
M-ÄB 1234;Diebstahl;31.12.2026;silber;Huber;K-1
B XY 99;Raub;;;;K-2
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("said", ["sep=;\n", "", '"sep=;"\n'])
def test_titles_a_foreign_header_and_extra_columns(path: Path, encoding: str, said: str) -> None:
    path.write_bytes(GERMAN.replace("sep=;\n", said).encode(encoding))
    report = taken(path)
    assert (report.added, report.rejected) == (2, ())
    assert columns(report) == {
        **{"plate": "Kennzeichen", "reason": "Grund", "valid_to": "gültig bis", "vehicle_colour": "Farbe"},
        "case_reference": "Aktenzeichen",
    }
    assert report.layout is not None
    assert report.layout.left_out == ("Sachbearbeiter",)
    entry = entries(path)[1]
    assert (entry.plate, entry.valid_to, entry.vehicle) == ("MAB1234", DAY_AFTER_2026, "silber")


def test_a_guess_is_shown_and_needs_a_yes(path: Path) -> None:
    path.write_text(GERMAN, encoding="utf-8")
    with pytest.raises(GuessedLayout, match="its columns are a guess: plate from 'Kennzeichen'") as caught:
        taken(path, is_guess_taken=False)
    shown = caught.value.layout.as_options()
    assert shown in str(caught.value)
    assert not path.with_suffix(".sqlite").exists()
    given = dict(each.split("=") for each in shown.removeprefix("--map '").removesuffix("'").split(","))
    assert taken(path, columns=given, is_guess_taken=False).added == 2


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Kenteken;Reden;Merk;Kleur", {"plate", "reason", "make", "vehicle_colour"}),
        ("Immatriculation;Motif;Marque;Couleur", {"plate", "reason", "make", "vehicle_colour"}),
        ("Matrícula;Motivo;Marca;Válido hasta", {"plate", "reason", "make", "valid_to"}),
        ("Targa;Motivo;Colore;Scadenza", {"plate", "reason", "vehicle_colour", "valid_to"}),
        ("Numer rejestracyjny;Powód;Kolor;Ważne do", {"plate", "reason", "vehicle_colour", "valid_to"}),
        ("Registreringsnummer;Orsak;Färg;Modell", {"plate", "reason", "vehicle_colour", "model"}),
        ("Госномер;Причина;Марка;Цвет", {"plate", "reason", "make", "vehicle_colour"}),
        ("License Plate;Offense;Expires;Color", {"plate", "reason", "valid_to", "vehicle_colour"}),
    ],
)
def test_headers_of_many_languages(path: Path, header: str, expected: set[str]) -> None:
    path.write_text(f"{header}\nAB12CD;x;;\n", encoding="utf-8")
    assert set(columns(taken(path))) == expected


def test_states_and_signs_of_countries_become_regions(path: Path) -> None:
    path.write_text("License Plate,Reason,State\nAB123,x,CA\nCD456,x,ON\nEF789,x,QQ\n")
    report = taken(path)
    assert [entry.region for entry in entries(path)] == ["US-CA", "CA", None]
    assert [(note.line, note.field) for note in report.notes] == [(4, "region")]
    path.write_text("plate,reason,region\nAB123,x,D\nCD456,x,irl\nEF789,x,CA\n")
    taken(path)
    assert [entry.region for entry in entries(path)] == ["DE", "IE", "CA"]


def test_columns_that_are_given_by_name_number_or_letter(path: Path) -> None:
    path.write_text("Nr,Was,Wagen\n1,Diebstahl,AB 123\n2,Raub,CD 456\n")
    for named in ({"plate": "Wagen", "reason": "was"}, {"plate": "3", "reason": "2"}, {"plate": "C", "reason": "B"}):
        report = taken(path, columns=named, is_guess_taken=False)
        assert (report.entries, report.rejected) == (2, ())
        assert [(entry.plate, entry.reason) for entry in entries(path)] == [("AB123", "Diebstahl"), ("CD456", "Raub")]
    with pytest.raises(HotlistError, match="no column 'Auto' to be plate"):
        taken(path, columns={"plate": "Auto"})
    with pytest.raises(HotlistError, match="--map names no column of ours: plte"):
        taken(path, columns={"plte": "Wagen"})


def test_a_bare_list_of_plates_needs_a_reason_for_all(path: Path) -> None:
    path.write_text("AB 123\nCD-456\nM-XY 789\n")
    with pytest.raises(HotlistError, match="give all rows the same with --default reason=TEXT"):
        taken(path)
    report = taken(path, defaults={"reason": "stolen"})
    assert (report.added, report.rejected) == (3, ())
    with pytest.raises(GuessedLayout, match="plate from '1'"):
        taken(path, defaults={"reason": "stolen"}, is_guess_taken=False)


def test_a_table_of_eleven_columns_is_not_taken_for_the_one_of_texas(path: Path) -> None:
    path.write_text("Kennzeichen;Grund" + ";x" * 9 + "\nAB123;Raub" + ";" * 9 + "\n")
    assert format_of(path) is Format.CSV


def a_workbook(path: Path, rows: list[list[Any]], *before: tuple[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in (*before, ("Liste", rows)):
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


ROWS: list[list[Any]] = [
    ["Fahndungsliste"],
    [],
    ["Kennzeichen", "Grund", "gültig bis", "Prio", "Hinweis"],
    ["M-AB 1", "Raub", datetime(2026, 12, 31), 1, "Halt!\nVorsicht"],  # noqa: DTZ001
    [12345, "Diebstahl", "31.12.2026", 2.0, None],
]


def test_a_workbook(path: Path) -> None:
    book = a_workbook(path, ROWS, ("Deckblatt", [["Polizei"], ["Seite 1"]]))
    assert format_of(book) is Format.XLSX
    report = taken(book)
    assert (report.added, report.rejected, report.encoding) == (2, (), "sheet 'Liste'")
    second, first = entries(path)
    assert (first.plate, first.reason, first.valid_to, first.priority) == ("MAB1", "Raub", DAY_AFTER_2026, 1)
    assert first.instructions == "Halt!\nVorsicht"
    assert (second.plate, second.valid_to, second.priority) == ("12345", DAY_AFTER_2026, 2)
    book = a_workbook(path, [[*ROWS[2]], ["%", "Raub", None, None, None]])
    with pytest.raises(HotlistError, match="none of its 1 rows"):
        taken(book)
    with pytest.raises(HotlistError, match="no sheet 'Tabelle9' with rows: its sheets are 'Liste'"):
        taken(book, sheet="Tabelle9")


SHEET = (
    '<?xml version="1.0"?>{doctype}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{rows}</sheetData></worksheet>"
)
CELLS = '<row r="{n}"><c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c></row>'


def with_sheet(path: Path, rows: str, doctype: str = "") -> Path:
    """A workbook whose sheet is this."""
    good = a_workbook(path, [["plate", "reason"], ["AB12", "x"]])
    hostile = path.with_name("hostile.xlsx")
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(hostile, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            is_sheet = member.filename == "xl/worksheets/sheet1.xml"
            content = SHEET.format(doctype=doctype, rows=rows).encode() if is_sheet else source.read(member)
            target.writestr(member.filename, content)
    return hostile


def test_xml_that_defines_entities_is_refused(path: Path) -> None:
    laughs = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    doctype = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{laughs}]>'
    book = with_sheet(path, CELLS.format(n=1, cell="A1", text="&j;"), doctype)
    with pytest.raises(HotlistError, match="its XML defines entities"):
        taken(book)


def test_two_cells_in_far_corners_take_no_memory(path: Path) -> None:
    far = CELLS.format(n=1, cell="A1", text="plate") + CELLS.format(n=1048576, cell="XFD1048576", text="AB12")
    begin_s = time.process_time()
    with pytest.raises(HotlistError, match="it has no row that can be imported"):
        taken(with_sheet(path, far), defaults={"reason": "x"})
    assert time.process_time() - begin_s < 5


@pytest.mark.parametrize("number", ["999999999", "99999999999999999999", "1"])
def test_rows_out_of_order_are_refused(path: Path, number: str) -> None:
    rows = CELLS.format(n=2, cell="A2", text="plate") + CELLS.format(n=number, cell="A3", text="AB12")
    rows += CELLS.format(n=number, cell="A3", text="AB12")
    with pytest.raises(HotlistError, match="out of order"):
        taken(with_sheet(path, rows), defaults={"reason": "x"})


def test_a_bomb_in_a_workbook_is_stopped_on_the_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_PART_BYTES", 1 << 20)
    book = with_sheet(path, CELLS.format(n=1, cell="A1", text="A" * (2 << 20)))
    with pytest.raises(HotlistError, match="unpacks to more than 1,048,576 bytes"):
        taken(book)


def test_a_workbook_cut_short_or_damaged_anywhere_is_told(path: Path) -> None:
    whole = a_workbook(path, ROWS).read_bytes()
    cut = path.with_name("cut.xlsx")
    for at in range(0, len(whole), 97):
        for content in (whole[:at], whole[:at] + b"\xff" * 8 + whole[at + 8 :]):
            cut.write_bytes(content)
            try:
                taken(cut)
            except HotlistError as error:
                assert "\n" not in str(error) and str(cut) in str(error)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "locked by a password, or of the old kind .xls"),
        ("content.xml", "is an OpenDocument file"),
        ("xl/workbook.bin", "kind .xlsb"),
    ],
)
def test_workbooks_that_are_not_read_are_named(path: Path, content: bytes | str, said: str) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mimetype", "x")
            archive.writestr(content, "x")
    with pytest.raises(HotlistError, match=said):
        taken(path)

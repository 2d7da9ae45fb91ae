"""Rows of the lists that other systems make, as the cells of ours. Pure.

Three layouts: NCIC-style lines of fixed width, the 11-column CSV in use in Texas, and the 16 fields of a British
vehicle-of-interest list. `docs/hotlists.md` says field by field what becomes of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from alpr.errors import EntryError
from alpr.hotlist.entries.ncic_codes import NCIC_CODES
from alpr.hotlist.entries.written_dates import day_from_text
from alpr.hotlist.entries.written_regions import region_of_state
from alpr.hotlist.files.csv_rows import CsvRow, delimiter_of, records, unblank_lines
from alpr.hotlist.files.sources import HotlistText, text_lines

NCIC_WIDTH = 39
"""The least length of a line: the plate's state ends there; what follows describes the vehicle."""
_NCIC_FIELDS = {
    **{"record": (0, 10), "ori": (10, 19), "date": (19, 27), "plate": (27, 37), "state": (37, 39)},
    **{"registered": (39, 43), "type": (43, 45), "year": (45, 49), "make": (49, 53), "model": (53, 56)},
    **{"body": (56, 58), "colour": (58, None)},
}
TEXAS_COLUMNS = (
    *("record", "state_record", "date", "plate", "state", "registered", "year", "make", "model", "body", "colour"),
)
VOI_COLUMNS = (
    *("vrm", "make", "model", "colour", "action", "warnings", "reason", "nim_code", "information", "force"),
    *("weed_date", "pnc_id", "marking", "cad", "instructions", "source_reference"),
)


def ncic_rows(file: HotlistText) -> Iterator[CsvRow | EntryError]:
    """Yield the rows of NCIC-style lines of fixed width; the first character of the record number is the code.

    Args:
        file: read to its end.
    """
    for number, text, fault in text_lines(file):
        if fault or not text.strip():
            if fault:
                yield EntryError(number, "", fault)
        elif len(text.rstrip()) < NCIC_WIDTH:
            short = len(text.rstrip())
            yield EntryError(number, "", f"has {short} characters; the plate's state ends at {NCIC_WIDTH}")
        else:
            yield _of_a_record(number, {name: text[a:b].strip() for name, (a, b) in _NCIC_FIELDS.items()})


def texas_rows(file: HotlistText) -> Iterator[CsvRow | EntryError]:
    """Yield the rows of the 11 columns, with or without a first line that names them.

    Args:
        file: read to its end.
    """
    for line, values in _columns(file, len(TEXAS_COLUMNS)):
        if isinstance(values, EntryError):
            yield values
        elif line > 1 or any(char.isdigit() for char in values[0]):
            yield _of_a_record(line, dict(zip(TEXAS_COLUMNS, map(str.strip, values), strict=True)))


def voi_rows(file: HotlistText) -> Iterator[CsvRow | EntryError]:
    """Yield the rows of the 16 fields, with or without a first line that names them.

    Args:
        file: read to its end.
    """
    for line, values in _columns(file, len(VOI_COLUMNS)):
        if isinstance(values, EntryError):
            yield values
        elif line > 1 or any(char.isdigit() for char in values[0] + values[VOI_COLUMNS.index("weed_date")]):
            yield _of_a_voi(line, dict(zip(VOI_COLUMNS, map(str.strip, values), strict=True)))


def _columns(file: HotlistText, width: int) -> Iterator[tuple[int, list[str] | EntryError]]:
    lines = unblank_lines(file)
    first = next(lines, None)
    if first is None:
        return
    delimiter = delimiter_of(first.text)
    for row in records(chain((first,), lines), delimiter, width):
        yield (row.line, row) if isinstance(row, EntryError) else row


def _of_a_record(line: int, fields: dict[str, str]) -> CsvRow | EntryError:
    code = fields["record"][:1].upper()
    if code not in NCIC_CODES:
        known = ", ".join(NCIC_CODES)
        return EntryError(line, "code", f"is {code!r}, the record's first character: those known are {known}")
    day = _day(fields["date"])
    if day is None and fields["date"].strip("0"):
        day = fields["date"]  # it only says when the record was made
    registered = f"plate of {fields['registered']}" if fields["registered"].strip("0") else ""
    described = _joined(fields[name] for name in ("year", "make", "model", "body"))
    record = _joined((fields["record"], fields.get("ori") or fields.get("state_record", ""), day or ""))
    return CsvRow(
        line,
        {
            "plate": fields["plate"],
            "code": code,
            "region": region_of_state(fields["state"]),
            "case_reference": record,
            "vehicle": _joined((described, fields["colour"], registered), ", "),
        },
    )


def _of_a_voi(line: int, fields: dict[str, str]) -> CsvRow:
    weed = _day(fields["weed_date"]) or fields["weed_date"]
    told = (
        ("Action", "action"),
        ("Warning", "warnings"),
        ("", "instructions"),
        ("", "information"),
        ("Force", "force"),
        ("CAD", "cad"),
        ("Marking", "marking"),
    )
    lines = [f"{label}: {fields[name]}" if label else fields[name] for label, name in told if fields[name]]
    return CsvRow(
        line,
        {
            "plate": fields["vrm"],
            "reason": fields["reason"] or fields["action"],
            "code": fields["nim_code"],
            "instructions": "\n".join(lines),
            "valid_to": weed,
            "case_reference": _joined((fields["pnc_id"], fields["source_reference"])),
            "vehicle": _joined((fields["colour"], fields["make"], fields["model"])),
        },
    )


def _joined(parts: Sequence[str] | Iterator[str], between: str = " ") -> str:
    return between.join(part for part in parts if part)


def _day(written: str) -> str | None:
    """The day as ISO 8601, of the ways in which these lists write it; None for anything else."""
    day = day_from_text(written, is_day_first=True)
    return None if day is None else day.isoformat()

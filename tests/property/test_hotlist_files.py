"""Whatever bytes a hotlist file holds: only typed errors come out, and the good rows around a bad one go in."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.errors import AlprError
from alpr.hotlist.files.checked_file import ImportOptions
from alpr.hotlist.files.formats import Format
from alpr.hotlist.files.importer import ImportReport, import_list
from tests.conftest import START

NCIC = "V12345678{n}LA057020020190509AB12345{n}  CA2009MC2009YAMACYLMCBLK"
VOI = "AB12CD{n},FORD,FOCUS,BLUE,STOP,,no insurance,,,,01/02/2027,,,,,"
TEXAS = "V{n},2,20260101,AB1{n},TX,2026,2019,FORD,F15,PK,WHI"


def _objects(count: int) -> list[str]:
    return [json.dumps({"plate": f"AB1{n}", "reason": "stolen", "priority": 1 + n}) for n in range(count)]


GOOD: dict[Format, Callable[[], list[str]]] = {
    Format.CSV: lambda: ["plate,reason,areas", *(f"AB1{n},stolen," for n in range(4))],
    Format.JSONL: lambda: _objects(4),
    Format.NCIC: lambda: [NCIC.format(n=n) for n in range(4)],
    Format.VOI: lambda: [VOI.format(n=n) for n in range(4)],
    Format.TEXAS: lambda: [TEXAS.format(n=n) for n in range(4)],
}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
HOSTILE = (
    *(b"\\ud800", b'{"plate": "\\udfff", "reason": "x"}', b"\xed\xa0\x80", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf"),
    *(b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"1e999", b"NaN", b"-Infinity", b'"', b'""', b"\\", b"\r", b"\x1c"),
    *(b"9999-12-31T23:59-14:00", b"10000-01-01", b"2026-W53-7", b"POLYGON((1e400 1, 2 2, 3 3))", b";", b"\t"),
    *("\u2028".encode(), "٣".encode(), b'{"areas": [[[' + b"9" * 400 + b",1],[2,3],[4,5]]]}", b"x" * 70_000),
)

damage = st.lists(
    st.tuples(st.integers(0, 100_000), st.sampled_from(HOSTILE) | st.binary(max_size=6), st.integers(0, 20)),
    max_size=5,
)


def damaged(content: bytes, changes: list[tuple[int, bytes, int]]) -> bytes:
    """With pieces put in place of others."""
    for at, piece, taken in changes:
        start = at % (len(content) + 1)
        content = content[:start] + piece + content[start + taken :]
    return content


def imported(content: bytes, written_as: Format | None) -> ImportReport | AlprError:
    """What an import says; whatever else it raises fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list")
        path.write_bytes(content)
        try:
            return import_list(Path(folder, "db.sqlite"), path, "stolen", START, ImportOptions(format=written_as))
        except AlprError as error:
            return error


def told(found: ImportReport | AlprError) -> list[str]:
    return [str(found)] if isinstance(found, AlprError) else [str(error) for error in found.rejected]


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from([*GOOD, Format.JSON]), damage, st.booleans(), st.sampled_from(["utf-8", "utf-16-le", "cp1252"])
)
def test_a_damaged_file_gives_a_report_or_a_typed_error(
    kind: Format, changes: list[tuple[int, bytes, int]], is_named: bool, codec: str
) -> None:
    rows = GOOD[kind]() if kind is not Format.JSON else ["[" + ",\n".join(_objects(4)) + "]"]
    content = damaged("\n".join(rows).encode(codec), changes)
    assert all("\n" not in line for line in told(imported(content, kind if is_named else None)))


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(METHODS), damage, st.integers(0, 2000))
def test_a_damaged_archive_gives_a_report_or_a_typed_error(
    method: int, changes: list[tuple[int, bytes, int]], keep: int
) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("list.csv", "\n".join(GOOD[Format.CSV]()))
    content = damaged(stream.getvalue(), changes)
    assert all(line.isprintable() for line in told(imported(content[: keep or None], None)))


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("hostile", [piece for piece in HOSTILE if piece != b'"'], ids=lambda piece: repr(piece[:12]))
def test_good_rows_around_a_hostile_one_go_in(kind: Format, hostile: bytes) -> None:
    rows = [row.encode() for row in GOOD[kind]()]
    report = imported(b"\n".join([*rows[:-2], hostile, *rows[-2:]]), kind)
    assert isinstance(report, ImportReport), report
    assert report.added >= 3  # ends of lines within the hostile piece may cost the row before it


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(list(GOOD)), st.binary(max_size=40).filter(lambda piece: b'"' not in piece))
def test_good_rows_around_any_bytes_go_in(kind: Format, piece: bytes) -> None:
    rows = [row.encode() for row in GOOD[kind]()]
    report = imported(b"\n".join([*rows[:-2], piece, *rows[-2:]]), kind)
    assert isinstance(report, ImportReport), report
    assert report.added >= 3

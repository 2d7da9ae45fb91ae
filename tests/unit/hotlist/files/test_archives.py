"""Archives that are damaged, hostile or no archives at all: one line each, and no more memory than a stated bound."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import zipfile
from pathlib import Path

import pytest

from alpr.errors import HotlistError
from alpr.hotlist.files import archives
from alpr.hotlist.files.importer import import_list
from tests.conftest import START

CSV = b"plate,reason\nAB12,x\nCD34,y\n" * 50
METHODS = {"store": 0, "deflate": 8, "bzip2": 12, "lzma": 14}


def zipped(content: bytes = CSV, method: int = zipfile.ZIP_DEFLATED, name: str = "list.csv") -> bytearray:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, content)
    return bytearray(stream.getvalue())


def refusal(tmp_path: Path, content: bytes | bytearray, name: str = "list.zip") -> str:
    """What an import of a file says that it does not take."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(HotlistError) as caught:
        import_list(tmp_path / "db.sqlite", path, "stolen", START)
    assert str(caught.value).isprintable()
    assert not (tmp_path / "db.sqlite").exists()
    return str(caught.value)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_damaged_data_of_every_method_is_told(method: int, tmp_path: Path) -> None:
    content = zipped(method=method)
    content[60:70] = b"\xff" * 10
    assert "cannot be unpacked" in refusal(tmp_path, content)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_is_read(method: int, tmp_path: Path) -> None:
    path = tmp_path / "list.zip"
    path.write_bytes(zipped(CSV[:27], method))
    assert import_list(tmp_path / "db.sqlite", path, "stolen", START).entries == 2


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_archive_cut_short_at_any_place_is_told(method: int, tmp_path: Path) -> None:
    content = zipped(os.urandom(60).hex().encode() + b"\n" + CSV, method)
    for length in range(4, len(content), 7):
        refusal(tmp_path, content[:length])


def test_lzma_that_would_take_gigabytes_to_unpack(tmp_path: Path) -> None:
    content = zipped(method=zipfile.ZIP_LZMA)
    at = 30 + len("list.csv") + 5
    content[at : at + 4] = struct.pack("<I", 0xF0000000)
    assert "takes too much memory" in refusal(tmp_path, content)


def test_a_table_of_contents_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.csv", b"")
    assert "table of contents" in refusal(tmp_path, stream.getvalue())


def test_thousands_of_files_are_counted(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(3_000):
            archive.writestr(f"{number}.csv", b"")
    assert "holds 3000 files" in refusal(tmp_path, stream.getvalue())


def test_a_part_of_an_archive_over_several_disks(tmp_path: Path) -> None:
    content = bytes(zipped())
    end = content.rindex(b"PK\5\6")
    locator = b"PK\6\7" + struct.pack("<IQI", 1, 0, 5)
    assert "multiple disks" in refusal(tmp_path, content[:end] + locator + content[end:])


def test_a_way_of_packing_that_is_not_known(tmp_path: Path) -> None:
    content = zipped()
    for sign, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        at = content.index(sign) + offset
        content[at : at + 2] = struct.pack("<H", 9)
    assert "method 9" in refusal(tmp_path, content)


def test_a_bomb_is_stopped_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 3 << 20)
    content = zipped(b"\n" * (8 << 20))
    at = content.index(b"PK\1\2") + 24
    content[at : at + 4] = struct.pack("<I", 100)  # it says 100 bytes
    assert "unpack" in refusal(tmp_path, content)


def test_an_archive_within_an_archive(tmp_path: Path) -> None:
    assert "within another" in refusal(tmp_path, zipped(bytes(zipped()), zipfile.ZIP_STORED, "inner.zip"))


@pytest.mark.parametrize(
    ("packed", "packer"),
    [
        (gzip.compress(CSV), "gzip"),
        (bz2.compress(CSV), "bzip2"),
        (lzma.compress(CSV), "xz"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!\x1a\x07\0", "RAR"),
    ],
)
def test_other_packers_are_named(packed: bytes, packer: str, tmp_path: Path) -> None:
    assert f"packed by {packer}: unpack it first" in refusal(tmp_path, packed)
    assert f"packed by {packer}" in refusal(tmp_path, zipped(packed))


def test_a_name_within_an_archive_does_not_speak(tmp_path: Path) -> None:
    """Escape sequences and forged lines in it reach no terminal and no log."""
    content = zipped(b"plate,colr\nx,y\n", name="a\nERROR: all is lost\x1b[2J.csv")
    assert "(a\\nERROR: all is lost\\x1b[2J.csv): no column reason" in refusal(tmp_path, content)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "x" * 5000, "ü\ufffd.csv", "C:\\x"])
def test_odd_names_are_only_names(name: str, tmp_path: Path) -> None:
    path = tmp_path / "list.zip"
    path.write_bytes(zipped(CSV[:27], name=name))
    assert import_list(tmp_path / "db.sqlite", path, "stolen", START).entries == 2
    assert {each.name.split(".")[0] for each in tmp_path.iterdir()} == {"list", "db"}


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "device", "nul", "long"])
def test_what_is_no_file_is_told_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to("list.csv")
    path = {"device": Path("/dev/zero"), "nul": Path("a\0b"), "long": tmp_path / ("x" * 300)}.get(kind, path)
    with pytest.raises(HotlistError, match="cannot be read"):
        import_list(tmp_path / "db.sqlite", path, "stolen", START)

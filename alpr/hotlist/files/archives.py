"""The one file in a zip archive, unpacked piece by piece; whatever else an archive holds is an error in words.

Archives come from anywhere: what one states of itself need not be true, and is bounded before it is believed.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from alpr.errors import HotlistError
from alpr.system.printable import printable

MOST_UNPACKED_BYTES = 4 << 30
"""About forty million rows."""
MOST_DIRECTORY_BYTES = 1 << 20
"""Largest table of contents: some ten thousand files, where one is wanted."""
MOST_DICTIONARY_BYTES = 64 << 20
"""Largest dictionary of LZMA, in memory: as much as packers use at their best setting."""
PIECE_BYTES = 256 << 10
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# Besides what it says that it raises, zipfile lets out what its parsing of damaged records runs into.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error),
    *(ValueError, IndexError, KeyError, OverflowError, RuntimeError, MemoryError),
)
# What people take for plain or zipped lists, by its first bytes.
_OTHER_PACKERS = {
    b"\x1f\x8b": "gzip",
    **{b"BZh%d1AY&SY" % level: "bzip2" for level in range(1, 10)},
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}


class Member(NamedTuple):
    """The one file of an archive, open."""

    name: str
    """Without its folders."""
    take: Callable[[], bytes]
    """The next piece; b"" at the end."""


def is_archive(file: BinaryIO, path: Path) -> bool:
    """Return True for a zip archive; the file is then at its beginning.

    Args:
        file: open for reading, seekable.
        path: named in messages.

    Raises:
        HotlistError: it is a part of one.
    """
    with reading_archive(path):
        found = zipfile.is_zipfile(file)
    file.seek(0)
    return found


def open_member(stack: ExitStack, file: BinaryIO, path: Path) -> Member:
    """Open the one file of an archive, which stays open as long as the stack.

    Args:
        stack: closes it.
        file: the archive, open for reading.
        path: named in messages.

    Raises:
        HotlistError: the archive is locked, damaged, packed in a way that we do not take, too large or of several
            files; so does `take`.
    """
    with reading_archive(path):
        archive = stack.enter_context(bounded_archive(file))
        members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
        if len(members) != 1:
            raise HotlistError(f"{path}: its archive holds {len(members)} files: give one with the list alone")
        (member,) = members
        _refuse(member, path)
        if member.compress_type == zipfile.ZIP_LZMA and _dictionary_bytes(file, member) > MOST_DICTIONARY_BYTES:
            raise HotlistError(f"{path}: its archive takes too much memory to unpack: pack it again with deflate")
        packed = stack.enter_context(archive.open(member))
        return Member(printable(Path(member.filename).name), _bounded(packed, path))


def refuse_other_packers(start: bytes, path: Path) -> None:
    """Refuse a file, or the file of an archive, that is packed by another program.

    Args:
        start: its first bytes, 16 or so.
        path: named in messages.

    Raises:
        HotlistError: by its first bytes, it is.
    """
    for magic, packer in _OTHER_PACKERS.items():
        if start.startswith(magic):
            raise HotlistError(f"{path}: is packed by {packer}: unpack it first, or pack it as zip")
    if start.startswith(b"PK\3\4"):
        raise HotlistError(f"{path}: is an archive that is damaged, or within another: unpack it first")


def _refuse(member: zipfile.ZipInfo, path: Path) -> None:
    if member.flag_bits & 1:
        raise HotlistError(f"{path}: its archive is locked by a password: unpack it first")
    if member.compress_type not in _METHODS:
        raise HotlistError(f"{path}: its archive cannot be unpacked (method {member.compress_type}): use deflate")
    if member.file_size > MOST_UNPACKED_BYTES:
        raise _too_large(path)


def _dictionary_bytes(file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Return the bytes that unpacking LZMA allocates (APPNOTE 6.3.10, section 5.8.8)."""
    file.seek(member.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    file.seek(name + extra + 4 + 1, 1)  # version, size of the properties; lc, lp and pb
    return int.from_bytes(file.read(4), "little")


def _bounded(packed: IO[bytes], path: Path) -> Callable[[], bytes]:
    """Return a function that takes the next piece of an archive: what it states of its size need not be true."""
    left = MOST_UNPACKED_BYTES

    def take() -> bytes:
        nonlocal left
        with reading_archive(path):
            piece = packed.read(PIECE_BYTES)
        left -= len(piece)
        if left < 0:
            raise _too_large(path)
        return piece

    return take


class _Bounded:
    """A file for zipfile, which reads a table of contents at once, as long as that says it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, count: int = -1) -> bytes:
        if count > MOST_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its table of contents is larger than any with one file")
        return self._file.read(count if count >= 0 else MOST_DIRECTORY_BYTES)


def bounded_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive whose table of contents may not be larger than `MOST_DIRECTORY_BYTES`.

    Args:
        file: open for reading.

    Raises:
        zipfile.BadZipFile: it is damaged; see `reading_archive`.
    """
    return zipfile.ZipFile(cast("IO[bytes]", _Bounded(file)))


@contextmanager
def reading_archive(path: Path) -> Iterator[None]:
    """Turn what zipfile raises within the block into errors in words.

    Args:
        path: named in messages.

    Raises:
        HotlistError: the archive is damaged, or packed in a way that we do not take.
    """
    try:
        yield
    except NotImplementedError as error:  # what zipfile raises for a way of packing that it does not know
        raise HotlistError(f"{path}: its archive cannot be unpacked ({error}): pack it again with deflate") from error
    except OSError as error:
        if error.errno is not None:  # the disk's; bzip2 raises one without a number for its own
            raise
        raise _damaged(path, error) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> HotlistError:
    reason = printable(str(error))[:100] or type(error).__name__
    return HotlistError(f"{path}: its archive cannot be unpacked ({reason}): fetch the file again")


def _too_large(path: Path) -> HotlistError:
    return HotlistError(f"{path}: unpacks to more than {MOST_UNPACKED_BYTES:,} bytes, which no list needs")

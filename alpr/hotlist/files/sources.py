"""A hotlist file as text: out of its zip archive, in whatever encoding it came. Knows nothing of formats.

Read piece by piece, so that a file of any size takes the memory of a line.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from alpr.errors import HotlistError
from alpr.hotlist.files.archives import PIECE_BYTES, is_archive, open_member, refuse_other_packers
from alpr.system.regular_files import open_regular

BYTES_PER_LINE = 64 << 10
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_WESTERN = "Windows-1252 or Latin-1"  # the same but for control characters, which no cell may hold


class TextLine(NamedTuple):
    """One line of a file, without its end."""

    number: int
    """Counted from 1."""
    text: str
    fault: str = ""
    """The reason for which there is no text; "" where there is."""


class HotlistText(NamedTuple):
    """A file that is open for one pass, as text."""

    place: str
    """Its name in messages."""
    stream: BinaryIO
    """Begins after a byte order mark; UTF-16 is made UTF-8."""
    encoding: str
    """The file's encoding, as people name it."""
    codec: str
    """The stream's encoding, as Python names it."""
    position: Callable[[], int]
    """Returns the number of bytes of the file on the disk that are read."""


@contextmanager
def open_text(path: Path) -> Iterator[HotlistText]:
    """Open a file, plain or the only one in a zip archive.

    Args:
        path: of the file.

    Raises:
        HotlistError: it cannot be read, or its archive is locked, damaged, too large or of several files.
    """
    try:
        with ExitStack() as first_pass:
            _, stream, _ = _opened(first_pass, path)
            refuse_other_packers(stream.peek(16), path)
            encoding = _encoding(stream)
        with ExitStack() as stack:
            place, stream, position = _opened(stack, path)
            yield HotlistText(place, *_decoded(stream, encoding), position)
    except OSError as error:
        raise cannot_be_read(path, error) from error


def cannot_be_read(path: Path, error: OSError) -> HotlistError:
    """Return the error about a file that the system does not let us read.

    Args:
        path: of the file.
        error: the system's.
    """
    return HotlistError(f"{path}: cannot be read ({error.strerror or error}): check the path and its permissions")


def text_lines(file: HotlistText) -> Iterator[TextLine]:
    """Yield the lines in order; one that cannot be decoded or is too long has a fault instead of text.

    Args:
        file: read to its end.
    """
    number = 0
    while line := file.stream.readline(BYTES_PER_LINE):
        number += 1
        if len(line) == BYTES_PER_LINE and not line.endswith(b"\n"):
            while rest := file.stream.readline(BYTES_PER_LINE):
                if rest.endswith(b"\n"):
                    break
            yield TextLine(number, "", f"is longer than {BYTES_PER_LINE} bytes")
            continue
        try:
            yield TextLine(number, line.decode(file.codec).rstrip("\r\n"))
        except UnicodeDecodeError as error:
            yield TextLine(number, "", f"has a byte that is not {file.codec}, at position {error.start + 1}")


def _opened(stack: ExitStack, path: Path) -> tuple[str, io.BufferedReader, Callable[[], int]]:
    """Return the name for messages, the bytes, and a function that says how far into the file on the disk they go."""
    file = stack.enter_context(open_regular(path))
    if not is_archive(file, path):
        return str(path), file, file.tell
    member = open_member(stack, file, path)
    return f"{path} ({member.name})", io.BufferedReader(_Pieces(member.take), PIECE_BYTES), file.tell


def _encoding(stream: BinaryIO) -> str:
    """Recognise the encoding by its mark, or else by the lines that are not plain ASCII.

    Line by line, for one slip in a UTF-8 file must not turn all its umlauts into others.
    """
    start = stream.read(4)
    if start[:2] in _UTF_16:
        return "UTF-16"
    if start[:3] == codecs.BOM_UTF8:
        return "UTF-8 with its mark"
    if start[1::2] == b"\0\0" and b"\0" not in start[::2]:
        return "UTF-16 LE without its mark"
    if start[::2] == b"\0\0" and b"\0" not in start[1::2]:
        return "UTF-16 BE without its mark"
    votes, is_ascii = 0, True
    rest = start
    while line := rest + stream.readline(BYTES_PER_LINE):
        rest = b""
        if not line.isascii():
            is_ascii = False
            try:
                line.decode()
                votes += 1
            except UnicodeDecodeError:
                votes -= 1
    if votes >= 0:
        return "ASCII" if is_ascii else "UTF-8"
    return _WESTERN


def _decoded(stream: BinaryIO, encoding: str) -> tuple[BinaryIO, str, str]:
    """Return the stream after its mark, the name of its encoding, and the codec to read it with."""
    if encoding.startswith("UTF-16"):
        codec = _UTF_16[stream.read(2)] if encoding == "UTF-16" else f"utf-16-{encoding[7:9].lower()}"
        return io.BufferedReader(_Pieces(_recoded(stream, codec)), PIECE_BYTES), encoding, "utf-8"
    if encoding == "UTF-8 with its mark":
        stream.read(3)
    return stream, encoding, "cp1252" if encoding == _WESTERN else "utf-8"


def _recoded(stream: BinaryIO, codec: str) -> Callable[[], bytes]:
    """Return a function that takes the next piece as UTF-8.

    Bytes that cannot be decoded become U+FFFD, which no cell may hold.
    """
    decoder = codecs.getincrementaldecoder(codec)("replace")

    def take() -> bytes:
        while piece := stream.read(PIECE_BYTES):
            if text := decoder.decode(piece):
                return text.encode()
        return decoder.decode(b"", final=True).encode()

    return take


class _Pieces(io.RawIOBase):
    """The stream of the pieces that a function returns; an empty one ends it."""

    def __init__(self, take: Callable[[], bytes]) -> None:
        self._take = take
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any, /) -> int:
        self._held = self._held or self._take()
        count = min(len(into), len(self._held))
        into[:count], self._held = self._held[:count], self._held[count:]
        return count

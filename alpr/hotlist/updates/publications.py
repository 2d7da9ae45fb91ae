"""The folder of publications: names of files, the newest snapshot, files made in one step. Knows no database."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from alpr.errors import HotlistError
from alpr.hotlist.updates.container import UpdateHead, check_payload, read_head
from alpr.hotlist.updates.payload import PayloadFacts, PayloadWriter
from alpr.hotlist.updates.signing import AdminKey
from alpr.system.files import whole_file
from alpr.system.regular_files import open_regular

SUFFIX = ".alprhl"
_FILE_NAME = re.compile(r"(.+)-(\d{8,})\.(snapshot|delta)\.alprhl")
_COPY_BYTES = 1 << 20


def file_name(list_set: str, revision: int, kind: str) -> str:
    """Return the name of a publication's file; readers go by its content alone.

    Args:
        list_set: name of the set.
        revision: from 1.
        kind: "snapshot" or "delta".
    """
    return f"{list_set}-{revision:08d}.{kind}{SUFFIX}"


def latest_snapshot(folder: Path, list_set: str) -> tuple[Path, UpdateHead] | None:
    """Return the newest snapshot of a set in a folder, with its head; None where there is none.

    Args:
        folder: of the publications; need not be there.
        list_set: name of the set.

    Raises:
        HotlistError: it cannot be read.
    """
    found = [
        (int(match[2]), path)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _FILE_NAME.fullmatch(path.name)) and match[1] == list_set and match[3] == "snapshot"
    ]
    if not found:
        return None
    _, path = max(found)
    with written(path), open_regular(path) as stream:
        return path, read_head(stream)


def forget_old(folder: Path, list_set: str, keep: int) -> list[Path]:
    """Remove a set's files but those of its newest revisions; returns those that were removed.

    Args:
        folder: of the publications.
        list_set: name of the set.
        keep: revisions that stay, at least 1.

    Raises:
        HotlistError: one cannot be removed.
    """
    files: dict[int, list[Path]] = {}
    for path in folder.iterdir():
        if (match := _FILE_NAME.fullmatch(path.name)) and match[1] == list_set:
            files.setdefault(int(match[2]), []).append(path)
    old = [path for revision in sorted(files)[:-keep] for path in files[revision]]
    with written(folder):
        for path in old:
            path.unlink(missing_ok=True)
    return old


def cosign(path: Path, key: AdminKey) -> UpdateHead:
    """Add a signature to a file that is whole; it is replaced in one step.

    Args:
        path: of the update file.
        key: of the person who signs.

    Returns:
        Its head as it is now.

    Raises:
        UpdateRefused: the file is not whole: nobody should sign it.
        HotlistError: it cannot be read or written.
    """
    with written(path), open_regular(path) as stream:
        head = read_head(stream)
        check_payload(head, stream)
        signed = head.signed_by(key)
        stream.seek(head.payload_at)
        with whole_file(path) as target:
            target.write(signed.encoded())
            shutil.copyfileobj(stream, target, _COPY_BYTES)
    return signed


class Draft:
    """A file in the making: the payload comes first, since its head can be written only when that is known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._payload = path.with_name(f".{path.name}.payload")
        self._stream: BinaryIO = self._payload.open("wb")
        self.writer = PayloadWriter(self._stream)
        """Takes the entries."""

    def finish(self) -> PayloadFacts:
        """End the payload, and return what the header has to say of it."""
        facts = self.writer.finish()
        self._stream.close()
        return facts

    def place(self, head: UpdateHead) -> None:
        """Make the file, in one step.

        Args:
            head: describes the payload that was written.
        """
        with whole_file(self.path) as target, self._payload.open("rb") as payload:
            target.write(head.encoded())
            shutil.copyfileobj(payload, target, _COPY_BYTES)

    def discard(self) -> None:
        """Remove what was written on the way; the placed file stays."""
        self._stream.close()
        self._payload.unlink(missing_ok=True)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Turn the operating system's errors into ours.

    Args:
        path: named where the error does not name a file.

    Raises:
        HotlistError: a file cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or path
        raise HotlistError(f"{where}: cannot be read or written ({error.strerror}): check the path") from error

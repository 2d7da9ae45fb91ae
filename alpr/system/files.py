"""Files that are replaced in one step and stay: whole or as they were before, whenever we are killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Write what is to stand at `path`; it is put there at the end, and on the disk, unless something was raised.

    Args:
        mode: of the new file, less the process's umask.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # of one that was killed: its mode and owner are not to be trusted
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        put_in_place(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def put_in_place(draft: Path, path: Path) -> None:
    """Move a file that is on the disk into the place of another one, durably.

    Args:
        draft: written and flushed, on the same file system.
        path: replaced in one step.

    Raises:
        OSError: it cannot be done.
    """
    draft.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

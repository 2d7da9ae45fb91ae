"""Files that others may have put there, opened and read so that none of them hangs us or fills the memory.

A pipe that nobody writes to, a device that never ends, a path that no system takes: all are an `OSError` with a
reason in words, as a missing file is, so that whoever maps that one maps them all.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "Is a directory"),
    (stat.S_ISFIFO, errno.EINVAL, "Is a pipe, not a file: save what comes through it to one"),
    (stat.S_ISCHR, errno.EINVAL, "Is a device, not a file"),
    (stat.S_ISBLK, errno.EINVAL, "Is a device, not a file"),
    (stat.S_ISSOCK, errno.EINVAL, "Is a socket, not a file"),
)


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading its bytes; a symbolic link is followed.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be opened, is anything but a regular file, or no file can have such a path; also at a read,
            of one in /proc that lets its readers wait.
    """
    try:
        _refuse_others(path.stat().st_mode, path)  # before it is opened: some devices act on that alone
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:  # a NUL, or a lone surrogate
        raise OSError(errno.EINVAL, "No file can have such a name", ascii(str(path))) from error
    try:
        _refuse_others(os.fstat(descriptor).st_mode, path)
        return BufferedReader(_NeverWaiting(descriptor))
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Read a whole file that is meant to be small.

    Args:
        path: of the file.
        most_bytes: a longer one is refused.

    Raises:
        OSError: as `open_regular`, or it is larger than that.
    """
    with open_regular(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"Is larger than {most_bytes:,} bytes", str(path))
    return content


class _NeverWaiting(FileIO):
    """Of a file in /proc that lets its readers wait, such as the kernel's log, a read would return None."""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        count = super().readinto(buffer)
        if count is None:
            raise OSError(errno.EAGAIN, "Has nothing to read now")
        return count

    def readall(self) -> bytes:
        content = super().readall()
        if content is None:
            raise OSError(errno.EAGAIN, "Has nothing to read now")
        return content


def _refuse_others(mode: int, path: Path) -> None:
    for is_one, number, reason in _KINDS:
        if is_one(mode):
            raise OSError(number, reason, str(path))

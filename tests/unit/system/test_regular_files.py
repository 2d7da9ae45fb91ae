"""What is no regular file is refused before it can hang us, with a reason in words."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from alpr.system.regular_files import open_regular, read_regular


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def a_socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    return folder / "socket"


def a_link_to(target: Path, folder: Path) -> Path:
    (folder / "link").symlink_to(target)
    return folder / "link"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder, "Is a directory"),
        (a_pipe, "Is a pipe"),
        (a_socket, "Is a socket"),
        (lambda _: Path("/dev/zero"), "Is a device"),
        (lambda folder: a_link_to(Path("/dev/zero"), folder), "Is a device"),
        (lambda folder: a_link_to(Path("link"), folder), "Too many levels of symbolic links"),
        (lambda folder: folder / ("x" * 300), "File name too long"),
        (lambda folder: folder.joinpath(*["x"] * 3000), "File name too long"),
        (lambda _: Path("a\0b"), "No file can have such a name"),
        (lambda _: Path("a\ud800b"), "No file can have such a name"),
        (lambda folder: folder / "none", "No such file"),
    ],
)
def test_what_is_no_file_is_an_os_error_with_its_reason(make: object, reason: str, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(OSError, match=reason) as caught:
        open_regular(make(tmp_path))
    assert reason in str(caught.value.strerror)


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert read_regular(path, 10) == b"x" * 10
    with pytest.raises(OSError, match="larger than 9 bytes"):
        read_regular(path, 9)


def test_a_file_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(64 << 30)
    with pytest.raises(OSError, match="larger than 1,024 bytes"):
        read_regular(path, 1024)


def test_no_file_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(OSError, match="Is a directory"):
            open_regular(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_lets_its_readers_wait_is_an_error_at_the_read_and_no_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel's log in /proc does, which only root may open: it is a regular file and its read gives None."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb"):
        os.set_blocking(ours, False)
        monkeypatch.setattr(os, "open", lambda *_: ours)
        monkeypatch.setattr("alpr.system.regular_files._KINDS", ())
        with open_regular(Path("pyproject.toml")) as file:
            for read in (file.read, lambda: file.read(8), lambda: file.readinto(bytearray(9)), file.readline):
                with pytest.raises(OSError, match="nothing to read now"):
                    read()

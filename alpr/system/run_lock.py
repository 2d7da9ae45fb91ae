"""One run for each data folder: a lock file that the kernel lets go when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alpr.errors import StoreError

_NAME = "run.lock"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a data folder for this process while the block runs.

    Args:
        folder: made where it is missing.

    Raises:
        StoreError: another process holds it, or the lock file cannot be written.
    """
    path = folder / _NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be used ({error.strerror}); see device.data_dir") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"{folder}: {_who(descriptor)} runs on this data folder already; stop it, or give this one a "
                "device.data_dir of its own"
            ) from error
        except OSError as error:
            raise StoreError(f"{path}: cannot be locked ({error.strerror}); put data_dir on a local disk") from error
        _write_pid(descriptor)
        yield
    finally:
        os.close(descriptor)


def running_process(folder: Path) -> int | None:
    """Return the id of the process that runs on a data folder; None where there is none.

    Args:
        folder: a device's `data_dir`.

    Raises:
        StoreError: the lock file may not be read.
    """
    try:
        descriptor = os.open(folder / _NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(
            f"{folder / _NAME}: cannot be read ({error.strerror}); run this as root or its user"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(descriptor)
    finally:
        os.close(descriptor)
    return None


def _write_pid(descriptor: int) -> None:
    # On a full disk the lock holds all the same; then nobody can say whose it is.
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    except OSError:
        return


def _pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None


def _who(descriptor: int) -> str:
    pid = _pid(descriptor)
    return "another process" if pid is None else f"process {pid}"

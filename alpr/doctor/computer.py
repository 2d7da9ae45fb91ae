"""Looks at the computer that alpr is installed on and says what is well and what is not. Changes nothing.

Works also where a library is broken; the models are looked at by `alpr.doctor.model_files`, which needs them whole.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from alpr.system.kernel_clock import KernelClock
from alpr.system.machine import this_machine

_DISTRIBUTIONS = ("alpr", "numpy", "onnxruntime", "opencv-python", "pyzmq", "msgspec", "pydantic", "sqlite-utils")
_SHARED_MODULES = ("cv2", "onnxruntime")
_MIN_FREE_BYTES = 1_000_000_000
_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    state: State
    found: str


def versions() -> Iterator[Finding]:
    """Check which packages are installed, in which versions."""
    yield Finding("python", State.OK, this_machine().python)
    for name in _DISTRIBUTIONS:
        try:
            yield Finding(name, State.OK, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            # Another distribution may bring the module: opencv-python-headless, onnxruntime-gpu.
            yield Finding(name, State.WARN, "no distribution of this name is installed")
    yield Finding("sqlite", State.OK, sqlite3.sqlite_version)


def owners_of_modules(distributions: Mapping[str, Iterable[str]]) -> Iterator[Finding]:
    """Check which distributions own the modules that several can bring, and overwrite one another in.

    Args:
        distributions: by module name, as `importlib.metadata.packages_distributions` gives them.
    """
    for module in _SHARED_MODULES:
        owners = sorted(set(distributions.get(module, ())))
        found = ", ".join(f"{owner} {_version(owner)}" for owner in owners)
        loaded = _loaded_version(module)
        if loaded is None:
            yield Finding(f"module {module}", State.BAD, f"cannot be imported; owned by: {found or 'nothing'}")
        elif len(owners) > 1:
            text = f"{loaded} is loaded, but {found} all write it: uninstall all and install one"
            yield Finding(f"module {module}", State.WARN, text)
        else:
            yield Finding(f"module {module}", State.OK, f"{loaded}, owned by {found or 'no distribution'}")


def machine() -> Finding:
    """The processor and what it can do."""
    here = this_machine()
    flags = " ".join(here.cpu_flags) or "none that matter for nets"
    return Finding("cpu", State.OK, f"{here.cpu}, {here.cores} cores, {here.architecture}: {flags}")


def room(folder: Path, free_bytes: int, total_bytes: int) -> Finding:
    """Check how much of the disk is left.

    Args:
        folder: on the disk.
        free_bytes: of it.
        total_bytes: of it.
    """
    text = f"{free_bytes / 1e9:.1f} of {total_bytes / 1e9:.1f} GB free at {folder}"
    if free_bytes < _MIN_FREE_BYTES:
        return Finding("disk", State.WARN, f"{text}: reads may soon be lost; make room")
    return Finding("disk", State.OK, text)


def clock(now: datetime, kernel: KernelClock | None) -> Finding:
    """Check whether instants in reads can be trusted.

    Args:
        now: aware UTC.
        kernel: None where the kernel does not tell.
    """
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < _EARLIEST:
        return Finding("clock", State.BAD, f"{text} is long past: set it; evidence needs the time")
    if kernel is None:
        return Finding("clock", State.WARN, f"{text}; whether it is synchronised is not known here")
    if not kernel.is_synchronised:
        return Finding("clock", State.WARN, f"{text}, not synchronised (NTP, GPS): it will drift; run chrony")
    return Finding("clock", State.OK, f"{text}, synchronised, at most {kernel.max_error_s * 1e3:.0f} ms off")


def disk_usage(folder: Path) -> tuple[int, int]:
    """Return the bytes free and in all on the disk of a folder.

    Args:
        folder: may be still to be made.
    """
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    usage = shutil.disk_usage(there)
    return usage.free, usage.total


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(version unknown)"


def _loaded_version(module: str) -> str | None:
    """What a module calls itself; None where importing it fails or leaves it without its contents."""
    try:
        version = getattr(importlib.import_module(module), "__version__", None)
    except ImportError:
        return None
    return None if version is None else str(version)

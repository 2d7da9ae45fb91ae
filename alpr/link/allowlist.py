"""The devices that may speak to a collector: a text file, one `NAME KEY` per line, read again when it changes.

Lines that begin with `#` are comments; a revoked device stays as one, with the day. A line that cannot be understood
allows nobody. A file that has gone missing changes nothing until it is back.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alpr.errors import LinkError
from alpr.link.keys import is_key, is_name

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the file."""

    name: str
    key: str


class AllowList:
    """The file's devices, kept current by `refresh`.

    Args:
        path: may hold no device yet, but must be there.

    Raises:
        LinkError: it cannot be read, or a line of it cannot be understood.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        devices, mistakes = parse(_read(path))
        if mistakes:
            raise LinkError(f"{path}: {'; '.join(mistakes)}; every line is NAME KEY")
        self._by_key = {device.key: device for device in devices}

    def name_of(self, key: str) -> str | None:
        """The device's name; None where the key is not allowed."""
        device = self._by_key.get(key)
        return device.name if device else None

    @property
    def names(self) -> frozenset[str]:
        """Of all that are allowed."""
        return frozenset(device.name for device in self._by_key.values())

    def refresh(self) -> bool:
        """Look whether the file has changed, and read it again if so; True where it was."""
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return False
            devices, mistakes = parse(_read(self._path))
        except LinkError as error:
            if self._stamp:
                _log.error("%s; the devices allowed so far stay so", error)
            self._stamp = ()
            return False
        self._stamp = stamp
        for mistake in mistakes:
            _log.error("%s: %s; that line allows nobody", self._path, mistake)
        self._by_key = {device.key: device for device in devices}
        _log.info("%s: %d devices allowed", self._path, len(devices))
        return True


def parse(text: str) -> tuple[list[Device], list[str]]:
    """The devices of a file's text, and what is wrong with its other lines."""
    devices: list[Device] = []
    mistakes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) != 2 or not is_name(words[0]) or not is_key(words[1]):
            mistakes.append(f"line {number}: not NAME KEY")
        elif any(words[0] == device.name or words[1] == device.key for device in devices):
            mistakes.append(f"line {number}: name or key of another line again")
        else:
            devices.append(Device(words[0], words[1]))
    return devices, mistakes


def read_devices(path: Path) -> list[Device]:
    """Who is allowed.

    Raises:
        LinkError: the file cannot be read, or a line of it cannot be understood.
    """
    devices, mistakes = parse(_read(path))
    if mistakes:
        raise LinkError(f"{path}: {'; '.join(mistakes)}; every line is NAME KEY")
    return devices


def enrol(path: Path, device: Device) -> None:
    """Allow a device; the file is made where it is missing, and replaced in one step.

    Raises:
        LinkError: its name or key is not one, or is in the file already; or the file cannot be written.
    """
    if not is_name(device.name):
        raise LinkError(
            f"{device.name!r}: a device's name is letters, digits, dots, hyphens and underscores, at most 64"
        )
    if not is_key(device.key):
        raise LinkError(f"{device.key!r}: not a public key of 40 characters; see the device's .pub file")

    def with_device(text: str) -> str:
        for other in parse(text)[0]:
            if other.name == device.name or other.key == device.key:
                raise LinkError(
                    f"{path}: {other.name} is allowed already, with this name or this key; revoke it first"
                )
        return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{device.name} {device.key}\n"

    _rewrite(path, with_device, may_be_missing=True)


def revoke(path: Path, name: str, now: datetime) -> None:
    """Allow a device no more; its line stays as a comment.

    Raises:
        LinkError: no such device, or the file cannot be written.
    """

    def without_device(text: str) -> str:
        if not any(device.name == name for device in parse(text)[0]):
            raise LinkError(f"{path}: no device {name} is allowed; see: alpr device list")
        lines = [
            f"# revoked {now:%Y-%m-%dT%H:%M:%SZ}: {line}" if line.split()[:1] == [name] else line
            for line in text.splitlines()
        ]
        return "\n".join(lines) + "\n"

    _rewrite(path, without_device, may_be_missing=False)


def _rewrite(path: Path, change: Callable[[str], str], *, may_be_missing: bool) -> None:
    """Replace the file's text atomically, one writer at a time."""
    draft = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as error:
        raise LinkError(
            f"{draft}: another change is under way, or was broken off; if not, remove this file"
        ) from error
    except OSError as error:
        raise LinkError(f"{path}: cannot write there ({error.strerror})") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(change("" if may_be_missing and not path.exists() else _read(path)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise LinkError(f"{path}: cannot write ({error.strerror})") from error
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LinkError(
            f"{path}: cannot read the list of allowed devices ({error}); see: alpr device enrol"
        ) from error


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as error:
        raise LinkError(
            f"{path}: cannot read the list of allowed devices ({error}); see: alpr device enrol"
        ) from error
    return status.st_mtime_ns, status.st_size, status.st_ino

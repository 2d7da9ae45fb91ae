"""The devices that may speak to a collector: a text file, one `NAME KEY` per line, read again when it changes.

`NAME KEY until INSTANT` is a key that the device has replaced and that is still good for a while. Lines that begin
with `#` are comments; a revoked device stays as one, with the day. A line that cannot be understood allows nobody.
While the file has changed and cannot be read, or has been missing for two seconds, nobody is allowed: it may be that
someone was revoked.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alpr.clock import Clock, SystemClock
from alpr.errors import LinkError
from alpr.link.keys.curve_keys import is_key, is_name
from alpr.link.keys.steady_clock import SteadyClock, time_path
from alpr.system.locked_file import WatchedText, read_text, rewrite

_log = logging.getLogger(__name__)
_WHAT = "the list of allowed devices (see: alpr device new)"


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the file."""

    name: str
    key: str
    until: datetime | None = None
    """When a key that was replaced is no longer valid; None for the device's present key."""


class AllowList:
    """The file's devices, kept current by `refresh`.

    Args:
        path: may hold no device yet, but must be there.

    Raises:
        LinkError: it cannot be read, or a line of it cannot be understood.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        if not path.exists():
            raise LinkError(
                f"{path}: no list of allowed devices; `alpr device new NAME -c collector.yaml` lets the first one in "
                "and makes it"
            )
        self.path = path
        self._clock = SteadyClock(time_path(path), clock or SystemClock())
        self._file = WatchedText(path, _WHAT, self._clock)
        self._by_key = {device.key: device for device in read_devices(path)}
        self.refresh()

    @property
    def is_known(self) -> bool:
        """False while the file may have changed and cannot be read: nobody is allowed then."""
        return self._file.is_known

    def now(self) -> datetime:
        """The time by which a key's end is judged; it never goes back."""
        return self._clock.now()

    def name_of(self, key: str) -> str | None:
        """Return the name of the device with a key; None where it is not allowed, or no more, or that cannot be
        known.

        Args:
            key: public, in Z85.
        """
        device = self._by_key.get(key) if self._file.is_known else None
        return device.name if device and self._is_good(device) else None

    @property
    def keys(self) -> frozenset[str]:
        """All that are good now; as last read, while that cannot be known."""
        return frozenset(device.key for device in self._by_key.values() if self._is_good(device))

    @property
    def names(self) -> frozenset[str]:
        """Names of all devices that are allowed."""
        return frozenset(device.name for device in self._by_key.values())

    @property
    def count(self) -> int:
        """Number of keys."""
        return len(self._by_key)

    def refresh(self) -> bool:
        """Look whether the file has changed, and read it again if so; True where it was."""
        text = self._file.news()
        for device in self._by_key.values():
            self._is_good(device)  # that a key has ended is to be remembered, whether it is used or not
        if text is None:
            return False
        devices, mistakes = parse(text)
        for mistake in mistakes:
            _log.error("%s: %s; that line allows nobody", self.path, mistake)
        self._by_key = {device.key: device for device in devices}
        _log.info("%s: %d devices allowed", self.path, len(self.names))
        return True

    def _is_good(self, device: Device) -> bool:
        return device.until is None or not self._clock.has_passed(device.until)


def parse(text: str) -> tuple[list[Device], list[str]]:
    """Parse the text of a list: the devices, and what is wrong with its other lines.

    Args:
        text: of the file.
    """
    devices: list[Device] = []
    mistakes: list[str] = []
    keys: set[str] = set()
    present: set[str] = set()  # names
    for number, line in enumerate(text.splitlines(), 1):
        if not line.split() or line.startswith("#"):
            continue
        device = _device_from_line(line)
        if device is None:
            mistakes.append(f"line {number}: not NAME KEY")
        elif device.key in keys or (device.until is None and device.name in present):
            mistakes.append(f"line {number}: name or key of another line again")
        else:
            devices.append(device)
            keys.add(device.key)
            if device.until is None:
                present.add(device.name)
    return devices, mistakes


def read_devices(path: Path) -> list[Device]:
    """Read who is allowed, replaced keys included.

    Args:
        path: of the list.

    Raises:
        LinkError: the file cannot be read, or a line of it cannot be understood.
    """
    devices, mistakes = parse(read_text(path, _WHAT))
    if mistakes:
        raise LinkError(f"{path}: {'; '.join(mistakes)}; every line is NAME KEY")
    return devices


def create_list(path: Path) -> None:
    """Make an empty list where there is none.

    Args:
        path: of the list.

    Raises:
        LinkError: it cannot be written.
    """
    if not path.exists():
        rewrite(path, lambda text: text or "# devices that may connect: NAME KEY\n", _WHAT, may_be_missing=True)


def enrol(path: Path, device: Device) -> None:
    """Allow a device; the file is made where it is missing, and replaced in one step.

    Args:
        path: of the list.
        device: whose name and key must be new.

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
        return _with_line(text, f"{device.name} {device.key}")

    rewrite(path, with_device, _WHAT, may_be_missing=True)


def replace_key(path: Path, name: str, old_key: str, new_key: str, until: datetime, now: datetime) -> None:
    """Give a device a new key; the old one is valid for a while yet. Doing it again changes nothing.

    The lines of keys that are good no more go, so that the file does not grow with every change.

    Args:
        path: of the list.
        name: of the device.
        old_key: public, in Z85.
        new_key: public, in Z85.
        until: when the old key ends, aware UTC.
        now: aware UTC; keys that have ended are pruned.

    Raises:
        LinkError: the old key is not the device's present one, the new one is another's, or the file cannot be
            written.
    """

    def with_both(text: str) -> str:
        devices = parse(text)[0]
        if Device(name, new_key) in devices:
            return text
        if Device(name, old_key) not in devices:
            raise LinkError(f"{path}: that is not the present key of {name}")
        if any(device.key == new_key for device in devices):
            raise LinkError(f"{path}: the new key of {name} is listed there already")
        good_until = f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        lines = [
            f"{name} {old_key} until {good_until}" if line.split() == [name, old_key] else line
            for line in text.splitlines()
            if not _is_over(line, now)
        ]
        return _with_line("\n".join(lines), f"{name} {new_key}")

    rewrite(path, with_both, _WHAT, may_be_missing=False)


def revoke(path: Path, name: str, now: datetime) -> None:
    """Allow a device no more, with none of its keys; its lines stay as comments.

    Args:
        path: of the list.
        name: of the device.
        now: aware UTC; noted in the comment.

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

    rewrite(path, without_device, _WHAT, may_be_missing=False)


def _device_from_line(line: str) -> Device | None:
    words = line.split()
    if len(words) not in (2, 4) or not is_name(words[0]) or not is_key(words[1]):
        return None
    if len(words) == 2:
        return Device(words[0], words[1])
    until = instant_from_text(words[3])
    return Device(words[0], words[1], until) if words[2] == "until" and until else None


def _is_over(line: str, now: datetime) -> bool:
    """True for the line of a key that was replaced and is no longer valid."""
    device = None if line.startswith("#") else _device_from_line(line)
    return device is not None and device.until is not None and now >= device.until


def instant_from_text(text: str) -> datetime | None:
    """Parse an instant of our files; None where it is none, or does not say its time zone.

    Args:
        text: ISO 8601.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo else None


def _with_line(text: str, line: str) -> str:
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"

"""The claim codes that were given out: a text file beside the list of devices, one code per line.

    NAME CLAIM_KEY open UNTIL
    NAME CLAIM_KEY used WHEN DEVICE_KEY
    NAME CLAIM_KEY revoked WHEN

CLAIM_KEY is the public key that the code's secret makes: a code cannot be had from it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from alpr.clock import Clock, SystemClock
from alpr.errors import LinkError, PeerRejected
from alpr.link.keys.allowlist import Device, create_list, enrol, instant_from_text, read_devices
from alpr.link.keys.curve_keys import is_key, is_name
from alpr.link.keys.steady_clock import SteadyClock, time_path
from alpr.system.locked_file import WatchedText, read_text, rewrite

_log = logging.getLogger(__name__)
_WHAT = "the claim codes"
_RETRY = timedelta(minutes=10)
"""For so long after its use a code is let in once more: a device that was cut off before it knew asks again."""
_KEPT = timedelta(days=30)  # after its end, a code that comes again is still told apart from one that never was


class ClaimState(StrEnum):
    """The state of a claim code."""

    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One code."""

    name: str
    """Of the device that it is for."""
    key: str
    """The public key that its secret makes."""
    state: ClaimState
    at: datetime
    """Open: when it ends. Used or revoked: when that was."""
    device_key: str = ""
    """Used: the key that the device brought."""

    @property
    def is_open(self) -> bool:
        """True where it was neither used nor revoked; it may have ended."""
        return self.state is ClaimState.OPEN

    def line(self) -> str:
        """The line of the file."""
        return f"{self.name} {self.key} {self.state.value} {self.at:%Y-%m-%dT%H:%M:%SZ} {self.device_key}".rstrip()


def claims_path(allowed: Path) -> Path:
    """Return the path of the claim codes that belong to an allow-list.

    Args:
        allowed: path of the allow-list.
    """
    return allowed.with_name(f"{allowed.name}.claims")


def issue(allowed: Path, name: str, claim_key: str, until: datetime, now: datetime) -> None:
    """Add a new code for a device; an open code for the same device ends.

    Args:
        allowed: path of the allow-list.
        name: of the device.
        claim_key: public key of the code, in Z85.
        until: when it expires, aware UTC.
        now: aware UTC.

    Raises:
        LinkError: the name is none or is allowed already, or the file cannot be written.
    """
    if not is_name(name):
        raise LinkError(f"{name!r}: a device's name is letters, digits, dots, hyphens and underscores, at most 64")
    create_list(allowed)  # a collector starts with an empty list, but not with none
    if any(device.name == name for device in read_devices(allowed)):
        raise LinkError(f"{allowed}: {name} is allowed already; revoke it first, or choose another name")

    def change(lines: list[ClaimLine]) -> list[ClaimLine]:
        kept = [_revoked(line, now) if line.name == name and line.is_open else line for line in lines]
        return [*kept, ClaimLine(name, claim_key, ClaimState.OPEN, until)]

    _change(claims_path(allowed), change, now)


def revoke_codes(allowed: Path, name: str, now: datetime) -> int:
    """End all open codes for a device; return how many there were.

    Args:
        allowed: path of the allow-list.
        name: of the device.
        now: aware UTC.

    Raises:
        LinkError: the file cannot be read or written.
    """
    path = claims_path(allowed)
    if not path.exists():
        return 0
    count = sum(line.name == name and line.is_open for line in read_claims(path))
    if count:
        _change(
            path,
            lambda lines: [_revoked(line, now) if line.name == name and line.is_open else line for line in lines],
            now,
        )
    return count


def read_claims(path: Path) -> list[ClaimLine]:
    """Read all codes of a file; a line that cannot be understood belongs to nobody.

    Args:
        path: of the claim codes.

    Raises:
        LinkError: it cannot be read.
    """
    return _claims_from_text(read_text(path, _WHAT))


class ClaimDesk:
    """Redeems claim codes at the collector.

    Args:
        allowed: the list that devices are put on.
    """

    def __init__(self, allowed: Path, clock: Clock | None = None) -> None:
        self._allowed = allowed
        self._path = claims_path(allowed)
        self._clock = SteadyClock(time_path(allowed), clock or SystemClock())
        self._file = WatchedText(self._path, _WHAT, self._clock, may_be_missing=True)
        self._by_key: dict[str, ClaimLine] = {}
        self._let_in: set[str] = set()  # devices' keys that codes were used for
        self._arrived: set[str] = set()
        self.refresh()

    def is_known(self, key: str) -> bool:
        """Tell whether a key belongs to any code.

        Args:
            key: public, in Z85.
        """
        return key in self._by_key

    def refusal(self, key: str) -> str:
        """Say why a connection with this key may not redeem a code; "" where it may.

        Args:
            key: of the connection, in Z85.
        """
        line = self._by_key.get(key)
        if line is None:
            return "refused key"
        if not self._file.is_known:
            return "codes unreadable"
        if line.state is ClaimState.REVOKED:
            return "revoked code"
        if line.state is ClaimState.USED:
            is_over = line.device_key in self._arrived or self._clock.has_passed(line.at + _RETRY)
            return "used code" if is_over else ""
        return "expired code" if self._clock.has_passed(line.at) else ""

    def arrived(self, device_key: str) -> None:
        """Note that a device has connected with its own key: the code that let it in is used up.

        Args:
            device_key: public, in Z85.
        """
        if device_key in self._let_in:
            self._arrived.add(device_key)

    def refresh(self) -> None:
        """Read the file again where it has changed."""
        text = self._file.news()
        if text is not None:
            self._by_key = {line.key: line for line in _claims_from_text(text)}
            self._let_in = {line.device_key for line in self._by_key.values()}
            self._arrived &= self._let_in
        for line in self._by_key.values():
            if line.is_open:
                self._clock.has_passed(line.at)  # that it has ended is to be remembered, whether it is tried or not

    def redeem(self, claim_key: str, device_key: str) -> str:
        """Put a device on the list and mark the code as used; the device's name. The same again is no second use.

        Args:
            claim_key: the key of the connection that the claim came over.

        Raises:
            PeerRejected: the code is used, expired, revoked or unknown, or the key cannot be taken.
            LinkError: a file cannot be written; nothing was promised.
        """
        self.refresh()
        if not self._file.is_known:
            raise LinkError(f"{self._path}: cannot be read")
        reason, line = self.refusal(claim_key), self._by_key.get(claim_key)
        if reason or line is None:
            raise PeerRejected(f"{reason or 'refused key'}: ask for a new code")
        if line.state is ClaimState.USED and line.device_key != device_key:
            raise PeerRejected(
                f"used code: it was used at {line.at:%Y-%m-%d %H:%M} UTC with another key; if that was not you, "
                f"revoke {line.name} at the collector and ask for a new code"
            )
        if line.state is ClaimState.OPEN:
            self._admit(line, device_key)
        elif not any(device.key == device_key for device in read_devices(self._allowed)):
            raise PeerRejected(f"used code: {line.name} was shut out since; ask for a new one")
        return line.name

    def _admit(self, line: ClaimLine, device_key: str) -> None:
        if device_key in self._by_key:
            raise PeerRejected("a claim code's own key cannot be a device's: make one")
        listed = read_devices(self._allowed) if self._allowed.exists() else []
        if Device(line.name, device_key) not in listed:  # else we were killed between the two files
            if any(line.name == device.name or device_key == device.key for device in listed):
                raise PeerRejected(f"{line.name} or this key is on the list already; revoke it there first")
            enrol(self._allowed, Device(line.name, device_key))
        now = self._clock.now()
        used = replace(line, state=ClaimState.USED, at=now, device_key=device_key)
        _change(self._path, lambda lines: [used if other.key == line.key else other for other in lines], now)
        self.refresh()


def _change(path: Path, change: Callable[[list[ClaimLine]], list[ClaimLine]], now: datetime) -> None:
    def changed(text: str) -> str:
        lines = change(_claims_from_text(text))
        return "".join(f"{line.line()}\n" for line in lines if now - line.at < _KEPT)

    rewrite(path, changed, _WHAT, mode=0o600, may_be_missing=True)


def _revoked(line: ClaimLine, now: datetime) -> ClaimLine:
    return replace(line, state=ClaimState.REVOKED, at=now)


def _claims_from_text(text: str) -> list[ClaimLine]:
    return [line for line in map(_claim_from_line, text.splitlines()) if line is not None]


def _claim_from_line(line: str) -> ClaimLine | None:
    words = line.split()
    if len(words) not in (4, 5) or not is_name(words[0]) or not is_key(words[1]):
        return None
    at = instant_from_text(words[3])
    if words[2] not in set(ClaimState) or at is None:
        return None
    return ClaimLine(words[0], words[1], ClaimState(words[2]), at, words[4] if len(words) == 5 else "")

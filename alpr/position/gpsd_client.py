"""The client of gpsd: a connection over TCP that is made again with growing pauses, and what comes over it, bounded.

Runs on a thread of its own. Whatever gpsd sends or does not send, no fix is all that it can cost.
"""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Callable, Iterator
from threading import Event

from alpr.clock import Clock
from alpr.errors import PositionError
from alpr.position.fix import Fix
from alpr.position.gpsd_reports import MAX_LINE_BYTES, GpsdDevices, GpsdError, Tpv, fix_from_report, report_from_line

_log = logging.getLogger(__name__)

_WATCH = b'?WATCH={"enable":true,"json":true};\n'
_CONNECT_S = 5.0
_LOOK_S = 0.5
SILENT_S = 20.0
"""Seconds without any report after which the connection is made anew."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
MOST_LINES_A_SECOND = 500
"""More than any receiver gives; whoever sends more would take the processor from the cameras."""


class GpsdClient:
    """Client of gpsd, which hands over fixes until it is stopped.

    Args:
        address: host and port.
        on_fix: given each fix.
        on_trouble: told in words why there is none.
        clock: whose steady count dates fixes.
        stop: set where it is to end.
    """

    def __init__(
        self,
        address: tuple[str, int],
        on_fix: Callable[[Fix], None],
        on_trouble: Callable[[str], None],
        clock: Clock,
        stop: Event,
    ) -> None:
        self._address = address
        self._name = f"gpsd at {address[0]}:{address[1]}"
        self._on_fix = on_fix
        self._on_trouble = on_trouble
        self._clock = clock
        self._stop = stop
        self._pause_s = FIRST_PAUSE_S
        self.connections = 0
        """Connections that were made so far."""

    def run(self) -> None:
        """Connect, and take what comes, again and again."""
        while not self._stop.is_set():
            try:
                self._once()
            except (PositionError, OSError) as error:
                self._on_trouble(f"{self._name}: {_words(error)}")
            pause_s = self._pause_s * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            self._stop.wait(pause_s)

    def _once(self) -> None:
        with socket.create_connection(self._address, timeout=_CONNECT_S) as connection:
            self.connections += 1
            connection.sendall(_WATCH)
            connection.settimeout(_LOOK_S)
            for line in self._lines(connection):
                self._take(line)

    def _take(self, line: bytes) -> None:
        report = report_from_line(line)
        if isinstance(report, Tpv):
            fix = fix_from_report(report, self._clock.monotonic_ns())
            if fix is not None:
                self._pause_s = FIRST_PAUSE_S
                self._on_fix(fix)
        elif isinstance(report, GpsdDevices) and not report.devices:
            self._on_trouble(f"{self._name} has no receiver: is it plugged in, and named in gpsd's options?")
        elif isinstance(report, GpsdError):
            raise PositionError(f"says {report.message[:200]!r}")

    def _lines(self, connection: socket.socket) -> Iterator[bytes]:
        """Yield the lines that come, until the other side closes or the client is stopped.

        Raises:
            PositionError: nothing comes, or too much.
        """
        splitter = _LineSplitter(self._clock)
        while not self._stop.is_set():
            try:
                piece = connection.recv(MAX_LINE_BYTES)
            except TimeoutError:
                splitter.check_silence()
                continue
            if not piece:
                raise PositionError("has closed the connection")
            yield from splitter.lines_with(piece)


class _LineSplitter:
    """What came over a connection, as lines, within bounds of length, rate and silence."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rest = b""
        self._heard_ns = self._second_ns = clock.monotonic_ns()
        self._lines = 0

    def lines_with(self, piece: bytes) -> list[bytes]:
        *whole, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise PositionError(f"sends a line of more than {MAX_LINE_BYTES} bytes; no gpsd does")
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._second_ns > 1e9:
            self._second_ns, self._lines = now_ns, 0
        self._lines += len(whole)
        if self._lines > MOST_LINES_A_SECOND:
            raise PositionError(f"sends more than {MOST_LINES_A_SECOND} lines a second; no gpsd does")
        lines = [line for line in whole if line.strip()]
        if lines:
            self._heard_ns = now_ns
        return lines

    def check_silence(self) -> None:
        if self._clock.monotonic_ns() - self._heard_ns > SILENT_S * 1e9:
            raise PositionError(f"has sent nothing for {SILENT_S:.0f} s: does the receiver work?")


def _words(error: Exception) -> str:
    if isinstance(error, PositionError):
        return str(error).removeprefix("gpsd: ")
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    if isinstance(error, TimeoutError):
        return "does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection: is it running?"
    return getattr(error, "strerror", None) or str(error)

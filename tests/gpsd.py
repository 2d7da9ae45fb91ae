"""A real gpsd, fed by a pseudo-terminal with the sentences of a receiver that drives a route."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path

import pytest

from tests.integration.link_world import a_free_port, wait_until

GPSD = shutil.which("gpsd") or shutil.which("gpsd", path="/usr/sbin:/usr/local/sbin")
needs_gpsd = pytest.mark.skipif(GPSD is None, reason="gpsd is not installed: apt install gpsd")


def sentence(body: str) -> bytes:
    """An NMEA 0183 sentence with its checksum."""
    checksum = reduce(lambda total, char: total ^ ord(char), body, 0)
    return f"${body}*{checksum:02X}\r\n".encode()


def sentences(latitude: float, longitude: float, speed_mps: float, course_deg: float, at: datetime) -> bytes:
    """What a receiver with nine satellites says in one second."""
    when, day = f"{at:%H%M%S}.{at.microsecond // 10_000:02d}", f"{at:%d%m%y}"
    where = f"{_degrees(latitude, 'NS', 2)},{_degrees(longitude, 'EW', 3)}"
    return (
        sentence(f"GPRMC,{when},A,{where},{speed_mps * 1.943844:.2f},{course_deg:.1f},{day},,,A")
        + sentence(f"GPGGA,{when},{where},1,09,0.9,45.0,M,47.0,M,,")
        + sentence("GPGSA,A,3,01,02,03,04,05,06,07,08,09,,,,1.6,0.9,1.3")
    )


def no_fix_sentences(at: datetime) -> bytes:
    """What a receiver says that sees no satellites."""
    when, day = f"{at:%H%M%S}.{at.microsecond // 10_000:02d}", f"{at:%d%m%y}"
    return (
        sentence(f"GPRMC,{when},V,,,,,,,{day},,,N")
        + sentence(f"GPGGA,{when},,,,,0,00,99.9,,M,,M,,")
        + sentence("GPGSA,A,1,,,,,,,,,,,,,99.9,99.9,99.9")
    )


def _degrees(value: float, signs: str, digits: int) -> str:
    whole, minutes = divmod(abs(value) * 60, 60)
    return f"{int(whole):0{digits}d}{minutes:08.5f},{signs[value < 0]}"


class Receiver:
    """Drives to the north from a start, and says so many times a second, until it is told otherwise."""

    def __init__(self, latitude: float = 52.0, longitude: float = 4.3, rate_hz: float = 5.0) -> None:
        self.latitude, self.longitude = latitude, longitude
        self.speed_mps = 20.0
        self.course_deg = 0.0
        self.has_fix = True
        self.is_stuck = False
        self.clock_ahead_s = 0.0
        self._period_s = 1 / rate_hz
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        Path(self.path).chmod(0o666)  # gpsd drops its rights
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        while not self._stop.wait(self._period_s):
            at = datetime.fromtimestamp(time.time() + self.clock_ahead_s, UTC)
            if not self.has_fix:
                os.write(self._master, no_fix_sentences(at))
                continue
            if not self.is_stuck:
                self.latitude += self.speed_mps * self._period_s / 111_195
            os.write(self._master, sentences(self.latitude, self.longitude, self.speed_mps, self.course_deg, at))


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def a_gpsd(receiver: Receiver, port: int | None = None) -> Iterator[int]:
    """Runs until the block ends; its port."""
    assert GPSD is not None
    port = port or a_free_port()
    command = [GPSD, "-N", "-n", "-S", str(port), receiver.path]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port))
        yield port
    finally:
        process.terminate()
        process.wait(10)

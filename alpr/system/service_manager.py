"""Words to systemd: ready, reloading, stopping, alive, and what a person reads in `systemctl status`.

The protocol of sd_notify(3): datagrams to the socket that `NOTIFY_SOCKET` names. Without it, nothing is sent.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

_log = logging.getLogger(__name__)


class ServiceManager:
    """The service manager that started this process, or nobody.

    Args:
        environment: names the socket and the watchdog's time; None takes the process's own.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        address = given.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        self._patience_s = _watchdog_s(given)
        self._alive_at_s = float("-inf")

    def ready(self, status: str) -> None:
        """Say that the program does what it is for.

        Args:
            status: one line for people.
        """
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def reloading(self) -> None:
        """Say that a new configuration is being taken; `ready` says that it is over."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Say that the program ends in order."""
        self._send("STOPPING=1")

    def tell(self, status: str) -> None:
        """Change what `systemctl status` shows.

        Args:
            status: one line for people.
        """
        self._send(f"STATUS={_line(status)}")

    def alive(self) -> None:
        """Tell the watchdog that the program goes on; to be called often, it speaks no more often than it must."""
        if self._patience_s is None:
            return
        now_s = time.monotonic()
        if now_s - self._alive_at_s >= self._patience_s / 4:
            self._alive_at_s = now_s
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.sendto(text.encode("utf-8"), self._address)
        except OSError as error:  # systemd decides what comes of its not hearing us: reading goes on
            _log.debug("the service manager was not reached: %s", error)


def _line(text: str) -> str:
    return " ".join(text.split())


def _watchdog_s(given: Mapping[str, str]) -> float | None:
    patience_us, pid = given.get("WATCHDOG_USEC", ""), given.get("WATCHDOG_PID", "")
    if not patience_us.isdecimal() or int(patience_us) == 0 or (pid.isdecimal() and int(pid) != os.getpid()):
        return None
    return int(patience_us) / 1e6

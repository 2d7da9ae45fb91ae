"""Receivers of webhooks and MQTT brokers that die, fail, fall silent and lie about what they took."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Literal

from bench.faults import receiver
from bench.faults.reckoning import undelivered
from bench.faults.stage import a_free_port, wait_until
from bench.faults.strikes import arrive_again
from bench.faults.whole import Whole

_MOODS = ("refuse", "deny", "cut", "half", "mute", "dead")
_CAUGHT_UP_S = 180.0


class Receiver:
    """A process that takes events, and the book that it keeps of them."""

    def __init__(self, folder: Path, kind: Literal["http", "mqtt"]) -> None:
        self.port = a_free_port()
        self.book = folder / "receiver.book"
        self._kind = kind
        self._mood = folder / "receiver.mood"
        self._process: subprocess.Popen[bytes] | None = None
        self.be("good")

    def be(self, mood: str) -> None:
        """Behave in another way from the next event on."""
        fresh = self._mood.with_suffix(".fresh")
        fresh.write_text(mood)
        fresh.replace(self._mood)

    def start(self) -> None:
        """Begin to listen."""
        words = [sys.executable, receiver.__file__, self._kind, str(self.port), str(self.book), str(self._mood)]
        self._process = subprocess.Popen(words, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def taken(self) -> list[dict[str, Any]]:
        """The events that it has taken."""
        whole = self.book.read_bytes().rpartition(b"\n")[0] if self.book.exists() else b""
        return [json.loads(line) for line in whole.split(b"\n") if line]


def with_webhook(folder: Path, road: Path, stack: ExitStack) -> Whole:
    """A collector that posts reads and hits."""
    taker = _taker(folder, "http", stack)
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text("shared with the receiver")
    hook = {
        "name": "desk",
        "url": f"http://127.0.0.1:{taker.port}/",
        "secret_file": str(secret),
        "events": ["hit", "read"],
    }
    return _watched(Whole(folder, road, collector={"webhooks": [hook]}), taker)


def with_mqtt(folder: Path, road: Path, stack: ExitStack) -> Whole:
    """A collector that publishes reads and hits."""
    taker = _taker(folder, "mqtt", stack)
    broker = {"host": "127.0.0.1", "port": taker.port, "tls": False, "events": ["hit", "read"]}
    return _watched(Whole(folder, road, collector={"mqtt": broker}), taker)


def bad_receiver(whole: Whole, chance: Random, pace: float) -> None:
    """For 2 to 5 s it dies, fails, breaks off, denies what it took or is mute; one in four, the collector dies."""
    taker = whole.receiver
    if not isinstance(taker, Receiver):
        raise TypeError("no receiver to turn bad")
    mood = chance.choice(_MOODS)
    if mood == "dead":
        taker.close()
    else:
        taker.be(mood)
    time.sleep(chance.uniform(2, 5) * pace)
    if chance.random() < 0.25:
        whole.kill(whole.collector)
    if mood == "dead":
        taker.start()
    taker.be("good")
    arrive_again(whole)


def _taker(folder: Path, kind: Literal["http", "mqtt"], stack: ExitStack) -> Receiver:
    taker = Receiver(folder, kind)
    stack.callback(taker.close)
    taker.start()
    return taker


def _watched(whole: Whole, taker: Receiver) -> Whole:
    def caught_up() -> None:
        try:
            wait_until(lambda: not left(), _CAUGHT_UP_S, "the receiver has all")
        except TimeoutError:
            whole.undelivered = left()

    def left() -> int:
        return len(undelivered(whole.collector.entries(), taker.taken()))

    whole.receiver = taker
    whole.before_end.append(caught_up)
    return whole

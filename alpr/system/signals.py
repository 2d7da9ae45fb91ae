"""Ends a program that runs until it is stopped, by SIGTERM (as systemd sends it) or SIGINT (Ctrl-C)."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_log = logging.getLogger(__name__)


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call a function on SIGTERM and SIGINT while the block runs; main thread only.

    The handlers that were set before are put back afterwards.

    Args:
        stop: ends the program soon and returns at once; it may be called more than once.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        _log.info("%s: stopping", signal.Signals(number).name)
        stop()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

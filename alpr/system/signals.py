"""Signals to a program that runs until it is stopped: SIGTERM (as systemd sends it) or SIGINT (Ctrl-C); SIGHUP."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_log = logging.getLogger(__name__)


@contextmanager
def stopped_by_signals(stop: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[None]:
    """Call a function on SIGTERM and SIGINT while the block runs, and another on SIGHUP; main thread only.

    SIGHUP ends no program. The handlers that were set before are put back afterwards.

    Args:
        stop: ends the program soon and returns at once; it may be called more than once.
        reload: takes the configuration anew, likewise; None where the program cannot.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        _log.info("%s: stopping", signal.Signals(number).name)
        stop()

    def on_hang_up(_number: int, _frame: FrameType | None) -> None:
        if reload is None:
            _log.warning("SIGHUP: this program takes no configuration while it runs; restart it instead")
        else:
            _log.info("SIGHUP: taking the configuration anew")
            reload()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, on_hang_up)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Sticks that are plugged into a running device: visited on a thread of their own, and said in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.errors import ConfigError, StickError, StoreError
from alpr.link.keys.curve_keys import load_key_pair, load_public_key
from alpr.stick.device import DeviceStick, DeviceVisit
from alpr.stick.files import MARKER
from alpr.system.guarded_thread import GuardedThread
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
LOOK_S = 2.0
"""Seconds between two looks for a stick."""
AGAIN_S = 60.0
"""A stick that stays gets what is new that often."""
_CLOSE_S = 5.0


class StickWatch:
    """Visits marked sticks while entered.

    Args:
        side: visits one.
        folders: where sticks are mounted.
        clock: for the timers.
    """

    def __init__(self, side: DeviceStick, folders: Sequence[Path], clock: Clock) -> None:
        self._side = side
        self._folders = folders
        self._again = {folder: Every(AGAIN_S, clock) for folder in folders}
        self._known: dict[Path, frozenset[str]] = {}
        self._stop = Event()
        self._thread = GuardedThread("sticks", self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            for folder in self._folders:
                self._look(folder)

    def _look(self, folder: Path) -> None:
        """Visit a stick that is new, was changed by somebody else, or has been there for a while."""
        there = _names_in(folder)
        if MARKER not in there:
            self._known.pop(folder, None)
            return
        if there == self._known.get(folder) and not self._again[folder].is_due():
            return
        try:
            visit = self._side.visit(folder)
        except (StickError, StoreError, OSError) as error:
            _log.error("stick in %s: %s", folder, error)
        else:
            _say(folder, visit)
        self._again[folder].start_over()
        self._known[folder] = _names_in(folder)


def open_sticks(config: EdgeConfig, clock: Clock, stack: ExitStack) -> None:
    """Begin to watch for sticks, where the configuration names folders.

    Args:
        config: of the device.
        clock: for the timers.
        stack: ends the watch.

    Raises:
        LinkError: a key file cannot be used.
    """
    if config.stick is not None and config.stick.folders:
        stack.enter_context(StickWatch(stick_side(config, clock), config.stick.folders, clock))


def stick_side(config: EdgeConfig, clock: Clock) -> DeviceStick:
    """Build what visits sticks, with the keys of `stick` or else of `link`.

    Args:
        config: of the device.
        clock: tells when a file is made.

    Raises:
        ConfigError: there are no keys.
        LinkError: a key file cannot be used.
    """
    key_file, server_key = _keys(config)
    lists = config.device.data_dir / "hotlists" if config.hotlist and config.hotlist.admins else None
    return DeviceStick(config.device.journal, load_key_pair(key_file), load_public_key(server_key), lists, clock)


def _keys(config: EdgeConfig) -> tuple[Path, str]:
    key_file = server_key = None
    if config.stick is not None:
        key_file, server_key = config.stick.key_file, config.stick.server_key
    if config.link is not None:
        key_file, server_key = key_file or config.link.key_file, server_key or config.link.server_key
    if key_file is None or server_key is None:
        raise ConfigError("sticks need keys: give stick.key_file and stick.server_key, or a link")
    return key_file, server_key


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(path.name for path in folder.iterdir())
    except OSError:  # no stick
        return frozenset()


def _say(folder: Path, visit: DeviceVisit) -> None:
    if visit.acked or visit.refused or visit.written or visit.lists:
        _log.info(
            "stick in %s: %d records written, %d acknowledged, %d refused, %d list updates taken",
            *(folder, visit.written, visit.acked, visit.refused, len(visit.lists)),
        )
    for problem in visit.problems:
        _log.warning("stick in %s: %s", folder, problem)
    if visit.left:
        _log.error("stick in %s: no room for %d records: they stay on this device", folder, visit.left)

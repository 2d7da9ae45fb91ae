"""Taking a changed configuration while a device runs: what is asked for, and what a thread has made ready of it.

The main thread goes on with frames meanwhile; it takes over in `alpr.edge.app`.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.edge.parts import check_parts, open_reader
from alpr.errors import AlprError, ConfigError
from alpr.reading.plate_reader import PlateReader
from alpr.system.reload_outcome import ReloadOutcome, ReloadResult, write_outcome

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that was checked, and its models."""

    config: EdgeConfig
    reader: PlateReader


class Reloads:
    """Prepares a configuration on a thread of its own, and reports what came of it.

    Args:
        load: reads the configuration anew; None where there is nothing to read it from.
        folder: of the device's data, where the outcome of each reload is written.
        clock: dates outcomes.
    """

    def __init__(self, load: Callable[[], EdgeConfig] | None, folder: Path, clock: Clock) -> None:
        self._load = load
        self._folder = folder
        self._clock = clock
        self._asked = threading.Event()
        self._thread: threading.Thread | None = None
        self._prepared: Prepared | None = None
        self._number = 0

    def ask(self) -> None:
        """Ask for a reload; from any thread or signal handler. One that is asked for meanwhile follows."""
        self._asked.set()

    def poll(self, in_use: Prepared) -> bool:
        """Go on with what was asked for; True where a configuration is ready to be taken. Never blocks.

        Args:
            in_use: what a new one is compared with.
        """
        if self._prepared is not None:
            return True
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
            return self._prepared is not None
        if self._thread is None and self._asked.is_set():
            self._asked.clear()
            self._number += 1
            self._thread = threading.Thread(target=self._prepare, args=(in_use,), name="reload", daemon=True)
            self._thread.start()
        return False

    def take(self) -> Prepared:
        """Return the configuration that is ready, once."""
        prepared, self._prepared = self._prepared, None
        assert prepared is not None  # noqa: S101 - `poll` said so
        return prepared

    def report(self, outcome: ReloadOutcome, message: str) -> None:
        """Log what came of a reload, and write it where `alpr reload` looks.

        Args:
            outcome: of the reload.
            message: for people, one line for each thing.
        """
        level = logging.INFO if outcome.is_good else logging.ERROR
        _log.log(level, "reload: %s: %s", outcome.value, message.replace("\n", "; "))
        try:
            result = ReloadResult(os.getpid(), self._number, outcome, message, self._clock.now().isoformat())
            write_outcome(self._folder, result)
        except OSError as error:
            _log.warning("%s: the outcome of the reload cannot be written (%s)", self._folder, error.strerror)

    def _prepare(self, in_use: Prepared) -> None:
        try:
            prepared = self._checked(in_use)
        except (AlprError, OSError) as error:
            told = str(error) if isinstance(error, ConfigError) else str(error).replace("\n", " ")
            self.report(ReloadOutcome.REFUSED, f"{told}\nthe configuration before stays in use")
        except Exception as error:
            _log.exception("the reload failed by a bug in alpr; please report it")
            self.report(ReloadOutcome.REFUSED, f"{error!r}\nthe configuration before stays in use")
        else:
            self._prepared = prepared

    def _checked(self, in_use: Prepared) -> Prepared | None:
        """Read and check the configuration; None where nothing has changed.

        Raises:
            AlprError: it cannot be used.
        """
        if self._load is None:
            raise ConfigError("this run was not started from a configuration file; restart it")
        config, new = in_use.config, self._load()
        if new == config:
            self.report(ReloadOutcome.UNCHANGED, "the configuration says what it said before")
            return None
        if new.device.data_dir != config.device.data_dir:
            raise ConfigError(
                f"device.data_dir: {new.device.data_dir} instead of {config.device.data_dir} takes a restart"
            )
        if new.page != config.page:
            raise ConfigError("page: a change of the page takes a restart")
        reader = in_use.reader if _models_of(new) == _models_of(config) else open_reader(new)
        check_parts(new, self._clock, reader=reader, is_running=True)
        return Prepared(new, reader)


def _models_of(config: EdgeConfig) -> tuple[object, ...]:
    return config.models, config.ocr, config.detection_threshold

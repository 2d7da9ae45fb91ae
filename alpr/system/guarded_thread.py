"""A thread whose failure is not silent: the exception is kept, logged and told to whoever watches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class GuardedThread:
    """Runs one function on a thread of its own.

    Args:
        on_failure: told, on that thread, what it died of.
    """

    def __init__(
        self, name: str, run: Callable[[], None], on_failure: Callable[[Exception], None] | None = None
    ) -> None:
        self._run = run
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)
        self.failure: Exception | None = None
        """What it died of; None while it runs or after it ended well."""

    def start(self) -> None:
        """Start it; once only."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; return False where it still runs.

        Args:
            timeout_s: the longest wait; None waits for ever.
        """
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.failure = error
            _log.exception("thread %s died", self._thread.name)
            if self._on_failure is not None:
                self._on_failure(error)

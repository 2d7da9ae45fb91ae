"""`alpr` with a clock that can be set wrong: SIGUSR1 sets it an hour on, SIGUSR2 an hour back.

python -m bench.faults.stepped run --json -c edge.yaml
"""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

from alpr import cli
from alpr.clock import SystemClock

_HOUR = timedelta(hours=1)


class Stepped:
    """By how much the clock is wrong."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def step(self, number: int, _frame: object) -> None:
        """An hour on or back."""
        self._offset += _HOUR if number == signal.SIGUSR1 else -_HOUR

    def now(self) -> datetime:
        """As the wrong clock shows it."""
        return datetime.now(UTC) + self._offset


def main() -> None:
    stepped = Stepped()
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, stepped.step)
    setattr(SystemClock, "now", lambda _: stepped.now())  # noqa: B010 - that is the fault; a checker forbids it plainly
    cli.main()


if __name__ == "__main__":
    main()

"""The progress bar of long work: on a terminal only, so that logs and pipes have nothing of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from alpr.system.printable import printable
from alpr.system.progress import Progress

SHORT_S = 0.5
"""Work that is done sooner shows no bar."""
_STEPS = 1000


@contextmanager
def progress_bar(label: str) -> Iterator[Progress | None]:
    """Show on stderr how much is done; yields None where that is no terminal.

    Args:
        label: stands before the bar, such as a file's name; made printable here.
    """
    if not sys.stderr.isatty():
        yield None
        return
    begin_s = time.monotonic()
    with ExitStack() as stack:
        bars: list[Any] = []  # one, once it is shown
        done = 0

        def show(share: float) -> None:
            nonlocal done
            if not bars:
                if time.monotonic() - begin_s < SHORT_S:
                    return
                bar = click.progressbar(length=_STEPS, label=printable(label), file=sys.stderr)
                bars.append(stack.enter_context(bar))
            step = round(share * _STEPS) - done
            done += step
            bars[0].update(step)

        yield show

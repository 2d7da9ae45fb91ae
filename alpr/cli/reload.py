"""`alpr reload`: makes a running device take its changed configuration, and says what came of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alpr.cli.output import print_line, say

if TYPE_CHECKING:
    from alpr.system.reload_outcome import ReloadResult

_POLL_S = 0.1


@click.command()
@click.option("-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), metavar="EDGE.yaml")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(1, 600), default=60.0, show_default=True, help="Seconds to wait."
)
def command(config_path: Path, timeout_s: float) -> None:
    """Make the device that runs take its configuration anew, without a restart.

    The same as SIGHUP to it, but this waits for the outcome. A configuration that cannot be used is refused, and one
    under which a camera or the collector stops working is rolled back: the run goes on in any case. Exit code 1 where
    the file is not in use at the end.
    """
    from alpr.config import load_edge_config
    from alpr.system.reload_outcome import read_outcome
    from alpr.system.run_lock import running_process

    folder = load_edge_config(config_path).device.data_dir  # with mistakes in it nothing is disturbed
    pid = running_process(folder)
    if pid is None:
        raise click.ClickException(f"no alpr run uses {folder}; start it with alpr run -c {config_path}")
    before = read_outcome(folder)
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError as error:
        raise click.ClickException(
            f"process {pid} belongs to another user; run this as root or as that user"
        ) from error
    result = before
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        result = read_outcome(folder)
        if result is not None and _number(result) != _number(before) and result.outcome.is_over:
            break
        if running_process(folder) != pid:
            raise click.ClickException(f"process {pid} has ended; see its log")
        time.sleep(_POLL_S)
    else:
        raise click.ClickException(f"process {pid} has not answered for {timeout_s:.0f} s; see its log")
    assert result is not None  # noqa: S101
    for line in (f"{result.outcome.value}: {result.message}").split("\n"):
        if result.outcome.is_good:
            print_line(line)
        else:
            say(line)
    sys.exit(0 if result.outcome.is_good else 1)


def _number(result: ReloadResult | None) -> tuple[int, int]:
    return (0, 0) if result is None else (result.pid, result.number)

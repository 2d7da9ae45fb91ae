"""`alpr collector`: receive, store and acknowledge what devices send."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="collector.yaml")
def command(config_path: Path) -> None:
    """Receive, store and acknowledge what devices send, until SIGTERM or Ctrl-C.

    Reads, hits and reported losses go to stdout as JSON lines once they are durably stored; hits also to the log.
    """
    from alpr.collector.service.app import Collector
    from alpr.config import load_collector_config
    from alpr.system.signals import stopped_by_signals

    collector = Collector(load_collector_config(config_path))
    with stopped_by_signals(collector.stop):
        collector.run()

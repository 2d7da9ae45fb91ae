"""`alpr collector`: receive, store and ack what devices send."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="collector.yaml")
def command(config_path: Path) -> None:
    """Receive, store and ack what devices send, until SIGTERM or Ctrl-C.

    Reads, hits and reported losses go to stdout as JSON lines once they are durably stored; hits also to the log.
    """
    from alpr.collector.health import HealthLimits
    from alpr.collector.service import run_collector, stopped_by_signals
    from alpr.config import load_collector_config

    config = load_collector_config(config_path)
    with stopped_by_signals() as stop:
        run_collector(
            config.listen,
            config.database,
            config.key_file,
            config.allowed_devices,
            limits=HealthLimits(**config.health.model_dump()),
            stop=stop,
        )

"""`alpr collector`: receive, store and ack what devices send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alpr.collector.hotlists import HotlistSettings
    from alpr.config import CollectorConfig
    from alpr.forward.target import Target


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
            key_grace_s=config.key_grace_s,
            day_bytes=round(config.device_gib_a_day * 2**30),
            limits=HealthLimits(**config.health.model_dump()),
            metrics=(config.metrics.address, config.metrics.port) if config.metrics else None,
            targets=_targets(config),
            receivers=config.receivers,
            published=_published(config),
            witness_file=config.audit.witness_file if config.audit else None,
            stop=stop,
        )


def _published(config: CollectorConfig) -> HotlistSettings | None:
    from alpr.collector.hotlists import HotlistSettings
    from alpr.hotlist.match.hits import max_ages_from_hours

    lists = config.hotlists
    if lists is None:
        return None
    max_ages = max_ages_from_hours(lists.max_age_h, lists.max_age_h_by_list)
    return HotlistSettings(lists.folder, lists.admins, lists.signatures_needed, lists.check_past, max_ages)


def _targets(config: CollectorConfig) -> list[Target]:
    from alpr.errors import ConfigError
    from alpr.forward.mqtt import Broker, Mqtt
    from alpr.forward.webhook import Webhook

    targets: list[Target] = [
        Webhook(hook.name, hook.url, _secret(hook.secret_file), frozenset(hook.events), body=hook.format)
        for hook in config.webhooks
    ]
    if (mqtt := config.mqtt) is not None:
        password = _secret(mqtt.password_file).decode() if mqtt.password_file else ""
        ca_file = str(mqtt.ca_file) if mqtt.ca_file else None
        broker = Broker(mqtt.host, mqtt.port, mqtt.username, password, mqtt.tls, ca_file)
        targets.append(Mqtt(mqtt.name, broker, frozenset(mqtt.events), topic=mqtt.topic, discovery=mqtt.discovery))
    names = [target.name for target in targets]
    if len(set(names)) < len(names):
        raise ConfigError(
            "webhooks, mqtt: two of the same name; each needs its own, its place in the queue hangs on it"
        )
    return targets


def _secret(path: Path) -> bytes:
    """A secret from a file that nobody else may read."""
    from alpr.errors import ConfigError
    from alpr.system.regular_files import read_regular

    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others may read this secret; chmod 600 {path}")
        return read_regular(path, 64 << 10).strip()
    except OSError as error:
        raise ConfigError(f"{path}: the secret cannot be read ({error.strerror})") from error

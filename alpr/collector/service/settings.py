"""Maps a collector's configuration to the settings of its parts, which never see it."""

from __future__ import annotations

from pathlib import Path

from alpr.collector.health.board import HealthLimits
from alpr.collector.hotlists.hotlists import HotlistSettings
from alpr.config import CollectorConfig
from alpr.errors import ConfigError
from alpr.forward.mqtt import Broker, Mqtt
from alpr.forward.target import Target
from alpr.forward.webhook import Webhook
from alpr.hotlist.match.hits import max_ages_from_hours
from alpr.system.regular_files import read_regular

_MAX_SECRET_BYTES = 64 << 10


def health_limits(config: CollectorConfig) -> HealthLimits:
    """Map a configuration to the limits beyond which a device's health raises an alert.

    Args:
        config: of the collector.
    """
    return HealthLimits(**config.health.model_dump())


def day_bytes(config: CollectorConfig) -> int:
    """Map a configuration to the number of bytes of one device that are stored on a day.

    Args:
        config: of the collector.
    """
    return round(config.device_gib_a_day * 2**30)


def hotlist_settings(config: CollectorConfig) -> HotlistSettings | None:
    """Map a configuration to the settings of hotlist updates; None where none are handed on.

    Args:
        config: of the collector.
    """
    lists = config.hotlists
    if lists is None:
        return None
    max_ages = max_ages_from_hours(lists.max_age_h, lists.max_age_h_by_list)
    return HotlistSettings(
        folder=lists.folder,
        admins=lists.admins,
        signatures_needed=lists.signatures_needed,
        check_past=lists.check_past,
        max_ages=max_ages,
    )


def targets_of(config: CollectorConfig) -> list[Target]:
    """Build the webhooks and the broker that events are carried on to; reads their secrets.

    Args:
        config: of the collector.

    Raises:
        ConfigError: a secret cannot be read or may be read by others, or two targets share a name.
        ForwardError: an address or a secret cannot be used.
    """
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
            "webhooks, mqtt: two have the same name; each needs its own, by which its place in the queue is kept"
        )
    return targets


def _secret(path: Path) -> bytes:
    """Read a secret from a file that nobody else may read."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others may read this secret; chmod 600 {path}")
        return read_regular(path, _MAX_SECRET_BYTES).strip()
    except OSError as error:
        raise ConfigError(f"{path}: the secret cannot be read ({error.strerror})") from error

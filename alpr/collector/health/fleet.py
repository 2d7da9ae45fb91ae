"""All devices in one table: who is allowed, and how each is. Pure; the rows of `alpr device list`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from alpr.collector.health.store import StoredAlert, StoredHeartbeat
from alpr.link.keys.allowlist import Device
from alpr.link.protocol.heartbeat_messages import Heartbeat

Row = dict[str, Any]


def fleet(
    devices: Iterable[Device],
    latest: Mapping[str, StoredHeartbeat],
    standing: Collection[StoredAlert],
    now: datetime,
    silent_after_s: float,
) -> list[Row]:
    """Return one row for each device, with all that is known of it: what `--json` prints.

    Args:
        devices: on the allow-list.
        latest: the last heartbeat of each, by name.
        standing: the alerts that stand.
        now: in UTC.
        silent_after_s: seconds without a heartbeat after which a device counts as silent.
    """
    rows = []
    for device in devices:
        if device.until is not None:  # a key that was replaced; the device has a line of its own
            continue
        kept = latest.get(device.name)
        alerts = sorted({alert.problem.kind.value for alert in standing if alert.problem.device == device.name})
        silent_s = None if kept is None else max(0.0, (now - kept.received_at).total_seconds())
        rows.append(
            {
                "name": device.name,
                "key": device.key,
                "state": _state(silent_s, alerts, silent_after_s),
                "alerts": alerts,
                "heard_at": None if kept is None else kept.received_at.isoformat(timespec="milliseconds"),
                "silent_s": None if silent_s is None else round(silent_s, 1),
                "health": None if kept is None else msgspec.to_builtins(kept.heartbeat),
            }
        )
    return rows


def table_row(row: Row, heartbeat: Heartbeat | None) -> Row:
    """Return a row in a few words for a terminal.

    Args:
        row: from `fleet`.
        heartbeat: the device's last; None for none.
    """
    few: Row = {"device": row["name"], "state": row["state"], "heard": _age(row["silent_s"])}
    if heartbeat is None:
        return few | dict.fromkeys(("cameras", "waiting", "clock", "disk free", "temp", "lists", "software"), "")
    vitals = heartbeat.vitals
    running = [camera for camera in vitals.cameras if camera.state == "running"]
    rates = "/".join(f"{camera.fps:.0f}" for camera in running)
    waiting = sum(heartbeat.outbox.waiting.values())
    oldest = max(heartbeat.outbox.oldest_age_s.values(), default=None)
    clock, machine = heartbeat.clock, vitals.machine
    return few | {
        "cameras": f"{len(running)}/{len(vitals.cameras)}{f' {rates} fps' if rates else ''}",
        "waiting": f"{waiting}{f' ({_age(oldest)})' if waiting else ''}",
        "clock": "" if clock is None else f"{clock.offset_s:+.3f} s ±{clock.uncertainty_s:.3f}",
        "disk free": "" if machine.disk_free_bytes is None else f"{machine.disk_free_bytes / 1e9:.1f} GB",
        "temp": "" if machine.temperature_c is None else f"{machine.temperature_c:.0f} °C",
        "lists": ", ".join(f"{held.name} r{held.revision} {_age(held.age_s)}" for held in vitals.hotlists),
        "software": heartbeat.software,
    }


def without_key(devices: Iterable[Device], latest: Mapping[str, StoredHeartbeat], server_key: str) -> list[str]:
    """Return the names of the devices that have not reported that they hold a key of the collector.

    Args:
        devices: on the allow-list.
        latest: the last heartbeat of each, by name.
        server_key: the public key, in Z85.
    """
    holders = {name for name, kept in latest.items() if server_key in kept.heartbeat.server_keys}
    return sorted({device.name for device in devices} - holders)


def _state(silent_s: float | None, alerts: list[str], silent_after_s: float) -> str:
    if silent_s is None:
        return "never heard"
    if silent_s > silent_after_s:  # also where no collector runs that would have raised an alert
        alerts = sorted({*alerts, "silent"})
    return ", ".join(alerts) or "ok"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"

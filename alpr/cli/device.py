"""`alpr device`: which devices may connect to the collector, and their state."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alpr.cli.output import json_option, print_line, print_rows, say, wants_json

if TYPE_CHECKING:
    from alpr.config import CollectorConfig

_config_option = click.option(
    "-c", "--config", "config_path", type=click.Path(path_type=Path), help="The collector's configuration."
)
_allowed_option = click.option(
    "--allowed",
    type=click.Path(path_type=Path),
    help="Instead of --config: the list of allowed devices (`allowed_devices` in it).",
)


@click.group()
def command() -> None:
    """Admit devices, show their state, and revoke them.

    A running collector notices within a second: a new device gets in, a revoked one loses its connection.
    """


@command.command()
@click.argument("name")
@click.option(
    "-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="The collector's."
)
@click.option("--address", help="tcp://host:port by which the device reaches the collector; else `address` there.")
@click.option(
    "--hours", type=click.FloatRange(0.01, 24 * 30), default=48.0, show_default=True, help="Hours the code is valid."
)
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Write the QR code there too.")
def new(name: str, config_path: Path, address: str | None, hours: float, svg: Path | None) -> None:
    """At the collector: print a claim code with which one new device lets itself in, once.

    The code holds the collector's address and public key and a secret of 160 bits. Who has it can become NAME: hand
    it on like a password. A second code for the same NAME ends the first, and so does `alpr device revoke NAME`.
    """
    from alpr.clock import SystemClock
    from alpr.config import load_collector_config
    from alpr.errors import LinkError
    from alpr.link.keys.claim_code import new_claim_code
    from alpr.link.keys.claims import issue
    from alpr.link.keys.curve_keys import load_key_pair
    from alpr.link.keys.steady_clock import highest_time

    config = load_collector_config(config_path)
    endpoint = address or config.address or config.listen
    if any(f"//{wildcard}:" in endpoint for wildcard in ("0.0.0.0", "[::]", "*")):  # noqa: S104 - refused
        raise LinkError(f"{endpoint}: no device can connect to that; give --address, or `address` in {config_path}")
    code = new_claim_code(endpoint, load_key_pair(config.key_file).public)
    now = highest_time(config.allowed_devices, SystemClock().now())
    until = now + timedelta(hours=hours)
    issue(config.allowed_devices, name, code.keys.public, until, now)
    print_line(code.text)
    _show_qr(code.text, svg)
    say(f"on the device, before {until:%Y-%m-%d %H:%M} UTC:  alpr device enrol CODE --dir /etc/alpr")


def _show_qr(text: str, svg: Path | None) -> None:
    import segno

    from alpr.errors import LinkError

    picture = segno.make(text, error="m", micro=False, boost_error=False)
    if sys.stderr.isatty():
        picture.terminal(sys.stderr, compact=True, border=2)
    if svg is not None:
        try:
            picture.save(str(svg), kind="svg", scale=4)
        except OSError as error:
            raise LinkError(f"{svg}: cannot write the QR code ({error.strerror})") from error


@command.command()
@click.argument("code")
@click.option(
    "--dir",
    "folder",
    default=Path("/etc/alpr"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the device's key and its `link:` block are written.",
)
def enrol(code: str, folder: Path) -> None:
    """Make this device's key and let it in with a claim CODE (`-` reads it from stdin). Run it on the device.

    The private key never leaves this computer. Prints the block for the device's configuration.
    """
    from alpr.link.client.enrolment import enrol_with_code
    from alpr.link.keys.claim_code import claim_code_from_text

    text = sys.stdin.read() if code == "-" else code
    enrolment = enrol_with_code(claim_code_from_text(text), folder)
    for line in enrolment.link_file.read_text("utf-8").splitlines():
        print_line(line)
    say(f"this device is {enrolment.name} now; private key: {enrolment.key_file}")


# A key may begin with a hyphen; so there is no -c here, which might be one of its letters.
@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("public_key", metavar="PUBLIC_KEY", type=click.UNPROCESSED)
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="The collector's configuration.")
@_allowed_option
def allow(name: str, public_key: str, config_path: Path | None, allowed: Path | None) -> None:
    """At the collector: let a device in by hand. PUBLIC_KEY is its 40 characters in quotes, or its .pub file."""
    from alpr.link.keys.allowlist import Device, enrol
    from alpr.link.keys.curve_keys import load_public_key

    enrol(_list_of(config_path, allowed), Device(name, load_public_key(public_key)))
    say(f"{name} may now connect to the collector")


@command.command("list")
@_config_option
@_allowed_option
@json_option
def list_devices(config_path: Path | None, allowed: Path | None, as_json: bool) -> None:
    """Show who is allowed and, with --config, the state of each device."""
    from alpr.link.keys.allowlist import read_devices

    listed = _list_of(config_path, allowed)
    devices = read_devices(listed)
    _tell_codes(listed, is_empty=not devices)
    if config_path is None:
        print_rows(
            ({"name": device.name, "key": device.key} for device in devices if device.until is None), as_json=as_json
        )
        return
    from alpr.clock import SystemClock
    from alpr.collector.health.fleet import fleet, table_row
    from alpr.collector.health.store import read_alerts, read_latest
    from alpr.collector.store.files import health_path

    config = _collector(config_path)
    path = health_path(config.database)
    latest = read_latest(path) if path.exists() else {}
    standing = read_alerts(path, only_standing=True) if path.exists() else []
    rows = fleet(devices, latest, standing, SystemClock().now(), config.health.silent_after_s)
    if not wants_json(as_json):
        rows = [table_row(row, latest[row["name"]].heartbeat if row["name"] in latest else None) for row in rows]
    print_rows(rows, as_json=as_json)


@command.command()
@click.option(
    "-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="The collector's."
)
@click.option("--device", help="Only of this one.")
@click.option("--standing", is_flag=True, help="Only those that are still active.")
@json_option
def alerts(config_path: Path, device: str | None, standing: bool, as_json: bool) -> None:
    """At the collector: which devices were silent, had a wrong clock or an old hotlist; the newest first."""
    from alpr.collector.health.store import read_alerts
    from alpr.collector.store.files import health_path

    path = health_path(_collector(config_path).database)
    kept = read_alerts(path, only_standing=standing) if path.exists() else []
    rows = (
        {
            "device": alert.problem.device,
            "kind": alert.problem.kind.value,
            "subject": alert.problem.subject or None,
            "raised_at": alert.raised_at.isoformat(timespec="seconds"),
            "cleared_at": alert.cleared_at.isoformat(timespec="seconds") if alert.cleared_at else None,
            "text": alert.text,
        }
        for alert in kept
        if device in (None, alert.problem.device)
    )
    print_rows(rows, as_json=as_json)


def _tell_codes(allowed: Path, *, is_empty: bool) -> None:
    from alpr.clock import SystemClock
    from alpr.link.keys.claims import claims_path, read_claims

    path, now = claims_path(allowed), SystemClock().now()
    codes = [code for code in read_claims(path) if code.is_open and now < code.at] if path.exists() else []
    for code in codes:
        say(f"{code.name}: claim code not used yet, good until {code.at:%Y-%m-%d %H:%M} UTC")
    if is_empty and not codes:
        say("no device is allowed yet; let the first one in:  alpr device new NAME -c collector.yaml")


@command.command()
@click.option(
    "-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="The device's: edge.yaml"
)
def rotate(config_path: Path) -> None:
    """Replace this device's key. Nothing has to be stopped, and nothing is lost. Run it on the device.

    The collector learns the new key over the old one and takes both for a while (`key_grace_s` there); a link that
    runs changes to the new one by itself. If it is interrupted, run it again.
    """
    from alpr.config import load_edge_config
    from alpr.errors import LinkError
    from alpr.link.client.rotation import rotate_key
    from alpr.link.keys.curve_keys import load_public_key
    from alpr.link.keys.keyring import KeyRing

    config = load_edge_config(config_path)
    link = config.link
    if link is None:
        raise LinkError(f"{config_path}: no link is configured, so there is no key to replace")
    ring = KeyRing(link.key_file, load_public_key(link.server_key), config.device.collector_keys)
    rotation = rotate_key(link.collector, link.key_file, ring)
    print_line(rotation.public_key)
    until = f"until {rotation.old_until:%Y-%m-%d %H:%M} UTC" if rotation.old_until else "no longer"
    say(f"{link.key_file} holds a new key; the old one is valid {until}")


@command.command()
@click.argument("name")
@_config_option
@_allowed_option
def revoke(name: str, config_path: Path | None, allowed: Path | None) -> None:
    """Revoke a device: its connection is closed, and its open claim codes end."""
    from alpr.clock import SystemClock
    from alpr.link.keys.allowlist import read_devices
    from alpr.link.keys.allowlist import revoke as revoke_device
    from alpr.link.keys.claims import revoke_codes

    path, now = _list_of(config_path, allowed), SystemClock().now()
    codes = revoke_codes(path, name, now)
    if codes:
        say(f"the claim code for {name} is no longer valid")
    if not codes or (path.exists() and any(device.name == name for device in read_devices(path))):
        revoke_device(path, name, now)
        say(f"{name} may no longer connect to the collector")


def _list_of(config_path: Path | None, allowed: Path | None) -> Path:
    if (config_path is None) == (allowed is None):
        raise click.UsageError("give either --config or --allowed")
    return allowed if config_path is None and allowed is not None else _collector(config_path).allowed_devices


def _collector(config_path: Path | None) -> CollectorConfig:
    from alpr.config import load_collector_config

    assert config_path is not None  # noqa: S101 - else --allowed was given
    return load_collector_config(config_path)

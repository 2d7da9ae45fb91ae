"""`alpr device`: which devices may speak to the collector."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from alpr.cli.output import json_option, print_rows

_allowed_option = click.option(
    "--allowed",
    required=True,
    type=click.Path(path_type=Path),
    help="The collector's list of allowed devices (`allowed_devices` in its configuration).",
)


@click.group()
def command() -> None:
    """Make keys, and say which devices may speak to the collector.

    A running collector notices within a second: a new device gets in, a revoked one is heard no more.
    """


@command.command()
@click.argument("name")
@click.option(
    "--dir", "folder", required=True, type=click.Path(path_type=Path), help="Where the two key files are written."
)
def new(name: str, folder: Path) -> None:
    """Make the key pair of a device, or of a collector: NAME.key stays there, NAME.pub may be seen by all."""
    from alpr.errors import LinkError
    from alpr.link.keys import is_name, new_key_pair, write_key_pair

    if not is_name(name):
        raise LinkError(f"{name!r}: a name is letters, digits, dots, hyphens and underscores, at most 64")
    keys = new_key_pair()
    private, public = write_key_pair(keys, name, folder)
    click.echo(f"{name} {keys.public}")
    click.echo(f"private key: {private} (keep it there, mode 0600)", err=True)
    click.echo(f"public key:  {public}", err=True)
    line = f"alpr device enrol {name} {shlex.quote(keys.public)} --allowed FILE"
    click.echo(f"to let this device in, at the collector:  {line}", err=True)


# A key may begin with a hyphen.
@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("public_key", metavar="PUBLIC_KEY", type=click.UNPROCESSED)
@_allowed_option
def enrol(name: str, public_key: str, allowed: Path) -> None:
    """Allow a device. PUBLIC_KEY is its 40 characters in quotes, or its .pub file."""
    from alpr.link.allowlist import Device
    from alpr.link.allowlist import enrol as enrol_device
    from alpr.link.keys import load_public_key

    enrol_device(allowed, Device(name, load_public_key(public_key)))
    click.echo(f"{name} may now speak to the collector", err=True)


@command.command("list")
@_allowed_option
@json_option
def list_devices(allowed: Path, as_json: bool) -> None:
    """Show who is allowed."""
    from alpr.link.allowlist import read_devices

    print_rows(({"name": device.name, "key": device.key} for device in read_devices(allowed)), as_json=as_json)


@command.command()
@click.argument("name")
@_allowed_option
def revoke(name: str, allowed: Path) -> None:
    """Allow a device no more; a connection that stands is heard no more either."""
    from alpr.clock import SystemClock
    from alpr.link.allowlist import revoke as revoke_device

    revoke_device(allowed, name, SystemClock().now())
    click.echo(f"{name} may no longer speak to the collector", err=True)

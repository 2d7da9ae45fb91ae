"""`alpr key`: key pairs in files, for collectors and for devices that cannot enrol themselves."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.group()
def command() -> None:
    """Make the collector's key pair, and replace it."""


@command.command()
@click.argument("name")
@click.option(
    "--dir", "folder", required=True, type=click.Path(path_type=Path), help="Where the two key files are written."
)
def new(name: str, folder: Path) -> None:
    """Make a key pair: NAME.key stays where it is, NAME.pub may be seen by all.

    A device makes its own when it enrols (`alpr device enrol`); by hand, only where the two cannot reach each other.
    """
    from alpr.errors import LinkError
    from alpr.link.keys import is_name, new_key_pair, write_key_pair

    if not is_name(name):
        raise LinkError(f"{name!r}: a name is letters, digits, dots, hyphens and underscores, at most 64")
    keys = new_key_pair()
    private, public = write_key_pair(keys, name, folder)
    click.echo(f"{name} {keys.public}")
    click.echo(f"private key: {private} (keep it there, mode 0600)", err=True)
    click.echo(f"public key:  {public}", err=True)
    line = f"alpr device allow {name} {shlex.quote(keys.public)} --allowed FILE"
    click.echo(f"if it is a device's, let it in at the collector:  {line}", err=True)

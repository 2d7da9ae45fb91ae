"""`alpr key`: key pairs in files, for collectors and for devices that cannot enrol themselves."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from alpr.cli.output import print_line, say


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
    from alpr.link.keys.curve_keys import is_name, new_key_pair, write_key_pair

    if not is_name(name):
        raise LinkError(f"{name!r}: a name is letters, digits, dots, hyphens and underscores, at most 64")
    keys = new_key_pair()
    private, public = write_key_pair(keys, name, folder)
    print_line(f"{name} {keys.public}")
    say(f"private key: {private} (keep it there, mode 0600)")
    say(f"public key:  {public}")
    line = f"alpr device allow {name} {shlex.quote(keys.public)} --allowed FILE"
    say("if it is the collector's, then:  alpr device new NAME -c collector.yaml")
    say(f"if it is a device's, let it in at the collector:  {line}")


@command.command()
@click.option(
    "-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="The collector's."
)
@click.option("--finish", is_flag=True, help="Use the next key from now on.")
@click.option("--force", is_flag=True, help="With --finish: even if some devices do not hold it yet.")
def rotate(config_path: Path, finish: bool, force: bool) -> None:
    """At the collector: replace its key in two steps, while it runs.

    First, a next key is made and announced to all devices over the present one; call again to see which lack it.
    Then --finish puts it in use: devices that hold it follow by themselves within seconds. One that does not needs
    the new public key as `server_key` in its configuration, or a new claim code. Unused codes end with the old key.
    """
    from alpr.collector.health.fleet import without_key
    from alpr.collector.health.store import read_latest
    from alpr.collector.store.files import health_path
    from alpr.config import load_collector_config
    from alpr.errors import LinkError
    from alpr.link.keys.allowlist import read_devices
    from alpr.link.keys.server_keys import change_over, next_key, prepare_next

    config = load_collector_config(config_path)
    following = next_key(config.key_file) if finish else prepare_next(config.key_file)
    health = health_path(config.database)
    latest = read_latest(health) if health.exists() else {}
    lacking = without_key(read_devices(config.allowed_devices), latest, following.public) if following else []
    if lacking:
        say(f"without the next key: {', '.join(lacking)}")
    if not finish:
        print_line(following.public if following else "")
        whose = "when all have it" if lacking else "all devices have it"
        say(f"{whose}:  alpr key rotate --finish -c {config_path}")
        return
    if lacking and not force:
        raise LinkError(f"{len(lacking)} devices do not hold the next key yet; wait for them, or give --force")
    print_line(change_over(config.key_file).public)
    say("the collector uses its new key now")

"""`alpr page`: who may sign in on the officer's page of a device."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from alpr.cli.output import json_option, print_line, print_rows, say

_CONFIG = click.option(
    "-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), metavar="EDGE.yaml"
)


@click.group()
def command() -> None:
    """Let people sign in on the officer's page of a device, and take them off it."""


@command.group()
def user() -> None:
    """Add, list and remove the people who may sign in. The page takes changes at once."""


@user.command("add")
@click.argument("name")
@_CONFIG
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin: its first line.")
def add(name: str, config_path: Path, password_stdin: bool) -> None:
    """Let NAME sign in, or give them another password, which ends their sessions."""
    path = _users_file(config_path)
    from alpr.web.users import put_user

    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt="Once more", err=True)
    if put_user(path, name, password):
        say(f"{name} has another password now; sessions with the old one have ended")
    else:
        say(f"{name} may sign in ({path})")


@user.command("list")
@_CONFIG
@json_option
def list_users(config_path: Path, as_json: bool) -> None:
    """Show who may sign in."""
    path = _users_file(config_path)
    from alpr.web.users import read_users

    print_rows(({"name": name} for name in read_users(path)), as_json=as_json)


@user.command("remove")
@click.argument("name")
@_CONFIG
def remove(name: str, config_path: Path) -> None:
    """Take NAME off the list: they sign in no more, and their sessions end."""
    path = _users_file(config_path)
    from alpr.web.users import remove_user

    remove_user(path, name)
    print_line(name)


@command.command(hidden=True)
@click.argument("wire", type=int)
@click.argument("listening", type=int)
def serve(wire: int, listening: int) -> None:
    """Serve the page. Started by `alpr run` alone, with two sockets that it hands over by their numbers."""
    import signal
    import socket

    from alpr.edge_page.process import run

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C in a terminal: the program around it says when to end
    try:
        sockets = socket.socket(fileno=wire), socket.socket(fileno=listening)
    except OSError as error:
        raise click.UsageError("started by `alpr run` alone; see `page:` in the configuration") from error
    run(*sockets)


def _users_file(config_path: Path) -> Path:
    """The file that the configuration names. Asked before anything is imported that only the page needs."""
    import importlib.util

    from alpr.config import load_edge_config
    from alpr.errors import ConfigError

    if importlib.util.find_spec("argon2") is None:
        raise ConfigError("the page needs more than is installed; pip install 'alpr[page]'")
    config = load_edge_config(config_path, files_must_exist=False)
    if config.page is None:
        raise ConfigError(f"{config_path}: it has no page; add `page: {{users: page-users}}`")
    return config.page.users

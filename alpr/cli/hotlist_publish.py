"""`alpr hotlist` publish, verify, apply, key: numbered, signed updates of hotlists."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.hotlist_options import db_option
from alpr.cli.instants import instant
from alpr.cli.output import json_option, print_line, print_rows, say
from alpr.cli.progress import progress_bar
from alpr.clock import SystemClock
from alpr.errors import KeyFileError, ReplayError, UpdateRefused
from alpr.system.printable import printable

if TYPE_CHECKING:
    from alpr.hotlist.updates.container import Header
    from alpr.hotlist.updates.install import Trust
    from alpr.hotlist.updates.signing import AdminKey

_admins_option = click.option(
    "--admins",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The administrators who are trusted: NAME KEY on each line.",
)
_needed_option = click.option(
    "--signatures",
    "needed",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="Number of different people who must have signed.",
)
_passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Holds the key's passphrase in its first line; otherwise it is asked for.",
)


@click.command()
@click.argument("cosigned", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option(
    "--key", "key_file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The signer's own key."
)
@_passphrase_option
@db_option
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="The folder of publications.")
@click.option(
    "--list", "list_names", multiple=True, help="A list to publish; may be given several times. Default: all."
)
@click.option("--set", "list_set", help="The set that the lists are published as. Default: the one list, or all.")
@click.option(
    "--days",
    type=click.FloatRange(0, 3650, min_open=True),
    default=14,
    show_default=True,
    help="Days for which the update is valid.",
)
@click.option("--not-before", callback=instant, metavar="WHEN", help="Start of its validity. Default: at once.")
@click.option(
    "--signatures", type=click.IntRange(1, 16), default=1, show_default=True, help="Number of people who must sign."
)
@click.option("--no-skips", is_flag=True, help="Leave out the skips, which older versions of alpr refuse.")
@click.option(
    "--revision", type=click.IntRange(1), help="Revision to publish instead of the next, after the folder was lost."
)
@click.option("--keep", type=click.IntRange(1), help="Keep this many revisions in the folder and remove older ones.")
@click.option("--cosign", is_flag=True, help="Add the key's signature to each FILE instead of publishing.")
@json_option
def publish(
    cosigned: tuple[Path, ...],
    key_file: Path,
    passphrase_file: Path | None,
    database: Path,
    folder: Path | None,
    list_names: tuple[str, ...],
    list_set: str | None,
    days: float,
    not_before: datetime | None,
    signatures: int,
    no_skips: bool,
    revision: int | None,
    keep: int | None,
    cosign: bool,
    as_json: bool,
) -> None:
    """Write the next numbered update of lists, signed: a snapshot, and a delta from the update before.

    The files go to the folder of publications (--to), from where a collector or a USB stick brings them to devices.
    Where two people have to sign, the second gives the files that the first made: publish --cosign FILE...
    """
    from alpr.hotlist.updates.publications import forget_old
    from alpr.hotlist.updates.publish import Terms
    from alpr.hotlist.updates.publish import publish as publish_lists

    if cosign != bool(cosigned):
        raise click.UsageError("files are given with --cosign, and only with it")
    if not cosign and folder is None:
        raise click.UsageError("--to is needed: the folder that the update is written to")
    key = _key(key_file, passphrase_file)
    if cosign or folder is None:
        _cosign(cosigned, key, as_json=as_json)
        return
    with progress_bar("publishing") as on_progress:
        made = publish_lists(
            database,
            folder,
            key,
            SystemClock().now(),
            list_set=list_set or (list_names[0] if len(set(list_names)) == 1 else "all"),
            list_names=list_names,
            terms=Terms(timedelta(days=days), not_before, signatures, not no_skips),
            revision=revision,
            on_progress=on_progress,
        )
    rows = [_row(made.snapshot, made.header)]
    if made.delta is not None and made.delta_header is not None:
        rows.append(_row(made.delta, made.delta_header))
    print_rows(rows, as_json=as_json)
    if keep is not None:
        forget_old(folder, made.header.list_set, keep)
    if signatures > 1:
        names = " ".join(str(row["file"]) for row in rows)
        say(f"signatures still needed: {signatures - 1}: alpr hotlist publish --cosign {names} --key KEY")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@_admins_option
@_needed_option
@json_option
def verify(files: tuple[Path, ...], admins: Path, needed: int, as_json: bool) -> None:
    """Check update files: whole, signed by those who are trusted, not expired. Exit 3 if one is not.

    Whether an update is older than what a device holds, only that device can say.
    """
    from alpr.hotlist.updates.install import verify as verify_file

    trust = _trust(admins, needed)
    rows: list[Mapping[str, Any]] = []
    is_refused = False
    for file in files:
        try:
            head, names = verify_file(file, trust)
        except UpdateRefused as refusal:
            is_refused = True
            say(f"{file}: refused ({refusal.cause}): {refusal}")
            continue
        has_expired = SystemClock().now() >= head.header.expires_at
        is_refused |= has_expired
        rows.append(_row(file, head.header, signers=", ".join(names), expired=has_expired))
    print_rows(rows, as_json=as_json)
    if is_refused:
        sys.exit(3)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@db_option
@_admins_option
@_needed_option
@json_option
def apply(file: Path, database: Path, admins: Path, needed: int, as_json: bool) -> None:
    """Install an update FILE, such as from a USB stick, in a device's database. A running `alpr run` sees it at once.

    Exit 0: the database holds that revision now, or held it already. Exit 3: the update is refused, nothing changed.
    """
    from alpr.hotlist.updates.install import apply_update
    from alpr.hotlist.updates.installed_sets import count_refusal

    now = SystemClock().now()
    try:
        with progress_bar(file.name) as on_progress:
            applied = apply_update(database, file, _trust(admins, needed), now, on_progress=on_progress)
    except ReplayError as replay:
        say(f"{file}: nothing to do: {replay}")
        return
    except UpdateRefused as refusal:
        if database.is_file():
            count_refusal(database, refusal, now)
        say(f"{file}: refused ({refusal.cause}): {refusal}")
        sys.exit(3)
    row = {
        "set": applied.list_set,
        "revision": applied.revision,
        "signers": ", ".join(applied.signers),
        "added": applied.added,
        "changed": applied.changed,
        "removed": applied.removed,
        "lists": ", ".join(each.name for each in applied.lists),
    }
    print_rows([row], as_json=as_json)


@click.group()
def key() -> None:
    """Make the keys of those who publish hotlists: the private half signs, devices trust the public half."""


@key.command("new")
@click.argument("name")
@click.option("--dir", "folder", required=True, type=click.Path(path_type=Path), help="Folder for the two files.")
@click.option("--no-passphrase", is_flag=True, help="Protect the key by its file's mode alone.")
@_passphrase_option
def key_new(name: str, folder: Path, no_passphrase: bool, passphrase_file: Path | None) -> None:
    """Make an administrator's key pair: NAME.admin.key is kept to oneself, NAME.admin.pub goes to every device."""
    from alpr.hotlist.updates.signing import new_admin_key, write_admin_key

    if no_passphrase:
        passphrase = ""
    elif passphrase_file is not None:
        passphrase = _first_line(passphrase_file)
    else:
        passphrase = str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True))
    private, public = write_admin_key(new_admin_key(), name, folder, passphrase)
    print_line(public.read_text("utf-8").strip())
    say(f"private key: {private} (keep it off the collector and the devices, mode 0600)")
    say("public key:  the line above, for the devices' list of administrators (hotlist.admins)")


COMMANDS = (publish, verify, apply, key)
"""The commands of this module, for the group `alpr hotlist`."""


def _cosign(files: Iterable[Path], key: AdminKey, *, as_json: bool) -> None:
    from alpr.hotlist.updates.publications import cosign

    rows = []
    for file in files:
        head = cosign(file, key)
        rows.append(_row(file, head.header, signatures=len(head.signatures)))
    print_rows(rows, as_json=as_json)


def _row(file: Path, header: Header, **more: Any) -> dict[str, Any]:
    return {
        "file": str(file),
        "set": header.list_set,
        "revision": header.revision,
        "base": header.base_revision,
        "put": header.put,
        "removed": header.removed,
        "skips": header.skips,
        "made_at": header.made_at.isoformat(timespec="seconds"),
        "expires_at": header.expires_at.isoformat(timespec="seconds"),
        "lists": ", ".join(f"{each.name} ({each.entries})" for each in header.lists),
        "signatures_needed": header.signatures_needed,
        **more,
    }


def _trust(admins: Path, needed: int) -> Trust:
    from alpr.hotlist.updates.install import Trust
    from alpr.hotlist.updates.signing import read_admins

    return Trust(read_admins(admins), needed)


def _key(path: Path, passphrase_file: Path | None) -> AdminKey:
    from alpr.hotlist.updates.signing import load_admin_key

    ask: Callable[[], str] | None = None
    if passphrase_file is not None:
        ask = lambda: _first_line(passphrase_file)  # noqa: E731 - a choice of two
    elif sys.stdin.isatty():
        ask = lambda: str(click.prompt(f"Passphrase of {printable(str(path))}", hide_input=True, err=True))  # noqa: E731
    return load_admin_key(path, ask)


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise KeyFileError(f"{path}: holds no passphrase in its first line") from error

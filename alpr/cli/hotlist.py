"""`alpr hotlist`: import lists, see what is held and how old it is."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alpr.cli.hotlist_add import add, added, confirm, remove
from alpr.cli.hotlist_import import export, import_
from alpr.cli.hotlist_options import db_option, open_index
from alpr.cli.hotlist_publish import COMMANDS
from alpr.cli.hotlist_skip import skip
from alpr.cli.hotlist_stage import accept, diff, discard
from alpr.cli.hotlist_status import devices_status
from alpr.cli.hotlist_tune import tune
from alpr.cli.output import json_option, print_rows, say
from alpr.clock import SystemClock
from alpr.errors import HotlistError, StoreError

if TYPE_CHECKING:
    from alpr.hotlist.match.list_states import ListState


@click.group()
def command() -> None:
    """Import, check, publish and install lists of wanted plates."""


for _further in (import_, diff, accept, discard, export, add, confirm, remove, added, skip, tune, *COMMANDS):
    command.add_command(_further)


@command.command("list")
@db_option
@json_option
def list_(database: Path, as_json: bool) -> None:
    """Show the lists with their size, revision and age."""
    rows = (
        {
            "list": state.name,
            "entries": state.entries,
            "revision": state.revision,
            "updated_at": _instant(state.updated_at),
            "age_s": round(state.age_s),
            "skips": state.skips,
        }
        for state in _lists(database)
    )
    print_rows(rows, as_json=as_json)


@command.command()
@db_option
@click.option(
    "--max-age", "max_age_h", type=click.FloatRange(min=0), metavar="HOURS", help="Exit 3 if a list is older."
)
@click.option(
    "--collector",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A collector's database: show what each device holds instead.",
)
@json_option
def status(database: Path, max_age_h: float | None, collector: Path | None, as_json: bool) -> None:
    """Show what of each list is valid now: entries in force, expired, not yet valid; and its age.

    With --collector: every device with the revision that it holds and since when, the newest that the collector hands
    on, its age, and what it refused last. Exit 3 where a list is older than --max-age, where there is none at all, or
    where a published set was held at a higher revision before: its database was lost or put back.
    """
    if collector is not None:
        devices_status(collector, max_age_h, as_json=as_json)
        return
    from alpr.hotlist.store.staging import ADDED_LIST

    is_reset = _say_resets(database)
    states = _lists(database)
    # What was added by hand is kept here, and is never out of date.
    is_stale = {
        state.name: max_age_h is not None and state.age_s > max_age_h * 3600 and state.name != ADDED_LIST
        for state in states
    }
    rows = (
        {
            "list": state.name,
            "in_force": state.entries - state.expired - state.not_yet_valid,
            "expired": state.expired,
            "not_yet_valid": state.not_yet_valid,
            "revision": state.revision,
            "source": state.source,
            "updated_at": _instant(state.updated_at),
            "age_s": round(state.age_s),
            "stale": is_stale[state.name],
            "skips": state.skips,
            "skipped": state.skipped,
        }
        for state in states
    )
    print_rows(rows, as_json=as_json)
    if not states:
        say(f"{database}: holds no list: import one with `alpr hotlist import FILE --list NAME`")
    if not states or is_reset or any(is_stale.values()):
        sys.exit(3)


@command.command()
@click.argument("list_name", metavar="LIST")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a setting, such as edits=8:1, candidates=off or min_probability=0.01. May be given several times.",
)
@db_option
@json_option
def policy(list_name: str, settings: tuple[str, ...], database: Path, as_json: bool) -> None:
    """Show or set how far a read may be from an entry's plate to match it; the exact text always does.

    A VALUE is a number, or numbers from plate lengths on: 5:1,7:2 is 0 below five characters, 1 at five and six, 2
    from seven on. "on" is 1, "off" is 0, "default" is the default.
    """
    from alpr.hotlist.rules.policy import MatchPolicy
    from alpr.hotlist.store.policies import set_policy

    changes = dict(_setting(written) for written in settings)
    if changes:
        chosen = set_policy(database, list_name, changes)
    else:
        with open_index(database) as index:
            policies = index.policies()
        if list_name not in policies:
            raise HotlistError(f"{database}: no list named {list_name!r}: see `alpr hotlist list`")
        chosen = policies[list_name]
    defaults = MatchPolicy().settings()
    rows = (
        {"setting": name, "value": value, "default": defaults[name], "means": _means(name, value)}
        for name, value in chosen.settings().items()
    )
    print_rows(rows, as_json=as_json)


def _setting(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals:
        raise click.BadParameter(f"{written!r} is not NAME=VALUE, such as edits=8:1", param_hint="--set")
    return name.strip(), value.strip()


_MEANS = {
    "look_alikes": "characters that may be look-alikes",
    "edits": "characters that may be replaced, missing or too many",
    "candidates": "1: other texts that the reader held possible count",
    "wildcards": "1: entries with * and ? count",
    "other_region": "1: the right plate of another country or state counts, marked as that",
    "min_probability": "of a match that is not exact",
}


def _means(name: str, value: str) -> str:
    if name == "min_probability":
        return _MEANS[name]
    steps = (part.rpartition(":") for part in value.split(","))
    lengths = "; ".join(f"{number} from {start or 1} characters on" for start, _, number in steps)
    return f"{_MEANS[name]}: {'never' if value == '0' else lengths}"


def _say_resets(database: Path) -> bool:
    """Report the sets of which less is held than before; True where there are any, or the floor is damaged."""
    from alpr.hotlist.store.database import bring_up_to_date
    from alpr.hotlist.updates.installed_sets import read_sets
    from alpr.hotlist.updates.version_floor import read_resets

    bring_up_to_date(database)
    sets = read_sets(database)[0] if database.is_file() else ()
    try:
        resets = read_resets(database, {held.list_set: held.revision for held in sets})
    except StoreError as error:
        say(str(error))
        return True
    for reset in resets:
        say(f"{database}: {reset}")
    return bool(resets)


def _lists(database: Path) -> tuple[ListState, ...]:
    with open_index(database) as index:
        return index.lists(SystemClock().now())


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")

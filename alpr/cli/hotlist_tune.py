"""`alpr hotlist tune`: estimates of the true and false hits a day under each match policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.hotlist_options import db_option, open_index
from alpr.cli.output import json_option, print_rows, say
from alpr.cli.progress import progress_bar
from alpr.clock import SystemClock
from alpr.errors import HotlistError

if TYPE_CHECKING:
    from alpr.hotlist.rules.policy import MatchPolicy
    from alpr.hotlist.tuning.estimate import DailyReads, HitEstimate, Neighbourhood


@click.command()
@click.argument("list_name", metavar="LIST")
@click.option(
    "--false-hits-per-day",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Most false hits a day that are acceptable.",
)
@click.option(
    "--reads-per-day", type=click.FloatRange(min=0, min_open=True), help="Passes a day, of all cameras together."
)
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A device's journal, for the passes a day and the plates that pass there.",
)
@click.option(
    "--listed-per-day",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Passes a day of listed vehicles.",
)
@click.option("--errors", "errors_path", type=click.Path(path_type=Path), help="Another table of read errors.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the sample of entries.")
@click.option(
    "--all", "is_all", is_flag=True, help="Show every setting, not only the least probability of each choice."
)
@click.option("--apply", "is_applied", is_flag=True, help="Make the best setting the list's policy.")
@db_option
@json_option
def tune(
    list_name: str,
    false_hits_per_day: float,
    reads_per_day: float | None,
    journal: Path | None,
    listed_per_day: float,
    errors_path: Path | None,
    seed: int,
    is_all: bool,
    is_applied: bool,
    database: Path,
    as_json: bool,
) -> None:
    """Estimate what each match policy of LIST would raise, and which one catches most within the aim.

    From the list's plates, the traffic, and how the recogniser errs. Exit 3: no setting is within the aim.
    """
    from alpr.hotlist.tuning.estimate import best_setting, best_thresholds, estimate_settings, neighbourhood
    from alpr.hotlist.tuning.read_errors import ErrorModel, shipped_errors

    if reads_per_day is None and journal is None:
        raise click.UsageError(
            "the number of passes is needed: give --reads-per-day N, or --journal FILE of a device"
        )
    errors = ErrorModel.load(errors_path) if errors_path else shipped_errors()
    plates, entries, policy = _list(database, list_name, seed)
    daily = _daily_reads(plates, reads_per_day, journal, listed_per_day)
    with progress_bar("comparing plates") as on_progress:
        near = neighbourhood(plates, entries, daily.plates, errors, seed, on_progress=on_progress)
    found = estimate_settings(near, daily, errors, policy)
    chosen = best_setting(found, false_hits_per_day)
    shown = found if is_all else best_thresholds(found, false_hits_per_day)
    print_rows((_row(one, one is chosen) for one in _with(shown, chosen)), as_json=as_json)
    _say(list_name, near, daily, errors)
    if chosen is None:
        say(f"no setting is likely to keep below {false_hits_per_day:g} false hits a day")
        raise SystemExit(3)
    if is_applied:
        _apply(database, list_name, chosen)


def _list(database: Path, list_name: str, seed: int) -> tuple[list[str], int, MatchPolicy]:
    with open_index(database) as index:
        policies = index.policies()
        if list_name not in policies:
            raise HotlistError(f"{database}: no list named {list_name!r}: see `alpr hotlist list`")
        plates, entries = index.plates(list_name, SystemClock().now(), seed=seed)
    if not plates:
        raise HotlistError(f"list {list_name!r} has no whole plates in force: there is nothing to tune for")
    return plates, entries, policies[list_name]


def _daily_reads(
    plates: list[str], reads_per_day: float | None, journal: Path | None, listed_per_day: float
) -> DailyReads:
    from alpr.hotlist.tuning.estimate import DailyReads
    from alpr.hotlist.tuning.plate_model import PlateModel
    from alpr.journal.pass_rate import passes_of

    if journal is None:
        return DailyReads(PlateModel.of(plates), reads_per_day or 0.0, listed_per_day)
    passes = passes_of(journal)
    return DailyReads(PlateModel.of(passes.plates), reads_per_day or passes.per_day, listed_per_day)


def _with(shown: list[HitEstimate], chosen: HitEstimate | None) -> list[HitEstimate]:
    return shown if chosen is None or chosen in shown else [*shown, chosen]


def _row(one: HitEstimate, is_chosen: bool) -> dict[str, Any]:
    settings = one.policy.settings()
    return {
        "setting": one.name,
        "look_alikes": settings["look_alikes"],
        "edits": settings["edits"],
        "min_probability": settings["min_probability"],
        "caught": f"{one.caught:.2%}",
        "true_per_day": round(one.true_per_day, 3),
        "false_per_day": float(f"{one.false_per_day:.3g}"),
        "error": float(f"{one.error:.2g}"),
        "best": is_chosen,
    }


def _say(list_name: str, near: Neighbourhood, daily: DailyReads, errors: Any) -> None:
    say(
        f"list {list_name!r}: {near.entries} plates in force; {daily.reads_per_day:g} passes a day, of which "
        f"{daily.listed_per_day:g} listed; {errors.model} on {errors.reads} single pictures"
    )
    say(
        f"besides, {near.misread_as_listed * daily.reads_per_day:.2g} cars a day are read exactly as one that is "
        "listed: no setting tells them apart, only verifying does"
    )


def _apply(database: Path, list_name: str, chosen: HitEstimate) -> None:
    from alpr.hotlist.store.policies import set_policy

    settings = chosen.policy.settings()
    tuned = {name: settings[name] for name in ("look_alikes", "edits", "min_probability")}
    set_policy(database, list_name, tuned, SystemClock().now())
    say(f"list {list_name!r} now has {', '.join(f'{name}={value}' for name, value in tuned.items())}")

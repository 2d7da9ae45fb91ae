"""`alpr stick`: reads out and lists in by USB stick, for devices that are never online."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click

from alpr.cli.output import json_option, print_rows, say
from alpr.cli.progress import progress_bar
from alpr.clock import SystemClock

_folder = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def command() -> None:
    """Carry reads to the collector, and lists and acks back, on a USB stick that may be pulled at any moment."""


@command.command()
@_folder
@click.option("-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="edge.yaml")
@json_option
def device(folder: Path, config_path: Path, as_json: bool) -> None:
    """At the device: take acks and lists from the stick in FOLDER, and put on it what waits for the collector.

    The device may run meanwhile. What is put on the stick stays here until its ack has come back. Exit 3: there was
    no room for all, or a file could not be used.
    """
    from alpr.config import load_edge_config
    from alpr.edge.sticks import stick_side
    from alpr.stick.files import mark

    side = stick_side(load_edge_config(config_path), SystemClock())
    mark(folder)
    with progress_bar("writing to the stick") as on_progress:
        visit = side.visit(folder, on_progress=on_progress)
    row = {
        **{"written": visit.written, "on_stick": visit.on_stick, "left": visit.left},
        **{"acked": visit.acked, "refused": visit.refused, "lists": ", ".join(visit.lists)},
    }
    print_rows([row], as_json=as_json)
    for problem in visit.problems:
        say(problem)
    if visit.left:
        say(f"no room for {visit.left} records: they stay on this device; bring a larger stick")
    if visit.problems or visit.left:
        sys.exit(3)


@command.command()
@_folder
@click.option("-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), help="collector.yaml")
@json_option
def collector(folder: Path, config_path: Path, as_json: bool) -> None:
    """At the centre: store what devices have put on the stick in FOLDER, and put acks and the newest lists on it.

    The collector may run meanwhile; with `stick_folders` it does the first of it by itself. Exit 3: a file could not
    be taken.
    """
    from alpr.collector.service.forwarding import queue_for
    from alpr.collector.service.intake import Intake
    from alpr.collector.service.parts import stick_side
    from alpr.collector.service.settings import day_bytes, targets_of
    from alpr.collector.store.store import Store
    from alpr.config import load_collector_config
    from alpr.link.keys.allowlist import AllowList
    from alpr.link.keys.server_keys import ServerKeys
    from alpr.stick.collector import fill_lists
    from alpr.stick.files import READS_SUFFIX, files_with, mark

    config, clock = load_collector_config(config_path), SystemClock()
    allowed = AllowList(config.allowed_devices)
    mark(folder)
    also = queue_for(targets_of(config))
    with closing(Store(config.database, clock, also=also, day_bytes=day_bytes(config))) as store:
        side = stick_side(ServerKeys(config.key_file), allowed, Intake(store, lambda _: None), clock)
        whole, taken = len(files_with(folder, READS_SUFFIX)), []
        with progress_bar("storing what is on the stick") as on_progress:
            for each in filter(None, side.visit(folder)):
                taken.append(each)
                if on_progress is not None:
                    on_progress(min(1.0, len(taken) / max(1, whole)))
    rows = (
        {
            **{"file": each.name, "device": each.device, "stored": each.stored},
            **{"refused": each.refused, "left": each.left, "problem": each.problem},
        }
        for each in taken
    )
    print_rows(rows, as_json=as_json)
    if config.hotlists is not None:
        names = fill_lists(config.hotlists.folder, folder, sorted(allowed.keys))
        say(f"lists on the stick: {', '.join(names) or 'none'}")
    if any(each.problem for each in taken):
        sys.exit(3)

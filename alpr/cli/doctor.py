"""`alpr doctor`: what is installed, what really runs, and what is wrong."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alpr.cli.output import json_option, print_rows, say

if TYPE_CHECKING:
    from alpr.doctor import Finding


@click.command()
@click.option("--models", type=click.Path(path_type=Path), help="Folder of models to check instead of the shipped.")
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="Configuration of a device: what it asks for.",
)
@click.option("--disk", type=click.Path(path_type=Path), default=Path(), help="Where reads are kept: data_dir.")
@json_option
def command(*, models: Path | None, config_path: Path | None, disk: Path, as_json: bool) -> None:
    """Examine this computer: versions, modules, models, providers, processor, disk, clock.

    Each provider of ONNX Runtime runs each model and is compared with the CPU. Exit 3 where something is bad.
    """
    from alpr.doctor import State
    from alpr.system.shipped import shipped

    findings = list(_examine(models or shipped("models"), disk, *_asked_for(config_path)))
    rows = [{"check": each.check, "state": each.state.value, "found": each.found} for each in findings]
    print_rows(rows, as_json=as_json)
    bad = [each for each in findings if each.state is State.BAD]
    for each in bad:
        say(f"alpr: {each.check}: {each.found}")
    if bad:
        sys.exit(3)


def _asked_for(config_path: Path | None) -> tuple[str, str]:
    """Variant and provider of a configuration, or what holds without one."""
    if config_path is None:
        return "auto", "cpu"
    from alpr.config import load_edge_config

    models = load_edge_config(config_path, files_must_exist=False).models
    return models.variant, models.provider


def _examine(models: Path, disk: Path, variant: str, provider: str) -> Iterator[Finding]:
    from alpr.doctor import computer
    from alpr.system.kernel_clock import kernel_clock

    yield from computer.versions()
    owners = list(computer.owners_of_modules(importlib.metadata.packages_distributions()))
    yield from owners
    if all(finding.state is not computer.State.BAD for finding in owners):
        from alpr.doctor import model_files, variants
        from alpr.models.session import available_providers

        yield from model_files.model_files(models)
        yield from model_files.model_runs(models, available_providers())
        yield from variants.variants(models, variant, provider)
    yield computer.machine()
    yield computer.room(disk, *computer.disk_usage(disk))
    yield computer.clock(datetime.now(UTC), kernel_clock())

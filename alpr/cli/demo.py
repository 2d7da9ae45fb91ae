"""`alpr demo`: one device and one collector on the sample clip, so that a newcomer sees the main job done."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.output import in_frames, print_line, say

if TYPE_CHECKING:
    from alpr.demo import Said, Stage, Tally


@click.command()
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Play in this folder and leave keys, databases and logs there.",
)
def command(keep: Path | None) -> None:
    """Run one edge and one collector on the sample clip: reads, hits, latency.

    Exit code 3 where no plate was read, no hit arrived, or anything was lost on the way.
    """
    from alpr.demo import Tally, play, set_up
    from alpr.system.shipped import shipped

    folder = keep or Path(tempfile.mkdtemp(prefix="alpr-demo-"))
    if keep:
        try:
            keep.mkdir(parents=True)
        except OSError as error:
            raise click.ClickException(f"{keep}: cannot be made ({error.strerror}): give a new folder") from error
    try:
        stage = set_up(folder, shipped("samples"))
        print_line("One device (edge-1) and one collector, CURVE keys made on the spot, loopback only.")
        print_line()
        tally = Tally()
        for said in play(stage, tally):
            _show(said)
        _show_summary(tally)
        if tally.plates:
            _search(stage, tally)
        for failure in tally.failures():
            say(f"alpr demo: {failure}", fg="red")
        sys.exit(3 if tally.failures() else 0)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _show(said: Said) -> None:
    row, who = said.row, f"{said.who:<10}"
    if row.get("event") == "read":
        state = "read " if row["is_final"] else "early"
        note = f"{row['confidence']:4.0%}  {row['region'] or '--':<5}  {in_frames(row['observations'])}"
        print_line(f"{who}  {state}  {row['plate']:<10}  {note}")
    elif row.get("event") == "hit":
        print_line(f"{who}  {_hit_in_words(row)}", fg="yellow" if row["is_withdrawn"] else "red", bold=True)


def _hit_in_words(row: Mapping[str, Any]) -> str:
    if row["is_withdrawn"]:
        return f"HIT WITHDRAWN  {row['entry_plate']}"
    how = row["match"] if row["match"] == "exact" else f"{row['match']}, read as {row['plate']}"
    return f"HIT    {row['entry_plate']:<10}  {how}, p={row['probability']:.2f}, {row['reason']}"


def _show_summary(tally: Tally) -> None:
    reads, hits = tally.read_ids, tally.hit_ids
    print_line()
    print_line(f"{len(reads['edge'])} vehicle passes read, {len(reads['collector'])} at the collector")
    print_line(f"{len(hits['edge'])} hits raised, {len(hits['collector'])} at the collector")
    if tally.hit_delays_s:
        print_line(
            f"slowest hit: {max(tally.hit_delays_s.values()) * 1e3:.0f} ms from raised to stored at the collector"
        )
    stages = tally.summary.get("stages_ms", {})
    if stages:
        print_line()
        print_line("latency on the device, ms      p50      p95      p99")
    for name, latency in stages.items():
        print_line(f"  {name:<24}{latency['p50_ms']:9.2f}{latency['p95_ms']:9.2f}{latency['p99_ms']:9.2f}")


def _search(stage: Stage, tally: Tally) -> None:
    """One search as an investigator would do it, for a plate that came."""
    from alpr.collector.store.files import audit_path

    plate = tally.plates[0]
    words = ["search", plate, "--purpose", "theft report 2026/117", "--db", str(stage.database), "--json"]
    answer = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "alpr.cli", *words], capture_output=True, text=True, check=False
    )
    print_line()
    print_line(f"alpr search {plate} --purpose 'theft report 2026/117'")
    print_line(
        f"  {len(answer.stdout.splitlines())} found; the search is on record in {audit_path(stage.database).name}"
    )

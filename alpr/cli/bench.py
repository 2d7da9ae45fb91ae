"""`alpr bench`: latency of every stage against the budget."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.output import json_option, print_json, print_line, print_rows, say, wants_json

if TYPE_CHECKING:
    from alpr.bench import BenchReport, Budget
    from alpr.reading.plate_reader import PlateReader

_VARIANTS = ("fp32", "int8")
_MOST_TIMES_DECODING = 1.3
"""An empty road's cost by that of its decoding alone."""
_LEAST_CAMERAS = 4.0
"""Cameras of 1080p at 25 frames a second that a core has to bear with two plates in view."""


@click.command()
@click.option("--workload", type=click.Path(path_type=Path), help="A video to replay instead of the bench's own.")
@click.option("--frames", default=300, show_default=True, type=click.IntRange(1), help="How many frames to time.")
@click.option("--warm-up", default=30, show_default=True, type=click.IntRange(0), help="Frames before timing begins.")
@click.option("--cameras", is_flag=True, help="Tell instead how many cameras a core bears, by what is in view.")
@click.option("--check", is_flag=True, help="Exit 3 when a stage is over its budget.")
@click.option("--budget", "budget_path", type=click.Path(path_type=Path), help="Instead of bench/budget.yaml.")
@click.option("--detector", type=click.Path(path_type=Path), help="Model to use instead of the shipped one.")
@click.option("--recogniser", type=click.Path(path_type=Path), help="Model to use instead of the shipped one.")
@json_option
def command(
    *,
    workload: Path | None,
    frames: int,
    warm_up: int,
    cameras: bool,
    check: bool,
    budget_path: Path | None,
    detector: Path | None,
    recogniser: Path | None,
    as_json: bool,
) -> None:
    """Replay a workload through the real pipeline and report each stage's time.

    RATIO is the median processor time of a stage divided by that of a small fixed net, timed around every frame: it
    means the same on a slow, fast or busy machine. Decoding is reported, but is no part of a frame's time. The last
    line is one JSON object.

    With --cameras three roads are played, with 0, 2 and 6 plates in view, each with nothing shed and with more and
    more shed: mean cost of a frame in yardsticks with its decoding, cameras a core at 25 frames a second, and how
    many of the vehicle passes were read right.
    """
    from alpr.bench import load_budget, over_budget, run_bench, stage_name
    from alpr.detect.detector import PlateDetector
    from alpr.ocr.recogniser import PlateRecogniser
    from alpr.reading.plate_reader import PlateReader
    from alpr.system.shipped import shipped

    if cameras:
        _bench_cameras(frames, PlateReader(PlateDetector(detector), PlateRecogniser(recogniser)), check, as_json)
        return
    budget = load_budget(budget_path or shipped("bench") / "budget.yaml")
    reader = PlateReader(PlateDetector(detector), PlateRecogniser(recogniser))
    if detector or recogniser:
        variants = {"given": reader}
        budget = budget.without(map(stage_name, _VARIANTS))
    else:
        variants = {
            kind: PlateReader(PlateDetector(variant=kind), PlateRecogniser(variant=kind)) for kind in _VARIANTS
        }
    video = workload or shipped("bench") / "workload.mp4"
    report = run_bench(video, frames=frames, warm_up=warm_up, reader=reader, variants=variants)
    wrong = over_budget(report, budget)
    if not wants_json(as_json):
        _show(report, budget)
    print_json({**_fields(report, budget), "over_budget": wrong})
    if check and wrong:
        for sentence in wrong:
            say(f"alpr: over budget: {sentence}")
        sys.exit(3)


def _bench_cameras(frames: int, reader: PlateReader, check: bool, as_json: bool) -> None:
    from alpr.bench.cameras import camera_costs, rows, shipped_roads, short_of
    from alpr.bench.run import Yardstick, one_thread
    from alpr.system.shipped import shipped

    with one_thread():
        costs = camera_costs(shipped_roads(shipped("bench")), frames, reader, Yardstick().cpu_ns)
    wrong = short_of(costs, _MOST_TIMES_DECODING, _LEAST_CAMERAS)
    if not wants_json(as_json):
        print_rows(rows(costs), as_json=False)
        print_line()
    print_json({"cameras": rows(costs), "models": list(reader.model_ids), "short_of": wrong})
    if check and wrong:
        for sentence in wrong:
            say(f"alpr: over budget: {sentence}")
        sys.exit(3)


def _fields(report: BenchReport, budget: Budget) -> dict[str, Any]:
    device = budget.device(report.yardstick_p10_ms)
    return {**report.fields(), "device_class": device.name if device else None}


def _show(report: BenchReport, budget: Budget) -> None:
    limits = budget.limits(report.yardstick_p10_ms)
    rows = [
        {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in asdict(stage).items()}
        | {"budget": limits.get(stage.stage)}
        for stage in report.stages
    ]
    print_rows(rows, as_json=False)
    device = budget.device(report.yardstick_p10_ms)
    allowed = f", where a frame may take {device.frame_ms:g} ms" if device and device.frame_ms else ""
    kind = f"as on an {device.name}{allowed}" if device else "as on no core of the budget"
    print_line()
    print_line(
        f"{report.frames} frames, {report.plates_in_view:.2f} plates in view, {report.reads} reads; "
        f"{report.threads} thread, {', '.join(report.providers)}; peak memory {report.peak_rss_mb:.0f} MiB"
    )
    print_line(f"{report.machine.cpu}: the yardstick takes {report.yardstick_p10_ms:.2f} ms, {kind}")
    print_line()

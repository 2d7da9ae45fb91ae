"""`alpr evaluate`: accuracy of the reader against labels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.output import json_option, print_line, print_rows, say, wants_json
from alpr.cli.progress import progress_bar
from alpr.errors import LabelError

if TYPE_CHECKING:
    from alpr.detect.detector import PlateDetector
    from alpr.evaluation import CropLabel, Report, SceneLabel
    from alpr.ocr.recogniser import Recogniser

_FOR_PROGRAMS = {"calibration", "confusion", "curve", "failure"}  # too long for a terminal: --json and --html


@click.command()
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--split", default="dev", show_default=True, help='Rows of this split and of none; "all" takes all.')
@click.option("--source", default="", help="Rows of this source only.")
@click.option(
    "--unlabelled", type=click.Path(path_type=Path), help="JSON of further boxes where a detection is not false."
)
@click.option("--limit", type=click.IntRange(1), help="The first N rows only.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), help="Least confidence of a plate; as for stills by default."
)
@click.option("--detector", type=click.Path(path_type=Path), help="Model to use instead of the shipped one.")
@click.option("--recogniser", type=click.Path(path_type=Path), help="Model to use instead of the shipped one.")
@click.option(
    "--variant", type=click.Choice(["auto", "fp32", "int8"]), default="auto", show_default=True, help="Of what ships."
)
@click.option("--against", type=click.Path(path_type=Path), help="A second recogniser, read on the same plates.")
@click.option(
    "--ocr",
    type=click.Choice(["onnx", "paddle"]),
    default="onnx",
    help="paddle: PaddleOCR beside ours, side by side.",
)
@click.option("--ocr-model-dir", type=click.Path(path_type=Path), help="Folder of PaddleOCR's recogniser.")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), help="Also write a page with plots and the failures."
)
@json_option
def command(
    *,
    labels: Path,
    split: str,
    source: str,
    unlabelled: Path | None,
    limit: int | None,
    threshold: float | None,
    detector: Path | None,
    recogniser: Path | None,
    variant: str,
    against: Path | None,
    ocr: str,
    ocr_model_dir: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Measure the reader against LABELS, a labels.jsonl file.

    Scenes (rows with `plates`) and crops (rows with `text`) are read as `alpr read` reads pictures: with second
    looks and readings where it is unsure. Texts count strictly, and with O=0 and I=1 merged. Every share is told with
    its count and its 95 % interval. The page of --html shows plates: it is personal data.
    """
    from alpr.capture.pictures import load_picture
    from alpr.detect.detector import PlateDetector
    from alpr.evaluation import load_boxes, load_labels
    from alpr.ocr.engines import open_recogniser

    if ocr == "paddle" and ocr_model_dir is None:
        raise click.UsageError("--ocr paddle needs --ocr-model-dir: the folder of its inference.onnx")
    if ocr == "paddle" and against:
        raise click.UsageError("give --ocr paddle or --against, not both: two readers are compared")
    seen = load_boxes(unlabelled) if unlabelled else None
    rows = load_labels(labels, split="" if split == "all" else split, source=source, unlabelled=seen)[:limit]
    if not rows:
        raise LabelError(f"{labels}: no rows of split {split!r}{f' and source {source!r}' if source else ''}")
    mine = open_recogniser(path=recogniser, variant=variant)
    second = None
    if against or ocr == "paddle":  # opened before anything is measured: what is wrong with it shows at once
        second = open_recogniser(ocr, against, model_dir=ocr_model_dir)
    finder = partial(PlateDetector, detector, variant=variant)
    report = measure(rows, mine, finder, threshold)
    other = measure(rows, second, finder, threshold, is_second=True) if second else None
    show(report, other, as_json=as_json)
    if page:
        from alpr.evaluation.page import write_page

        write_page(page, report, other, load_picture, f"{labels.parent.name}, {split}")
        say(f"alpr: {page}: shows plates, which are personal data")
    if report.unreadable:
        say(f"alpr: {report.unreadable} of {len(rows)} pictures cannot be read and do not count")
        sys.exit(1)


def measure(
    rows: Sequence[SceneLabel | CropLabel],
    recogniser: Recogniser,
    open_detector: Callable[..., PlateDetector],
    threshold: float | None,
    *,
    is_second: bool = False,
) -> Report:
    """Take every labelled picture through the reader.

    Args:
        threshold: least confidence of a plate, all looks and the text together; None takes the usual one.
    """
    from alpr.capture.pictures import load_picture
    from alpr.evaluation import CropLabel, Report, Run, SceneLabel
    from alpr.reading.multi_pass import STILL, SWEEP
    from alpr.reading.plate_reader import PlateReader
    from alpr.system.progress import ticking
    from alpr.system.stage_times import StageTimes

    run = Run(load_picture, StageTimes(), lambda error: None if is_second else say(f"alpr: {error}"))
    report = Report(recogniser.model_id)
    finder = open_detector()
    looks = STILL if threshold is None else replace(STILL, threshold=threshold)
    reader = PlateReader(finder, recogniser, looks=looks)
    if in_scenes := [row for row in rows if isinstance(row, SceneLabel)]:
        sweep = PlateReader(finder, recogniser, looks=SWEEP)
        with progress_bar("scenes") as on_progress:
            found = run.scenes(ticking(in_scenes, on_progress), reader, sweep)
        report = replace(report, scenes=found, detector=finder.model_id, threshold=looks.threshold)
    with progress_bar("crops") as on_progress:
        in_crops = [row for row in rows if isinstance(row, CropLabel)]
        crops = run.crops(ticking(in_crops, on_progress), reader)
    latencies = {stage: asdict(latency) for stage, latency in run.times.latencies().items()}
    return replace(report, crops=crops, latencies=latencies, unreadable=run.unreadable)


def show(report: Report, other: Report | None, *, as_json: bool) -> None:
    """Print everything as JSON lines, or the tables that a person reads in a terminal.

    Args:
        report: of the evaluation.
        other: of another reader; None for none.
        as_json: JSON lines.
    """
    compared = [("compared", report.compared_with(other))] if other else []
    for kind, rows in [*report.tables(), *compared]:
        if wants_json(as_json):
            print_rows([{"kind": kind, **row} for row in rows], as_json=True)
        else:
            _show_table(kind, rows)
    if other and not wants_json(as_json):
        print_line(f"compared: {report.recogniser} with {other.recogniser}; p_value: McNemar, exact, two-sided")


def _show_table(kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if kind == "scenes":
        _titled("found in scenes", [_found(row) for row in rows])
        _titled("read in scenes, from the whole picture on", [_read(row) for row in rows if row["texts"]])
    elif kind == "crops":
        _titled("read of crops", [_read(row) for row in rows])
    elif kind not in _FOR_PROGRAMS:
        _titled(kind, rows)


def _titled(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        print_line()
        print_line(title)
        print_rows(rows, as_json=False)


def _found(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: row[key] for key in ("group", "name", "images", "plates", "found")},
        "recall": _share(row, "recall", "recall"),
        "false": row["false"],
        "per image": _share(row, "false_per_image", "false"),
        "with text": row["false_read"],
    }


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: row[key] for key in ("group", "name", "texts", "exact")},
        "share": _share(row, "exact_share", "exact"),
        "O=0 I=1": row["merged"],
        " share": _share(row, "merged_share", "merged"),
        "characters": _share(row, "char_accuracy", "char_accuracy"),
        "ECE text": row["calibration_error"],
        "ECE chars": row["char_calibration_error"],
    }


def _share(row: Mapping[str, Any], key: str, interval: str) -> str | None:
    """A share and its interval in one column, so that a table fits a screen."""
    if row[key] is None:
        return None
    return f"{row[key]:.3f} ({row[f'{interval}_low']:.3f}-{row[f'{interval}_high']:.3f})"

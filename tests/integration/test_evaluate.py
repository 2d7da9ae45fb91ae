"""`alpr evaluate` on pictures and labels on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from alpr.capture.pictures import load_picture
from alpr.cli import cli, evaluate
from alpr.errors import ImageError, ModelError
from alpr.evaluation import CropLabel, Report, Run, SceneLabel, load_labels
from alpr.reading.plate_reader import PlateReader
from alpr.system.stage_times import StageTimes
from alpr.types import Detection, Image, PlateText
from tests.conftest import a_plate_text, some_corners


class _CornerDetector:
    """Finds one plate in the upper left corner of any image but a black one."""

    model_id = "corner@0"

    def detect(self, image: Image) -> list[Detection]:
        return [Detection(some_corners(10, 10, 100, 25), 0.9)] if image.any() else []


class _ShadeRecogniser:
    """Reads bright patches as one text and dark ones as another, and remembers the patches."""

    model_id = "shade@0"
    patch_size_wh = (160, 48)
    margin = (0.05, 0.1)

    def __init__(self) -> None:
        self.patches: list[Image] = []

    def recognise(self, patches: Sequence[Image]) -> list[PlateText]:
        self.patches.extend(patches)
        return [a_plate_text("AB12" if patch.mean() > 128 else "XY99") for patch in patches]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "scene.png"), np.full((200, 300, 3), 200, np.uint8))
    cv2.imwrite(str(tmp_path / "empty.png"), np.zeros((200, 300, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "crop.png"), np.full((20, 90, 3), 10, np.uint8))
    rows = [
        {"image": "scene.png", "split": "dev", "plates": [{"box": [10, 10, 110, 35], "text": "AB12"}]},
        {"image": "empty.png", "split": "dev", "plates": [{"box": [10, 10, 110, 35], "text": None}]},
        {"image": "crop.png", "split": "dev", "text": "XY9Q", "lines": 1},
        {"image": "gone.png", "split": "dev", "text": "AB12"},
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_scenes_and_crops_are_read_scored_and_timed(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recogniser = _ShadeRecogniser()
    unreadable: list[ImageError] = []
    run = Run(load_picture, StageTimes(), unreadable.append)
    rows = load_labels(labels)
    in_scenes = [row for row in rows if isinstance(row, SceneLabel)]
    reader = PlateReader(_CornerDetector(), recogniser)
    scenes = run.scenes(in_scenes, reader, reader)
    crops = run.crops([row for row in rows if isinstance(row, CropLabel)], reader)
    times = {stage: asdict(latency) for stage, latency in run.times.latencies().items()}
    evaluate.show(Report("shade@0", scenes=scenes, crops=crops, latencies=times), None, as_json=True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    scene, crop = (next(row for row in told if row["kind"] == kind) for kind in ("scenes", "crops"))
    assert (scene["images"], scene["plates"], scene["found"], scene["false"]) == (2, 2, 1, 0)
    assert (scene["texts"], scene["exact"]) == (1, 1)
    assert (crop["texts"], crop["exact"], crop["char_accuracy"]) == (1, 0, 0.75)
    assert [row["name"] for row in told if row.get("group") == "light"] == ["day", "night"]
    assert [(row["cause"], row["truth"], row["read"]) for row in told if row["kind"] == "failure"] == [
        ("other", "XY9Q", "XY99"),
        ("not found", None, ""),
    ]
    assert {row["stage"]: row["n"] for row in told if row["kind"] == "ms"} == {"detect": 2, "recognise": 2, "crop": 1}
    assert {row["threshold"]: row["recall"] for row in told if row["kind"] == "curve"}[0.5] == 0.5
    assert "gone.png" in str(unreadable)
    assert {patch.shape for patch in recogniser.patches} == {(48, 160, 3)}


def test_labels_that_are_not_there_and_rows_that_are_none(labels: Path) -> None:
    gone = CliRunner().invoke(cli, ["evaluate", "none.jsonl"])
    assert "none.jsonl: cannot be read" in str(gone.exception)
    none = CliRunner().invoke(cli, ["evaluate", str(labels), "--split", "test"])
    assert "no rows of split 'test'" in str(none.exception)


def test_two_recognisers_side_by_side(labels: Path) -> None:
    shipped = Path(__file__).parents[2] / "models" / "recogniser.onnx"
    told = CliRunner().invoke(
        cli, ["evaluate", str(labels), "--json", "--variant", "fp32", "--against", str(shipped)]
    )
    assert told.exit_code == 1, "one picture is gone"
    compared = [row for row in map(json.loads, told.stdout.splitlines()) if row["kind"] == "compared"]
    assert {(row["in"], row["group"]) for row in compared} >= {("crops", "all"), ("scenes", "all")}
    assert all(row["only_first"] == row["only_other"] == 0 and row["p_value"] == 1.0 for row in compared)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--ocr", "paddle"], "needs --ocr-model-dir"),
        (["--ocr", "paddle", "--ocr-model-dir", "x", "--against", "y"], "not both"),
    ],
)
def test_options_that_do_not_go_together(labels: Path, options: list[str], told: str) -> None:
    answer = CliRunner().invoke(cli, ["evaluate", str(labels), *options])
    assert answer.exit_code == 2
    assert told in answer.output


def test_a_second_engine_that_cannot_be_opened_is_told_before_anything_is_measured(
    labels: Path, tmp_path: Path
) -> None:
    answer = CliRunner().invoke(cli, ["evaluate", str(labels), "--ocr", "paddle", "--ocr-model-dir", str(tmp_path)])
    assert isinstance(answer.exception, ModelError)
    assert answer.stdout == ""


def test_the_page_is_written_beside_the_tables(labels: Path, tmp_path: Path) -> None:
    answer = CliRunner().invoke(cli, ["evaluate", str(labels), "--html", str(tmp_path / "page.html"), "--limit", "3"])
    assert answer.exit_code == 0, answer.output
    assert "personal data" in answer.stderr
    assert "<h2>Finding plates</h2>" in (tmp_path / "page.html").read_text()

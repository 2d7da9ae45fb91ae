"""The parts of `make train-smoke` that need no PyTorch; the chain itself is run by the command."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL")

from alpr.capture.pictures import load_picture
from alpr.evaluation import CropLabel, SceneLabel, load_labels
from training.drawn_set import write_set
from training.smoke import ROOT, check, run_step, steps


def test_the_drawn_set_is_labelled_as_the_real_one(tmp_path: Path) -> None:
    write_set(tmp_path, crops=10, scenes=5)
    crops = load_labels(tmp_path / "plates" / "labels.jsonl")
    scenes = load_labels(tmp_path / "scenes" / "labels.jsonl")
    assert [isinstance(row, CropLabel) for row in crops] == [True] * 10
    assert {row.lines for row in crops if isinstance(row, CropLabel)} == {1, 2}
    for path in (tmp_path / "plates", tmp_path / "scenes"):
        rows = [json.loads(line) for line in (path / "labels.jsonl").read_text().splitlines()]
        assert [row["split"] for row in rows] == (["train"] * 4 + ["dev"]) * (len(rows) // 5)
        assert all(row["source"] and row["licence"] for row in rows)
    for scene in scenes:
        assert isinstance(scene, SceneLabel)
        image = load_picture(scene.image)
        for plate in scene.plates:
            x1, y1, x2, y2 = (int(value) for value in plate.box)
            assert 0 <= x1 < x2 <= image.shape[1]
            assert np.ptp(image[y1:y2, x1:x2]) > 20, "a plate has ink on its ground, however dark the street"


def test_every_step_is_a_program_that_is_there() -> None:
    for name, command in steps(5):
        if command[0] == "-m":
            spec = importlib.util.find_spec(command[1])
            assert spec is not None, name
            assert spec.origin is not None
            source = Path(spec.origin).read_text(encoding="utf-8")
            assert all(f'"{option}"' in source for option in command if option.startswith("--")), name


def test_the_steps_are_those_of_the_recipe() -> None:
    recipe = (ROOT / "training" / "README.md").read_text(encoding="utf-8")
    for name, command in steps(5):
        if command[0] == "-m":
            assert f"python -m {command[1]}" in recipe, name


def test_a_step_that_fails_says_so_with_its_last_words(tmp_path: Path) -> None:
    assert run_step("greet", ["-c", "print('hello')"], tmp_path) == "hello\n"
    with pytest.raises(RuntimeError, match=r"break: exit 1\n(.|\n)*ValueError: no such plate"):
        run_step("break", ["-c", "raise ValueError('no such plate')"], tmp_path)
    assert "hello" in (tmp_path / "log.txt").read_text()


def test_what_is_missing_at_the_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    for task in ("recogniser", "detector", "recogniser.int8", "detector.int8"):
        for suffix in (".onnx", ".yaml"):
            (tmp_path / "models" / f"{task}{suffix}").write_bytes((ROOT / "models" / f"{task}{suffix}").read_bytes())
    (tmp_path / "page.html").write_text("x")
    row = {"group": "all", "texts": 3, "exact": 0}
    told = {f"evaluate on {kind}": json.dumps({"kind": kind, **row}) for kind in ("crops", "scenes")}
    assert "crops: 3 texts" in "\n".join(check(tmp_path, told))
    with pytest.raises(RuntimeError, match="evaluate on scenes: no figures"):
        check(tmp_path, {**told, "evaluate on scenes": ""})

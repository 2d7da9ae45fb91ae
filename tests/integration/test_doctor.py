"""`alpr doctor` on this computer and on folders of models that are well or not."""

from __future__ import annotations

import json
import shutil
import sys
import types
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.doctor import Finding, State, computer, model_files, variants
from alpr.models.card import load_card
from alpr.models.session import available_providers
from alpr.models.trial import greatest_difference, trial_input
from alpr.models.variant import Variant, VariantChoice, choose_variant
from alpr.system.kernel_clock import KernelClock, kernel_clock
from alpr.system.shipped import shipped

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with one small model and its card."""
    for suffix in (".onnx", ".yaml"):
        shutil.copy(BENCH / f"yardstick{suffix}", tmp_path)
    return tmp_path


def _examined(models: Path) -> tuple[Result, dict[str, dict[str, str]]]:
    result = CliRunner().invoke(cli, ["doctor", "--json", "--models", str(models), "--disk", str(models)])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return result, {row["check"]: row for row in rows}


def test_all_well(models: Path) -> None:
    result, rows = _examined(models)
    assert result.exit_code == 0, result.output
    assert {row["state"] for row in rows.values()} <= {"ok", "warn"}
    assert rows["model yardstick"]["found"].startswith("yardstick@")
    assert rows["yardstick on CPUExecutionProvider"]["found"].startswith("runs, ")
    assert {"python", "numpy", "module cv2", "module onnxruntime", "cpu", "disk", "clock"} <= set(rows)
    assert str(datetime.now(UTC).year) in rows["clock"]["found"]


def test_an_altered_model_is_bad(models: Path) -> None:
    with (models / "yardstick.onnx").open("ab") as file:
        file.write(b"\0")
    result, rows = _examined(models)
    assert result.exit_code == 3
    assert (rows["model yardstick"]["state"], "was altered" in rows["model yardstick"]["found"]) == ("bad", True)
    assert "yardstick.onnx was altered" in result.stderr


def test_missing_model_card_without_fields_and_stray_model(models: Path) -> None:
    (models / "yardstick.onnx").rename(models / "stray.onnx")
    (models / "empty.yaml").write_text("name: x\n")
    result, rows = _examined(models)
    assert result.exit_code == 3
    assert "cannot be read" in rows["model yardstick"]["found"]
    assert "lacks version" in rows["model empty"]["found"]
    assert (rows["model stray"]["state"], "has no card" in rows["model stray"]["found"]) == ("warn", True)


def test_no_models(tmp_path: Path) -> None:
    result, rows = _examined(tmp_path)
    assert (result.exit_code, rows["models"]["state"]) == (3, "bad")


def test_a_provider_that_takes_nothing_is_told_so(models: Path) -> None:
    (cpu, other) = model_files.model_runs(models, ["CPUExecutionProvider", "AzureExecutionProvider"])
    assert cpu.state is State.OK
    # Never a claim that it runs: it is not there, or it leaves all to the CPU.
    assert other.found.startswith(("takes none of it", "does not run"))


def test_two_owners_of_a_module() -> None:
    both = {"cv2": ["opencv-python", "opencv-contrib-python"], "onnxruntime": ["onnxruntime"]}
    cv2, runtime = computer.owners_of_modules(both)
    assert cv2.state is State.WARN
    assert "opencv-contrib-python (version unknown), opencv-python" in cv2.found
    assert runtime.state is State.OK


def test_a_broken_module_is_bad_and_does_not_stop_the_rest(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", types.ModuleType("cv2"))  # a package whose files another one removed
    result, rows = _examined(models)
    assert result.exit_code == 3
    assert rows["module cv2"]["found"].startswith("cannot be imported; owned by: opencv")
    assert "clock" in rows


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.2], [1.0, 2.0], 0.1),
        ([0.001], [0.002], 0.001),
        ([1.0], [1.0, 2.0], float("inf")),
        ([float("nan")], [1.0], float("inf")),
    ],
)
def test_difference(one: list[float], other: list[float], expected: float) -> None:
    assert greatest_difference(np.array(one, np.float32), np.array(other, np.float32)) == pytest.approx(expected)


def test_trial_input_follows_the_card(models: Path) -> None:
    path = models / "yardstick.yaml"
    batch = trial_input(load_card(path))
    assert (batch.shape, batch.dtype.name) == ((1, 32, 48, 56), "float32")
    text = path.read_text().replace("dtype: float32, shape: [1, 32, 48, 56]", "dtype: uint8, sizes_wh: [[64, 32]]")
    path.write_text(text)
    batch = trial_input(load_card(path))
    assert (batch.shape, batch.dtype.name) == ((1, 32, 64, 3), "uint8")
    assert batch.max() > 200


@pytest.mark.parametrize(
    ("now", "kernel", "state", "told"),
    [
        (datetime(2026, 5, 1, tzinfo=UTC), KernelClock(True, 0.012), State.OK, "synchronised, at most 12 ms off"),
        (datetime(2026, 5, 1, tzinfo=UTC), KernelClock(False, 16.0), State.WARN, "not synchronised"),
        (datetime(2026, 5, 1, tzinfo=UTC), None, State.WARN, "not known here"),
        (datetime(1970, 1, 1, tzinfo=UTC), KernelClock(True, 0.0), State.BAD, "long past"),
    ],
)
def test_clock(now: datetime, kernel: KernelClock | None, state: State, told: str) -> None:
    found = computer.clock(now, kernel)
    assert found.state is state
    assert told in found.found


def test_the_kernel_tells_of_its_clock() -> None:
    kernel = kernel_clock()
    assert kernel is None or kernel.max_error_s >= 0


def test_room() -> None:
    folder = Path("/x")
    assert computer.room(folder, 5 * 10**9, 10**10) == Finding("disk", State.OK, "5.0 of 10.0 GB free at /x")
    assert computer.room(folder, 5 * 10**8, 10**10).state is State.WARN


def test_the_variant_that_runs_is_told_with_what_each_takes() -> None:
    found = {each.check: each for each in variants.variants(shipped("models"))}
    assert set(found) == {"variant of detector", "variant of recogniser"}
    for task in ("detector", "recogniser"):
        chosen = choose_variant(shipped("models"), task)
        told = found[f"variant of {task}"].found
        assert told.startswith(f"{chosen.variant}, since {chosen.reason}; one pass on the CPU: fp32 takes ")
        assert "int8 takes" in told


def test_a_variant_that_is_slower_here_is_warned_of() -> None:
    chosen = VariantChoice(Path("detector.int8.onnx"), Variant.INT8, "asked for")
    well = variants.told("v", chosen, {Variant.FP32: 1.0, Variant.INT8: 1.05})
    assert well.state is State.OK
    slow = variants.told("v", chosen, {Variant.FP32: 1.0, Variant.INT8: 1.3})
    assert (slow.state, slow.found[-24:]) == (State.WARN, "set models.variant: fp32")
    elsewhere = variants.told("v", chosen, {Variant.FP32: 1.0, Variant.INT8: 1.3}, "openvino")
    assert elsewhere.state is State.OK


def test_a_variant_that_was_asked_for_in_vain_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPR__MODELS__VARIANT", "int8")
    shutil.copy(shipped("models") / "detector.yaml", tmp_path)
    (found,) = variants.variants(tmp_path)
    assert (found.state, "there is no" in found.found) == (State.BAD, True)


def test_what_a_configuration_asks_for_is_examined(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(
        "device: {name: gate, data_dir: data}\ncameras: [{id: a, url: a.mp4}]\n"
        "models: {variant: int8, provider: openvino}\n"
    )
    result = CliRunner().invoke(cli, ["doctor", "--json", "-c", str(path), "--disk", str(tmp_path)])
    rows = {row["check"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert rows["variant of detector"]["found"].startswith("int8, since asked for;")
    asked = rows["detector by models.provider openvino"]
    if "OpenVINOExecutionProvider" not in available_providers():
        assert (result.exit_code, asked["state"]) == (3, "bad")
        assert "pip install onnxruntime-openvino" in asked["found"]

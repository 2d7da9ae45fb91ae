"""Which variant of a model runs, on what, and that neither is ever something else than was asked for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from alpr.detect.detector import PlateDetector
from alpr.errors import ModelError
from alpr.models.card import load_card
from alpr.models.provider import PROVIDERS, Provider, verify
from alpr.models.session import ProfiledRun, available_providers, run_profiled
from alpr.models.trial import trial_input
from alpr.models.variant import VARIABLE, Variant, choose_variant
from alpr.ocr.recogniser import PlateRecogniser
from alpr.system.shipped import shipped


@pytest.mark.parametrize("task", ["detector", "recogniser"])
def test_the_int8_variant_was_made_of_the_network_beside_it_and_loses_no_more_than_allowed(task: str) -> None:
    fp32, int8 = (load_card(shipped("models") / f"{task}{kind}.yaml") for kind in ("", ".int8"))
    assert int8.fields["quantised_from"] == fp32.sha256, f"run `python -m training.quantise {task}` again"
    assert (int8.task, int8.fields["input"], int8.fields["outputs"]) == (
        *(fp32.task, fp32.fields["input"], fp32.fields["outputs"]),
    )
    assert int8.model_id != fp32.model_id
    decisive = int8.fields["scores"][0]
    assert decisive["n"] > 250
    assert decisive["float32"] - decisive["value"] <= 0.005
    assert "quantise" in decisive["command"]


def test_all_models_together_are_small() -> None:
    assert sum(path.stat().st_size for path in shipped("models").iterdir() if path.is_file()) <= 8e6


def _choice(folder: Path, wanted: str = "auto", *flags: str, provider: str = "cpu", asked: str = "") -> str:
    chosen = choose_variant(folder, "detector", wanted, provider=provider, cpu_flags=flags, environ={VARIABLE: asked})
    assert chosen.path == folder / ("detector.int8.onnx" if chosen.variant is Variant.INT8 else "detector.onnx")
    return f"{chosen.variant}: {chosen.reason}"


def test_the_variant_follows_the_processor_unless_it_is_asked_for() -> None:
    models = shipped("models")
    assert _choice(models, "auto", "avx2", "avx512_vnni") == "int8: the processor has avx512_vnni"
    assert _choice(models, "auto", "avx2", "avx_vnni") == "int8: the processor has avx_vnni"
    assert _choice(models, "auto", "asimd", "asimddp") == "int8: the processor has asimddp"
    assert _choice(models, "auto", "avx2", "avx512f").startswith("fp32: the processor has none of avx512_vnni")
    assert _choice(models, "auto", "avx512_vnni", provider="cuda") == "fp32: int8 is made for the CPU, not for cuda"
    assert _choice(models, "int8", "avx2") == "int8: asked for"
    assert _choice(models, "fp32", "avx512_vnni", asked="int8") == "fp32: asked for"
    assert _choice(models, "auto", "avx512_vnni", asked="fp32") == f"fp32: asked for by {VARIABLE}"


def test_a_variant_that_is_not_there_is_never_chosen_and_refused_when_asked_for(tmp_path: Path) -> None:
    assert _choice(tmp_path, "auto", "avx512_vnni") == "fp32: no int8 variant is there"
    with pytest.raises(ModelError, match=r"there is no .*detector\.int8\.onnx"):
        _choice(tmp_path, "int8")
    with pytest.raises(ModelError, match=f"{VARIABLE} is 'int4': give auto, fp32 or int8"):
        _choice(tmp_path, asked="int4")


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_a_read_carries_the_id_of_the_model_that_ran(variant: str) -> None:
    for part, task in (
        (PlateDetector(variant=variant), "detector"),
        (PlateRecogniser(variant=variant), "recogniser"),
    ):
        name = task if variant == "fp32" else f"{task}-int8"
        assert part.model_id == f"{name}@{part.model.card.sha256[:12]}"


def test_who_says_nothing_is_no_proof_that_two_agree() -> None:
    # A provider is compared with the CPU on this input: the shipped models must have something to say about it.
    recogniser = PlateRecogniser(variant="fp32")
    outputs = recogniser.model.run(trial_input(recogniser.model.card))
    assert (outputs["char_probabilities"].argmax(-1) != 0).any()
    detector = PlateDetector(variant="fp32")
    assert np.ptp(detector.model.run(trial_input(detector.model.card))["plates"][0, :, 1]) > 100


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("openvino", r"no OpenVINOExecutionProvider; .*pip install onnxruntime-openvino"),
        ("cuda", r"no CUDAExecutionProvider; .*pip install onnxruntime-gpu"),
        ("tensorrt", r"no TensorrtExecutionProvider; .*TensorRT"),
        ("gpu", r"'gpu': give one of cpu, openvino, cuda, tensorrt"),
    ],
)
def test_a_provider_that_is_not_there_is_refused_in_one_line(provider: str, told: str) -> None:
    if provider in PROVIDERS and PROVIDERS[provider].execution_provider in available_providers():
        pytest.skip(f"this onnxruntime has {provider}")
    with pytest.raises(ModelError, match=told) as caught:
        PlateDetector(provider=provider)
    assert "\n" not in str(caught.value)


def test_a_provider_that_leaves_the_work_to_the_cpu_is_refused() -> None:
    # What onnxruntime does without a word where a provider's libraries are missing; Azure's takes no node of ours.
    path = shipped("models") / "recogniser.onnx"
    with pytest.raises(ModelError, match=r"(leaves .*recogniser\.onnx to the CPU|does not run)"):
        verify(path, "recogniser", "cuda", Provider("AzureExecutionProvider", "install it"))


def test_a_provider_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shipped("models") / "recogniser.onnx"
    honest = run_profiled

    def off(path: Path, task: str, batch: npt.NDArray[np.generic], provider: str) -> ProfiledRun:
        ran = honest(path, task, batch, "CPUExecutionProvider")
        if provider == "CPUExecutionProvider":
            return ran
        shifted = {name: output + np.float32(0.05) for name, output in ran.outputs.items()}
        return ProfiledRun(shifted, Counter({provider: 5}), Counter())

    monkeypatch.setattr("alpr.models.provider.run_profiled", off)
    with pytest.raises(ModelError, match=r"something else than the CPU .* differ by \d\.\d%, allowed 2%"):
        verify(path, "recogniser", "openvino", PROVIDERS["openvino"])

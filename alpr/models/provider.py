"""Execution providers: the CPU, or what an onnxruntime of another build can use. Chosen by name, verified at start.

ONNX Runtime silently leaves to the CPU what a provider cannot run, or all of it where its libraries are missing.
Here that is an error, so that nobody who configured a GPU runs on the CPU without knowing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alpr.errors import ModelError
from alpr.models.card import load_card
from alpr.models.session import CPU, Model, available_providers, open_session, run_profiled
from alpr.models.trial import greatest_difference, trial_input

TOLERANCE = 0.02
"""Greatest difference from the CPU's outputs, as a share of the greatest value: half precision stays within."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An execution provider that a configuration may name."""

    execution_provider: str
    """Its name in onnxruntime."""
    install: str
    """Instructions to install it."""


_GPU = "pip uninstall onnxruntime && pip install onnxruntime-gpu, and the driver, CUDA and {} that it asks for"
PROVIDERS = {
    "cpu": Provider(CPU, "pip install onnxruntime"),
    "openvino": Provider(
        "OpenVINOExecutionProvider", "pip uninstall onnxruntime && pip install onnxruntime-openvino (x86 only)"
    ),
    "cuda": Provider("CUDAExecutionProvider", _GPU.format("cuDNN")),
    "tensorrt": Provider("TensorrtExecutionProvider", _GPU.format("TensorRT")),
}


def open_model(path: Path, task: str, *, provider: str = "cpu") -> Model:
    """Open a model after checking it against its card, and, on anything but the CPU, against the CPU.

    Args:
        path: of the .onnx file or of its card.
        task: the task that the caller needs: "detector" or "recogniser".
        provider: a key of `PROVIDERS`.

    Raises:
        ModelError: missing, altered, for another task, of another shape than its card says, not loadable; or its
            provider is unknown, not installed, leaves the work to the CPU, or computes something else.
    """
    if provider == "cpu":
        return open_session(path, task)
    wanted = PROVIDERS.get(provider)
    if wanted is None:
        raise ModelError(f"models.provider is {provider!r}: give one of {', '.join(PROVIDERS)}")
    if wanted.execution_provider not in available_providers():
        raise ModelError(
            f"models.provider {provider}: this onnxruntime has no {wanted.execution_provider}; {wanted.install}"
        )
    verify(path, task, provider, wanted)
    return open_session(path, task, [wanted.execution_provider, CPU])


def verify(path: Path, task: str, name: str, provider: Provider) -> None:
    """Run a model on a provider and on the CPU, and compare.

    Args:
        path: of the .onnx file or of its card.
        task: "detector" or "recogniser".
        name: key of the provider in `PROVIDERS`, for messages.
        provider: the one to verify.

    Raises:
        ModelError: it does not run, leaves convolutions to the CPU, or differs by more than `TOLERANCE`.
    """
    card = load_card(path)
    batch = trial_input(card)
    expected = run_profiled(path, task, batch, CPU).outputs
    try:
        ran = run_profiled(path, task, batch, provider.execution_provider)
    except ModelError as error:
        raise ModelError(f"models.provider {name} does not run {card.model_path}: {error}") from error
    if not ran.nodes[provider.execution_provider] or ran.convolutions[CPU]:
        raise ModelError(
            f"models.provider {name} leaves {card.model_path} to the CPU ({ran.nodes[CPU]} of {ran.nodes.total()} "
            f"nodes): its libraries are missing or do not match; {provider.install}; `alpr doctor` shows details"
        )
    worst = max(greatest_difference(ran.outputs[output], expected[output]) for output in expected)
    if worst > TOLERANCE:
        raise ModelError(
            f"models.provider {name} computes something else than the CPU from {card.model_path}: they differ by "
            f"{worst:.1%}, allowed {TOLERANCE:.0%}; update its libraries or set models.provider: cpu"
        )

"""Sessions of ONNX Runtime: one model on one thread, without spinning."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as _ort_state

from alpr.errors import ModelError
from alpr.models.card import ModelCard, file_sha256, load_card

CPU = "CPUExecutionProvider"
_ORT_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in vars(_ort_state).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class Model:
    """An opened model: one onnxruntime session on one thread, without spinning.

    Args:
        card: of the model.
        session: opened on its file.
    """

    def __init__(self, card: ModelCard, session: ort.InferenceSession) -> None:
        self.card = card
        self._session = session
        self._input_name = session.get_inputs()[0].name
        self._output_names = [output.name for output in session.get_outputs()]

    @property
    def providers(self) -> list[str]:
        """The onnxruntime providers of this session, first choice first."""
        return list(self._session.get_providers())

    def run(self, batch: npt.NDArray[np.generic]) -> dict[str, npt.NDArray[np.float32]]:
        """Run one forward pass.

        Args:
            batch: of the shape and type that the card states.

        Returns:
            The outputs by name.

        Raises:
            ModelError: the runtime refused, for example for want of memory.
        """
        try:
            outputs = self._session.run(self._output_names, {self._input_name: batch})
        except _ORT_ERRORS as error:
            raise ModelError(
                f"model {self.card.model_path} failed on input {batch.shape}: {_one_line(error)}"
            ) from error
        return dict(zip(self._output_names, outputs, strict=True))

    def end_profiling(self) -> str:
        """Return the path of the profile of a session that was opened to make one."""
        return str(self._session.end_profiling())


def open_session(
    path: Path, task: str, providers: Sequence[str] = (CPU,), options: ort.SessionOptions | None = None
) -> Model:
    """Open a model after checking it against its card.

    Args:
        path: of the .onnx file or of its card.
        task: the task that the caller needs: "detector" or "recogniser".
        providers: onnxruntime execution providers, first choice first.
        options: None takes one thread, without spinning.

    Raises:
        ModelError: missing, altered, for another task, of another shape than its card says, or not loadable.
    """
    card = load_card(path)
    if card.task != task:
        raise ModelError(f"model {card.model_path} is a {card.task}, expected a {task}")
    actual = file_sha256(card.model_path)
    if actual != card.sha256:
        raise ModelError(
            f"model {card.model_path} was altered: SHA-256 is {actual[:12]}…, its card expects {card.sha256[:12]}…; "
            "restore the file or write its own card"
        )
    try:
        session = ort.InferenceSession(str(card.model_path), options or _options(), providers=list(providers))
    except _ORT_ERRORS as error:
        raise ModelError(f"model {card.model_path} cannot be loaded: {_one_line(error)}") from error
    _check_shapes(card, session)
    return Model(card, session)


def shapes_of(path: Path) -> tuple[list[list[Any]], list[list[Any]]]:
    """Return the shapes of a model file without a card.

    Args:
        path: of the .onnx file.

    Returns:
        Shapes of the inputs, shapes of the outputs; open dimensions are names or None.

    Raises:
        ModelError: it cannot be loaded.
    """
    try:
        session = ort.InferenceSession(str(path), _options(), providers=[CPU])
    except _ORT_ERRORS as error:
        raise ModelError(f"model {path} cannot be loaded: {_one_line(error)}") from error
    return [list(node.shape) for node in session.get_inputs()], [list(node.shape) for node in session.get_outputs()]


def available_providers() -> tuple[str, ...]:
    """Return the execution providers in this build of onnxruntime; whether one works shows only when it runs."""
    return tuple(ort.get_available_providers())


@dataclass(frozen=True, slots=True)
class ProfiledRun:
    """One forward pass, with the providers that really ran it."""

    outputs: Mapping[str, npt.NDArray[np.float32]]
    nodes: Counter[str]
    """Number of nodes by provider."""
    convolutions: Counter[str]
    """Number of them that are plain convolutions, not fused into something of the provider's own."""


def run_profiled(path: Path, task: str, batch: npt.NDArray[np.generic], provider: str) -> ProfiledRun:
    """Run one forward pass under the profiler, since a provider silently leaves nodes that it cannot run to the CPU.

    Args:
        path: of the .onnx file or of its card.
        task: "detector" or "recogniser".
        batch: of the shape and type that the card states.
        provider: an onnxruntime execution provider.

    Raises:
        ModelError: as `open_session` and `Model.run`.
    """
    with tempfile.TemporaryDirectory(prefix="alpr-profile-") as folder:
        options = _options()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        model = open_session(path, task, [provider], options)
        outputs = model.run(batch)
        events = json.loads(Path(model.end_profiling()).read_text(encoding="utf-8"))
    node_runs = [event["args"] for event in events if event.get("args", {}).get("provider")]
    return ProfiledRun(
        outputs,
        Counter(str(each["provider"]) for each in node_runs),
        Counter(str(each["provider"]) for each in node_runs if "Conv" in str(each.get("op_name"))),
    )


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _check_shapes(card: ModelCard, session: ort.InferenceSession) -> None:
    found = session.get_inputs()
    expected = card.fields["input"]
    dtype = _DTYPES.get(found[0].type, found[0].type)
    if len(found) != 1 or found[0].name != expected["name"] or dtype != expected["dtype"]:
        got = ", ".join(f"{node.name} {_DTYPES.get(node.type, node.type)}" for node in found)
        raise ModelError(
            f"model {card.model_path} takes {got}; expected one input {expected['name']} {expected['dtype']}"
        )
    if "shape" in expected:
        _check_shape(card, "input", found[0].name, found[0].shape, expected["shape"])
    outputs = {node.name: node.shape for node in session.get_outputs()}
    for name, shape in card.fields["outputs"].items():
        if name not in outputs:
            raise ModelError(f"model {card.model_path} gives {', '.join(outputs)}; expected an output {name}")
        _check_shape(card, "output", name, outputs[name], shape)


def _check_shape(card: ModelCard, what: str, name: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    # A dimension that either side leaves open (a name instead of a number) fits anything.
    fits = len(found) == len(expected) and all(
        a == b or not (isinstance(a, int) and isinstance(b, int)) for a, b in zip(found, expected, strict=True)
    )
    if not fits:
        raise ModelError(f"model {card.model_path}: {what} {name} is {list(found)}, expected {list(expected)}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]

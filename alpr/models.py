"""Model files and their cards: found, verified, opened. The only importer of onnxruntime.

A model is two files of the same stem: `NAME.onnx` and its card `NAME.yaml`. The card says what the file is (sha256,
input, outputs, alphabet, thresholds, what it learned from, how well it does). What differs from its card never runs.
"""

from __future__ import annotations

import hashlib
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
import yaml
from onnxruntime.capi import onnxruntime_pybind11_state as _ort_state

from alpr.errors import ModelError

_REQUIRED = ("name", "version", "task", "file", "sha256", "input", "outputs")
_ORT_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in vars(_ort_state).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model's card says; `fields` holds the whole of it."""

    path: Path
    name: str
    version: str
    task: str
    model_path: Path
    sha256: str
    fields: Mapping[str, Any]

    @property
    def model_id(self) -> str:
        """`name@first 12 digits of the hash`: how reads name the model that made them."""
        return f"{self.name}@{self.sha256[:12]}"


def load_card(path: Path) -> ModelCard:
    """Read the card of a model, given the path of the card or of the model itself.

    Raises:
        ModelError: the card is missing, is no YAML mapping, or lacks a required field.
    """
    card_path = path.with_suffix(".yaml")
    try:
        fields = yaml.safe_load(card_path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"model card {card_path} cannot be read ({error.strerror}): every model needs its card beside it"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"model card {card_path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(fields, dict):
        raise ModelError(f"model card {card_path} must be a mapping, got {type(fields).__name__}")
    missing = [name for name in _REQUIRED if name not in fields]
    if missing:
        raise ModelError(f"model card {card_path} lacks {', '.join(missing)}")
    return ModelCard(
        path=card_path,
        name=str(fields["name"]),
        version=str(fields["version"]),
        task=str(fields["task"]),
        model_path=card_path.parent / str(fields["file"]),
        sha256=str(fields["sha256"]),
        fields=fields,
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"model {path} cannot be read ({error.strerror}): restore it or name another one in the config"
        ) from error


class Model:
    """An opened model: one onnxruntime session, one thread, spinning off (performance.md, C2)."""

    def __init__(self, card: ModelCard, session: ort.InferenceSession) -> None:
        self.card = card
        self._session = session
        self._input_name = session.get_inputs()[0].name
        self._output_names = [output.name for output in session.get_outputs()]

    @property
    def providers(self) -> list[str]:
        """The onnxruntime providers that this session was given, first choice first."""
        return list(self._session.get_providers())

    def run(self, batch: npt.NDArray[np.generic]) -> dict[str, npt.NDArray[np.float32]]:
        """One forward pass; outputs by name.

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


def open_model(path: Path, task: str, *, providers: Sequence[str] = ("CPUExecutionProvider",)) -> Model:
    """Open a model after checking it against its card.

    Args:
        path: of the .onnx file or of its card.
        task: "detector" or "recogniser": what the caller needs.
        providers: onnxruntime execution providers, first choice first.

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
    session = _open_session(card, providers, _options())
    _check_shapes(card, session)
    return Model(card, session)


def available_providers() -> tuple[str, ...]:
    """The execution providers that this onnxruntime was compiled with; whether one works shows only when it runs."""
    return tuple(ort.get_available_providers())


def run_profiled(
    path: Path, task: str, batch: npt.NDArray[np.generic], provider: str
) -> tuple[dict[str, npt.NDArray[np.float32]], Counter[str]]:
    """One forward pass under the profiler, as `open_model` and `Model.run`: tells who really did the work.

    A provider that cannot take a node leaves it to the CPU without a word.

    Returns:
        Outputs by name, and how many nodes each provider ran.

    Raises:
        ModelError: as those do.
    """
    card = open_model(path, task).card
    with tempfile.TemporaryDirectory(prefix="alpr-profile-") as folder:
        options = _options()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = _open_session(card, [provider], options)
        outputs = Model(card, session).run(batch)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    ran = Counter(str(event["args"]["provider"]) for event in events if event.get("args", {}).get("provider"))
    return outputs, ran


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _open_session(card: ModelCard, providers: Sequence[str], options: ort.SessionOptions) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(str(card.model_path), options, providers=list(providers))
    except _ORT_ERRORS as error:
        raise ModelError(f"model {card.model_path} cannot be loaded: {_one_line(error)}") from error


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

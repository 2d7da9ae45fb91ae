"""Looks at the models and at who runs them: each by each provider of ONNX Runtime, compared with the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alpr.doctor.computer import Finding, State
from alpr.errors import ModelError
from alpr.models.card import ModelCard, file_sha256, load_card
from alpr.models.provider import TOLERANCE
from alpr.models.session import run_profiled
from alpr.models.trial import greatest_difference, trial_input

_CPU = "CPUExecutionProvider"


def model_files(folder: Path) -> Iterator[Finding]:
    """Check whether each model is the file that its card describes.

    Args:
        folder: of the models.
    """
    cards = sorted(folder.glob("*.yaml"))
    if not cards:
        yield Finding("models", State.BAD, f"no model card in {folder}: nothing can be read; install alpr again")
    for path in cards:
        try:
            card = load_card(path)
            actual = file_sha256(card.model_path)
        except ModelError as error:
            yield Finding(f"model {path.stem}", State.BAD, str(error))
            continue
        if actual == card.sha256:
            yield Finding(
                f"model {path.stem}", State.OK, f"{card.model_id}, version {card.version}, as its card says"
            )
        else:
            text = f"{card.model_path} was altered: SHA-256 {actual[:12]}…, its card says {card.sha256[:12]}…"
            yield Finding(f"model {path.stem}", State.BAD, text)
    for stray in sorted(set(folder.glob("*.onnx")) - {card.with_suffix(".onnx") for card in cards}):
        yield Finding(f"model {stray.stem}", State.WARN, f"{stray} has no card and cannot be used")


def model_runs(folder: Path, providers: Iterable[str]) -> Iterator[Finding]:
    """Check whether each provider runs each model, and gives what the CPU gives.

    Args:
        folder: of the models.
        providers: their names.
    """
    others = [provider for provider in providers if provider != _CPU]
    for path in sorted(folder.glob("*.yaml")):
        try:
            card = load_card(path)
            batch = trial_input(card)
            ran = run_profiled(path, card.task, batch, _CPU)
        except ModelError as error:
            yield Finding(f"{path.stem} on {_CPU}", State.BAD, str(error))
            continue
        yield Finding(f"{path.stem} on {_CPU}", State.OK, f"runs, {ran.nodes[_CPU]} nodes")
        for provider in others:
            yield _compared(path, card, batch, provider, ran.outputs)


def _compared(
    path: Path,
    card: ModelCard,
    batch: npt.NDArray[np.generic],
    provider: str,
    expected: Mapping[str, npt.NDArray[np.float32]],
) -> Finding:
    check = f"{path.stem} on {provider}"
    try:
        ran = run_profiled(path, card.task, batch, provider)
    except ModelError as error:
        return Finding(check, State.WARN, f"does not run: {error}")
    if not ran.nodes[provider]:
        return Finding(check, State.OK, "takes none of it: the CPU runs all")
    worst = max(greatest_difference(ran.outputs[name], expected[name]) for name in expected)
    shares = f"{ran.nodes[provider]} of {ran.nodes.total()} nodes"
    if worst > TOLERANCE and card.fields.get("variant") == "int8":
        text = f"runs {shares}, and differs from the CPU by {worst:.1%}: never chosen there"
        return Finding(check, State.WARN, text)
    if worst > TOLERANCE:
        return Finding(check, State.BAD, f"runs {shares}, but differs from the CPU by {worst:.1%}: do not use it")
    return Finding(check, State.OK, f"runs {shares}, within {worst:.2%} of the CPU")

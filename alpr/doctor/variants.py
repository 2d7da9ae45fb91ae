"""Tells which variant of each model runs here, why, and what each takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from alpr.doctor.computer import Finding, State
from alpr.errors import ModelError
from alpr.models.provider import open_model
from alpr.models.trial import trial_input
from alpr.models.variant import Variant, VariantChoice, choose_variant

_TASKS = ("detector", "recogniser")
_PASSES = 15
_CLEARLY = 1.1
"""A variant is called slower only where it is so by more than measuring errs."""


def variants(folder: Path, wanted: str = "auto", provider: str = "cpu") -> Iterator[Finding]:
    """Check for each task which variant runs here, and what a pass of each variant takes on the CPU.

    Args:
        folder: of the models.
        wanted: `models.variant` of a configuration.
        provider: `models.provider` of it; one that is not the CPU is started as `alpr run` would.
    """
    for task in _TASKS:
        if (folder / f"{task}.yaml").is_file():
            yield _variant(folder, task, wanted, provider)
            if provider != "cpu":
                yield _provider(folder, task, wanted, provider)


def _provider(folder: Path, task: str, wanted: str, provider: str) -> Finding:
    check = f"{task} by models.provider {provider}"
    try:
        open_model(choose_variant(folder, task, wanted, provider=provider).path, task, provider=provider)
    except ModelError as error:
        return Finding(check, State.BAD, str(error))
    return Finding(check, State.OK, "runs, and agrees with the CPU")


def _variant(folder: Path, task: str, wanted: str, provider: str) -> Finding:
    check = f"variant of {task}"
    try:
        chosen = choose_variant(folder, task, wanted, provider=provider)
        took = {kind: pass_ms(_path(folder, task, kind), task) for kind in _shipped_kinds(folder, task)}
    except ModelError as error:
        return Finding(check, State.BAD, str(error))
    return told(check, chosen, took, provider)


def told(check: str, chosen: VariantChoice, took_ms: dict[Variant, float], provider: str = "cpu") -> Finding:
    """Report the variant that was chosen beside what was measured.

    Args:
        check: name of the finding.
        chosen: what runs.
        took_ms: processor time of one pass of each variant on the CPU.
        provider: what computes; the times say something of the choice only where that is the CPU.
    """
    times = ", ".join(f"{kind} takes {ms:.2f} ms" for kind, ms in took_ms.items())
    text = f"{chosen.variant}, since {chosen.reason}; one pass on the CPU: {times}"
    quickest = min(took_ms, key=lambda kind: took_ms[kind])
    if provider == "cpu" and took_ms[chosen.variant] > _CLEARLY * took_ms[quickest]:
        return Finding(check, State.WARN, f"{text}: set models.variant: {quickest}")
    return Finding(check, State.OK, text)


def pass_ms(path: Path, task: str) -> float:
    """Median processor time of one pass in milliseconds: the same on a busy machine.

    Args:
        path: of the model.
        task: of the model, which decides its input.

    Raises:
        ModelError: the model cannot be opened or run.
    """
    model = open_model(path, task)
    batch = trial_input(model.card)
    model.run(batch)
    times = []
    for _ in range(_PASSES):
        start_ns = time.thread_time_ns()
        model.run(batch)
        times.append(time.thread_time_ns() - start_ns)
    return statistics.median(times) / 1e6


def _shipped_kinds(folder: Path, task: str) -> list[Variant]:
    return [kind for kind in (Variant.FP32, Variant.INT8) if _path(folder, task, kind).is_file()]


def _path(folder: Path, task: str, kind: Variant) -> Path:
    return folder / f"{task}{'' if kind is Variant.FP32 else f'.{kind}'}.onnx"

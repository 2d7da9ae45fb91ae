"""The variant of a shipped model that suits this processor, and why (docs/decisions/0010-variant-by-processor.md)."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from alpr.errors import ModelError
from alpr.system.machine import this_machine

VARIABLE = "ALPR__MODELS__VARIANT"
"""The environment variable that sets `models.variant` of a configuration; heeded also where there is none."""
_GAINING = ("avx512_vnni", "avx_vnni", "asimddp")
"""Instructions that multiply and add four pairs of 8-bit numbers at once, without saturating."""


class Variant(StrEnum):
    """A variant of a shipped model."""

    AUTO = "auto"
    """The one that is quicker on this processor."""
    FP32 = "fp32"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class VariantChoice:
    """The variant that was chosen."""

    path: Path
    """Model file."""
    variant: Variant
    """FP32 or INT8."""
    reason: str
    """Reason of the choice, for people."""


def choose_variant(
    folder: Path,
    task: str,
    wanted: Variant | str = Variant.AUTO,
    *,
    provider: str = "cpu",
    cpu_flags: Collection[str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> VariantChoice:
    """Choose between `TASK.onnx` and `TASK.int8.onnx` in a folder.

    Args:
        folder: of the models.
        task: "detector" or "recogniser".
        wanted: AUTO leaves it to the environment variable `VARIABLE`, then to the processor.
        provider: a key of `alpr.models.provider.PROVIDERS`.
        cpu_flags: None takes this computer's.
        environ: in which `VARIABLE` may be set.

    Raises:
        ModelError: the variant is unknown, or there is no file of it.
    """
    wanted = _parsed(wanted, "models.variant")
    because = "asked for"
    if wanted is Variant.AUTO and environ.get(VARIABLE):
        wanted, because = _parsed(environ[VARIABLE], VARIABLE), f"asked for by {VARIABLE}"
    fp32, int8 = folder / f"{task}.onnx", folder / f"{task}.int8.onnx"
    if wanted is Variant.FP32:
        return VariantChoice(fp32, Variant.FP32, because)
    if wanted is Variant.INT8:
        if not int8.is_file():
            raise ModelError(
                f"models.variant is int8, but there is no {int8}; set auto or fp32, or install alpr again"
            )
        return VariantChoice(int8, Variant.INT8, because)
    if not int8.is_file():
        return VariantChoice(fp32, Variant.FP32, "no int8 variant is there")
    if provider != "cpu":
        return VariantChoice(fp32, Variant.FP32, f"int8 is made for the CPU, not for {provider}")
    flags = this_machine().cpu_flags if cpu_flags is None else cpu_flags
    gains = [flag for flag in _GAINING if flag in flags]
    if gains:
        return VariantChoice(int8, Variant.INT8, f"the processor has {gains[0]}")
    return VariantChoice(fp32, Variant.FP32, f"the processor has none of {', '.join(_GAINING)}: int8 gains nothing")


def _parsed(text: str, where: str) -> Variant:
    try:
        return Variant(text)
    except ValueError as error:
        raise ModelError(f"{where} is {text!r}: give auto, fp32 or int8") from error

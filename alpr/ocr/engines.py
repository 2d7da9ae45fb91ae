"""Selection of the OCR engine that a configuration names."""

from __future__ import annotations

from pathlib import Path

from alpr.errors import ModelError
from alpr.models.variant import Variant
from alpr.ocr.recogniser import PlateRecogniser, Recogniser


def open_recogniser(
    engine: str = "onnx",
    path: Path | None = None,
    *,
    model_dir: Path | None = None,
    variant: Variant | str = Variant.AUTO,
    provider: str = "cpu",
) -> Recogniser:
    """Open the recogniser of an engine.

    Args:
        engine: "onnx" or "paddle".
        path: with "onnx": model file or card; None takes the shipped one.
        model_dir: with "paddle": folder of `inference.onnx` and `inference.yml`.
        variant: with "onnx": of the shipped model.
        provider: with "onnx": a key of `alpr.models.provider.PROVIDERS`.

    Raises:
        ModelError: the engine is unknown, or its model cannot be opened.
    """
    if engine == "onnx":
        return PlateRecogniser(path, variant=variant, provider=provider)
    if engine != "paddle":
        raise ModelError(f"ocr.engine is {engine!r}: give onnx or paddle")
    if model_dir is None:
        raise ModelError("ocr.engine paddle needs ocr.model_dir: the folder of inference.onnx and inference.yml")
    from alpr.ocr.paddle import PaddleRecogniser  # noqa: PLC0415 - an extra, and slow to import

    return PaddleRecogniser(model_dir)

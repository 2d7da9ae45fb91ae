"""PaddleRecogniser: the same patches, read by PaddleOCR. Its only importer; offline, on ONNX Runtime.

PaddleOCR returns a text and one score, and no more. The score is the mean of its characters' probabilities, each
taken where the character is seen first, not where it is seen best: lower than that of our own recogniser, and not
calibrated. Here each character gets that score, and all others share the rest evenly, since the alternatives are not
known. So look-alikes are not ranked, and the only candidate is the text itself.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alpr.errors import ModelError
from alpr.models.paddlex import PaddleFolder, read_paddle_folder
from alpr.plates import normalise
from alpr.types import ALPHABET, Candidate, Image, PlateText

_INSTALL = "pip install 'alpr[paddle]'"
_LEAST_VERSION = (3, 7)  # the first that runs on ONNX Runtime without paddlepaddle


class PaddleRecogniser:
    """Reads plates by a text recogniser in a PaddleX folder. It reports no region.

    Args:
        model_dir: folder of `inference.onnx` and `inference.yml`; nothing is ever downloaded.

    Raises:
        ModelError: PaddleOCR is not installed, too old or broken, or the folder is not what it needs.
    """

    def __init__(self, model_dir: Path) -> None:
        self._folder: PaddleFolder = read_paddle_folder(model_dir)
        self._engine = _open(self._folder)

    @property
    def model_id(self) -> str:
        """`paddle-NAME@first 12 hex digits of the SHA-256`: names the model in its reads."""
        return self._folder.model_id

    @property
    def patch_size_wh(self) -> tuple[int, int]:
        """Width and height of the patches that it takes, pixels."""
        return self._folder.size_wh

    @property
    def margin(self) -> tuple[float, float]:
        """Share of the plate's width and height that a patch shows around it on each side."""
        return self._folder.margin

    def recognise(self, patches: Sequence[Image]) -> list[PlateText]:
        """Read the text of each patch, in order.

        Args:
            patches: each (H, W, 3) uint8 BGR.

        Raises:
            ModelError: PaddleOCR failed.
        """
        if not patches:
            return []
        try:
            results = self._engine.predict(input=list(patches), batch_size=len(patches))
            return [plate_text(str(each["rec_text"]), float(each["rec_score"])) for each in results]
        except (ValueError, RuntimeError, TypeError, KeyError) as error:
            raise ModelError(f"PaddleOCR failed on {self._folder.path}: {_one_line(error)}") from error


def plate_text(raw: str, score: float) -> PlateText:
    """Convert PaddleOCR's text and score to a plate text.

    The confidence of the whole is the score to the power of the number of characters: an upper bound, since the
    geometric mean of probabilities is at most their arithmetic mean.

    Args:
        raw: as the model writes it; all but A–Z and 0–9 is dropped.
        score: mean probability of its characters, in [0, 1].

    >>> plate_text("AB 12", 0.5).confidence
    0.0625
    """
    text = normalise(raw)
    if not text:
        return PlateText("", np.zeros((0, len(ALPHABET)), np.float32), score, (Candidate("", score),))
    score = min(1.0, max(0.0, score))
    rows = np.full((len(text), len(ALPHABET)), (1 - score) / (len(ALPHABET) - 1), np.float32)
    rows[np.arange(len(text)), [ALPHABET.index(char) for char in text]] = score
    whole = score ** len(text)
    return PlateText(text, rows, whole, (Candidate(text, whole),))


def _open(folder: PaddleFolder) -> Any:
    """Open PaddleOCR's own recogniser on a folder, on one thread."""
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")  # it would probe four hosts
    _check_version()
    try:
        from paddleocr import TextRecognition  # noqa: PLC0415 - slow to import, and an extra
        from paddlex.utils.deps import DependencyError  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(f"ocr.engine paddle: PaddleOCR does not import ({_one_line(error)}); {_INSTALL}") from error
    try:
        return TextRecognition(
            model_name=folder.model_name,
            model_dir=str(folder.path),
            engine="onnxruntime",
            device="cpu",
            engine_config={"intra_op_num_threads": 1, "inter_op_num_threads": 1},
        )
    except (DependencyError, ValueError, RuntimeError, TypeError, KeyError, OSError, AssertionError) as error:
        raise ModelError(f"PaddleOCR refuses {folder.path}: {_one_line(error)}{_advice(error)}") from error


def _check_version() -> None:
    try:
        version = importlib.metadata.version("paddleocr")
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError(f"ocr.engine paddle needs PaddleOCR, which is not installed: {_INSTALL}") from error
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _LEAST_VERSION:
        raise ModelError(
            f"ocr.engine paddle needs PaddleOCR 3.7, which runs on ONNX Runtime; {version} is installed: {_INSTALL}"
        )


def _advice(error: BaseException) -> str:
    said = str(error)
    if "No engine bindings" in said:
        return "; Global.model_name in inference.yml must be one that PaddleX registers, as en_PP-OCRv5_mobile_rec"
    if "contrib" in said or "additional dependencies" in said or "dependency" in said:
        return f"; its own requirements are not met: {_INSTALL} into an environment of its own"
    return ""


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__

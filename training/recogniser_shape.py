"""The recogniser's inputs and outputs, and how they are read; knows nothing of how it is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from alpr.types import ALPHABET

MODEL = Path(__file__).parent.parent / "models" / "recogniser.onnx"
PATCH_SIZE_WH = (160, 48)
MARGIN = (0.06, 0.12)
"""Share of the plate's width and height that a patch keeps around it on each side."""
STEPS = 40
"""Places along one row; two rows are put one after the other."""
CLASSES = len(ALPHABET) + 1
BLANK = 0
OUTPUTS = ("char_probabilities", "two_lines", "region_probabilities")

Outputs = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]
Network = Callable[[npt.NDArray[np.uint8]], Outputs]
"""Patches (N, 48, 160, 3) uint8 BGR to the three outputs, in the order of OUTPUTS."""


def decode(probabilities: npt.NDArray[np.float32]) -> str:
    """The text of the likeliest class at each of the 80 steps: repeats collapsed, blanks dropped."""
    best = probabilities.argmax(-1)
    is_new = np.concatenate([[True], best[1:] != best[:-1]])
    return "".join(ALPHABET[c - 1] for c in best[is_new] if c != BLANK)


def network_from_onnx(path: Path) -> Network:
    """The exported file on one thread."""
    import onnxruntime  # noqa: PLC0415 - training itself needs none

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    return lambda patches: cast(Outputs, tuple(session.run(None, {"patches": patches})))

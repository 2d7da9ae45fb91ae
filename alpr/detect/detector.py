"""PlateDetector: frame in, plates' corners out, by one ONNX model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alpr.errors import ModelError
from alpr.geometry import bounding_box, box_iou, letterbox
from alpr.models import Model, Variant, choose, open_model
from alpr.shipped import shipped
from alpr.types import Detection, FloatArray, Image


class PlateDetector:
    """Finds plates in a frame.

    The model takes uint8 BGR (1, H, W, 3) on a canvas of one of the card's sizes and gives (1, N, 9): confidence,
    then x, y of the four corners in canvas pixels, clockwise from the plate's own top-left.

    Args:
        path: model file or card; None takes the shipped one.
        threshold: least confidence of a detection in [0, 1]; None takes the card's.
        variant: of the shipped model; a model that is named by its path runs as it is.
        provider: who computes; a key of `alpr.models.PROVIDERS`.

    Raises:
        ModelError: see `alpr.models.choose` and `alpr.models.open_model`.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        threshold: float | None = None,
        variant: Variant | str = Variant.AUTO,
        provider: str = "cpu",
    ) -> None:
        path = path or choose(shipped("models"), "detector", variant, provider=provider).path
        self.model: Model = open_model(path, "detector", provider=provider)
        card = self.model.card
        try:
            self._sizes_wh = [(int(width), int(height)) for width, height in card.fields["input"]["sizes_wh"]]
            self.threshold = float(card.fields["threshold"]) if threshold is None else threshold
            self._nms_iou = float(card.fields["nms_iou"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"model card {card.path}: a detector needs input.sizes_wh, threshold and nms_iou"
            ) from error

    @property
    def model_id(self) -> str:
        """Names the model in the reads that it took part in."""
        return self.model.card.model_id

    def detect(self, image: Image) -> list[Detection]:
        """All plates in an image, most confident first; corners in its pixels.

        Args:
            image: (H, W, 3) uint8 BGR of any size.
        """
        canvas, placed = letterbox(image, canvas_size(image, self._sizes_wh))
        rows = self.model.run(canvas[None])["plates"][0]
        rows = suppress(rows[rows[:, 0] >= self.threshold], self._nms_iou)
        corners = placed.to_frame(rows[:, 1:].reshape(-1, 4, 2))
        return [
            Detection(quad, float(min(1.0, confidence))) for quad, confidence in zip(corners, rows[:, 0], strict=True)
        ]


def canvas_size(image: Image, sizes_wh: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The canvas on which the image appears largest; the first of equals."""
    height, width = image.shape[:2]
    return max(sizes_wh, key=lambda size_wh: min(size_wh[0] / width, size_wh[1] / height))


def suppress(rows: FloatArray, max_iou: float) -> FloatArray:
    """Greedy non-maximum suppression on the axis-aligned hulls of the corners.

    Args:
        rows: (n, 9) confidence and corners, as the model gives them.
        max_iou: two plates never overlap more than this.

    Returns:
        The rows that stay, most confident first.
    """
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    boxes = bounding_box(rows[:, 1:].reshape(-1, 4, 2)) if len(rows) else np.zeros((0, 4), np.float32)
    overlap = box_iou(boxes, boxes)
    alive: npt.NDArray[np.bool_] = np.ones(len(rows), bool)
    for row in range(len(rows)):
        if alive[row]:
            alive[row + 1 :] &= overlap[row, row + 1 :] <= max_iou
    return rows[alive]

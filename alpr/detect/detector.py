"""PlateDetector: an image in, plates' corners out, by one ONNX model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alpr.detect.refine import WINDOW_PX, WINDOW_WH, close_up, cut_tile, is_clear_of_cuts, is_distant, view_canvas
from alpr.errors import ModelError
from alpr.geometry import Letterbox, bounding_box, box_iou, letterbox, non_maximum_suppression
from alpr.models.provider import open_model
from alpr.models.session import Model
from alpr.models.variant import Variant, choose_variant
from alpr.system.shipped import shipped
from alpr.types import Detection, FloatArray, Image, View

SECOND_FLOOR = 0.02
"""Least confidence of a second look: below it the spot counts as empty."""
SAME_IOU = 0.3
"""Overlap from which a second look's plate is the first's, whose corners may have been far off."""

_WINDOW_REACH = 0.9  # plate widths from where it is expected; farther off the window may have cut it


class PlateDetector:
    """Finds the plates in images.

    The model takes uint8 BGR (1, H, W, 3) on a canvas of one of the card's sizes and gives (1, N, 9): confidence,
    then x, y of the four corners in canvas pixels, clockwise from the plate's own top left.

    Args:
        path: model file or card; None takes the shipped one.
        threshold: least confidence of a detection in [0, 1]; None takes the card's.
        variant: of the shipped model; a model that is named by its path runs as it is.
        provider: the processor to run on; a key of `alpr.models.provider.PROVIDERS`.

    Raises:
        ModelError: see `alpr.models.variant.choose_variant` and `alpr.models.provider.open_model`.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        threshold: float | None = None,
        variant: Variant | str = Variant.AUTO,
        provider: str = "cpu",
    ) -> None:
        path = path or choose_variant(shipped("models"), "detector", variant, provider=provider).path
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
        """`NAME@first 12 hex digits of the SHA-256`: names the model in its reads."""
        return self.model.card.model_id

    def detect(self, image: Image) -> list[Detection]:
        """Find all plates in an image, most confident first; corners in its pixels.

        Args:
            image: (H, W, 3) uint8 BGR of any size.
        """
        return self.propose(image, self.threshold)

    def propose(self, image: Image, floor: float, view: View = View.WHOLE) -> list[Detection]:
        """Find all spots where a plate may be, most confident first; corners in the image's pixels.

        Args:
            image: (H, W, 3) uint8 BGR of any size.
            floor: least confidence, in [0, 1], instead of the threshold.
            view: NEAR costs up to four times as much as WHOLE, AFAR a quarter. NEAR finds nothing where the image
                holds no more detail than WHOLE shows.
        """
        size_wh = view_canvas(view, image, canvas_size(image, self._sizes_wh))
        return self._find(*letterbox(image, size_wh), floor) if size_wh else []

    def detect_tile(self, image: Image, tile: int) -> list[Detection]:
        """Find the plates in one tile of an image, enlarged, most confident first; corners in the image's pixels.

        Those that the tile may cut off are left out, since the tile beside it shows them whole; so are those large
        enough for a look at the whole image, which is more reliable for them. Costs as much as a look at the whole.
        Finds nothing where the image holds no more detail than that shows.

        Args:
            image: (H, W, 3) uint8 BGR of any size.
            tile: in [0, `TILES`), as for `alpr.detect.refine.cut_tile`.
        """
        size_wh = canvas_size(image, self._sizes_wh)
        cut = cut_tile(image, tile, size_wh)
        if cut is None:
            return []
        shown, at = cut
        tile_wh = shown.shape[1], shown.shape[0]
        return [
            Detection(found.corners + np.array(at, np.float32), found.confidence)
            for found in self._find(*letterbox(shown, size_wh), self.threshold)
            if is_clear_of_cuts(found.corners, tile_wh, tile) and is_distant(found.corners, image, size_wh)
        ]

    def refine(self, image: Image, detection: Detection) -> Detection | None:
        """Look again at one spot: enlarged where the plate is small, reduced where it fills the picture.

        Costs little over a quarter of the first look.

        Args:
            image: the one in which it was found.
            detection: by the first look.

        Returns:
            Corners and confidence of the second look alone; None where it sees nothing there.
        """
        canvas, placed, at = close_up(image, detection.corners)
        found = self._find(canvas, placed, SECOND_FLOOR)
        if not found:
            return None
        corners = np.stack([other.corners for other in found]) + at
        overlaps = box_iou(bounding_box(detection.corners)[None], bounding_box(corners))[0]
        same = [index for index in range(len(found)) if overlaps[index] >= SAME_IOU]  # most confident first
        return Detection(corners[same[0]], found[same[0]].confidence) if same else None

    def detect_near(self, image: Image, corners: FloatArray) -> Detection | None:
        """Find a plate that is being followed, in a window around where it is expected.

        Costs about a tenth of a look at the whole image.

        Args:
            image: (H, W, 3) uint8 BGR of any size.
            corners: (4, 2) pixels of it, where the plate is expected.

        Returns:
            The most confident plate there; None where none is near enough to be it.
        """
        canvas, placed, at = close_up(image, corners, WINDOW_PX, WINDOW_WH)
        centre, width = corners.mean(axis=0), float(np.ptp(corners[:, 0]))
        for found in self._find(canvas, placed, self.threshold):  # most confident first
            seen = found.corners + at
            away = float(np.linalg.norm(seen.mean(axis=0) - centre)) / max(width, 1.0)
            if away < _WINDOW_REACH and 0.6 < float(np.ptp(seen[:, 0])) / max(width, 1.0) < 1.6:
                return Detection(np.asarray(seen, np.float32), found.confidence)
        return None

    def _find(self, canvas: Image, placed: Letterbox, floor: float) -> list[Detection]:
        rows = self.model.run(canvas[None])["plates"][0]
        rows = suppress(rows[rows[:, 0] >= floor], self._nms_iou)
        corners = placed.to_frame(rows[:, 1:].reshape(-1, 4, 2))
        return [
            Detection(quad, float(min(1.0, confidence))) for quad, confidence in zip(corners, rows[:, 0], strict=True)
        ]


def canvas_size(image: Image, sizes_wh: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the canvas on which an image appears largest; the first of equals.

    Args:
        image: (H, W, 3), for its size.
        sizes_wh: widths and heights of the canvases, pixels.
    """
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
    return rows[non_maximum_suppression(bounding_box(rows[:, 1:].reshape(-1, 4, 2)), rows[:, 0], max_iou)]

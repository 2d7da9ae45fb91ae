"""Which cell answers for which plate, and what a wrong answer costs. Pure.

A plate belongs to the stride that suits its size, or to both where they overlap; there, the cells around its middle
are positive, a ring around those is left out of the loss, and all others are negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from alpr.types import FloatArray
from training.detector_model import STRIDES

SIZE_RANGES = {8: (0.0, 52.0), 16: (32.0, 1e9)}
"""Root of the hull's area, in canvas pixels, for which a stride answers: a 4:1 plate 96 px wide has size 48."""
SMALLEST_WH = (9.0, 4.5)  # canvas pixels; what is smaller is neither asked for nor punished

NEGATIVE, POSITIVE, IGNORED = 0, 1, -1


@dataclass(frozen=True, slots=True, eq=False)
class CanvasLabels:
    """What is known of one canvas, in canvas pixels."""

    corners: FloatArray
    """(n, 4, 2); for a box without corners, the box's own corners."""
    has_corners: npt.NDArray[np.bool_]
    """(n,) whether the corners are the plate's own."""
    masked_boxes: FloatArray
    """(m, 4) x1, y1, x2, y2 in which the loss looks away."""


@dataclass(frozen=True, slots=True, eq=False)
class CellTargets:
    """The labels of one canvas, spread over its cells."""

    state: npt.NDArray[np.int8]
    """(N,) NEGATIVE, POSITIVE or IGNORED."""
    plate: npt.NDArray[np.int64]
    """(N,) index of the plate that a positive cell answers for; -1 elsewhere."""


def assign_cells(labels: CanvasLabels, size_wh: tuple[int, int]) -> CellTargets:
    """Spread the labels of one canvas over its cells."""
    states, plates = [], []
    for stride in STRIDES:
        state, plate = _assign_at(labels, size_wh, stride)
        states.append(state.ravel())
        plates.append(plate.ravel())
    return CellTargets(np.concatenate(states), np.concatenate(plates))


def _assign_at(
    labels: CanvasLabels, size_wh: tuple[int, int], stride: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    xs = (np.arange(size_wh[0] // stride) + 0.5) * stride - 0.5
    ys = (np.arange(size_wh[1] // stride) + 0.5) * stride - 0.5
    state = np.zeros((len(ys), len(xs)), np.int8)
    plate = np.full(state.shape, -1, np.int64)
    for x1, y1, x2, y2 in labels.masked_boxes:
        half = stride / 2
        state[np.ix_((ys > y1 - half) & (ys < y2 + half), (xs > x1 - half) & (xs < x2 + half))] = IGNORED
    low, high = SIZE_RANGES[stride]
    positives = []
    for k, corners in enumerate(labels.corners):
        (x1, y1), (x2, y2) = corners.min(0), corners.max(0)
        width, height = float(x2 - x1), float(y2 - y1)
        cx, cy = (corners.mean(0) + np.array([x1 + x2, y1 + y2]) / 2) / 2
        reach_x = float(np.clip(0.35 * width, 0.5 * stride, 1.5 * stride))
        reach_y = float(np.clip(0.35 * height, 0.5 * stride, 1.0 * stride))
        size = (width * height) ** 0.5
        mine = low <= size <= high and width >= SMALLEST_WH[0] and height >= SMALLEST_WH[1]
        if mine or 0.7 * low <= size <= 1.4 * high:
            ring = np.ix_(np.abs(ys - cy) <= reach_y + stride / 2, np.abs(xs - cx) <= reach_x + stride / 2)
            state[ring] = IGNORED
        if mine:
            positives.append((size, k, np.ix_(np.abs(ys - cy) <= reach_y, np.abs(xs - cx) <= reach_x)))
    for _, k, middle in sorted(positives, key=lambda p: -p[0]):  # where two plates meet, the smaller one wins
        state[middle] = POSITIVE
        plate[middle] = k
    return state, plate


def hull(corners: Tensor) -> Tensor:
    """Axis-aligned boxes (..., 4) of corners (..., 4, 2) whose order is trusted: left, top, right, bottom edge."""
    tl, tr, br, bl = corners.unbind(-2)
    return torch.stack(
        [
            torch.minimum(tl[..., 0], bl[..., 0]),
            torch.minimum(tl[..., 1], tr[..., 1]),
            torch.maximum(tr[..., 0], br[..., 0]),
            torch.maximum(bl[..., 1], br[..., 1]),
        ],
        -1,
    )


def paired_iou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of boxes (n, 4) with boxes (n, 4), in pairs (Rezatofighi 2019, arXiv:1902.09630)."""
    overlap = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - overlap
    around = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    iou = overlap / union.clamp(min=1e-6)
    return iou, iou - (around - union) / around.clamp(min=1e-6)


def score_target(iou: Tensor) -> Tensor:
    """What a positive cell's score should be: how surely its box will count as found at IoU 0.5, never below 0.4."""
    return 0.4 + 0.6 * ((iou - 0.3) / 0.4).clamp(0, 1)


def detector_loss(
    logits: Tensor, corners: Tensor, state: Tensor, positive: Tensor, wanted: Tensor, has_corners: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of a batch.

    Args:
        logits: (B, N) scores.
        corners: (P, 4, 2) decoded corners of the positive cells, canvas pixels.
        state: (B, N) NEGATIVE, POSITIVE or IGNORED.
        positive: (P,) flat indices of the positive cells into B×N.
        wanted: (P, 4, 2) the corners that they should give.
        has_corners: (P,) whether those are corners, or only a box.

    Returns:
        The loss, and its parts for the log.
    """
    count = max(1, positive.numel())
    size = (wanted.amax(1) - wanted.amin(1)).clamp(min=2)
    box, wanted_box = hull(corners), torch.cat([wanted.amin(1), wanted.amax(1)], 1)
    iou, giou = paired_iou(box, wanted_box)
    zero = torch.zeros((), device=logits.device)
    error = (corners - wanted) / size[:, None]
    corner = F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05, reduction="none").mean((1, 2))
    box_error = ((box - wanted_box) / torch.cat([size, size], 1)).abs().mean(1)
    # With only a box to go by, the corners should at least form a parallelogram.
    tl, tr, br, bl = corners.unbind(1)
    skew = ((tl - tr + br - bl) / size).abs().mean(1)
    place = (1 - giou) + torch.where(has_corners, 4 * corner, 2 * box_error + 0.5 * skew)
    target = torch.zeros_like(logits).flatten()
    target[positive] = score_target(iou.detach())
    kept = (state != IGNORED).flatten()
    flat = logits.flatten().float()
    # Quality focal loss (Li 2020, arXiv:2006.04388): cross-entropy to a soft target, weighted by the distance to it.
    cost = F.binary_cross_entropy_with_logits(flat, target, reduction="none") * (flat.sigmoid() - target).abs() ** 2
    score = (cost * kept).sum() / count
    where = place.mean() if positive.numel() else zero
    return 2 * score + where, {"score": score.detach(), "place": where.detach(), "iou": iou.mean().detach()}

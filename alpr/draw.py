"""Annotated copies of pictures: plates outlined and labelled, for people. Never changes the picture itself."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from alpr.types import Image, Observation

_SURE, _UNSURE = (96, 200, 80), (40, 170, 250)  # BGR: green, amber
_INK, _PAPER = (255, 255, 255), (32, 28, 24)
_FONT = cv2.FONT_HERSHEY_DUPLEX
SURE_CONFIDENCE = 0.8
"""Confidence from which a read is drawn in green; below it, in amber."""


def annotate(image: Image, seen: Sequence[Observation]) -> Image:
    """Return a copy of the picture with each plate outlined and labelled with its text and confidence.

    Args:
        image: (H, W, 3) uint8 BGR.
        seen: the observations to draw, with corners in this picture's pixels.
    """
    canvas = image.copy()
    unit = max(1.0, max(image.shape[:2]) / 900)  # line widths and letters grow with the picture
    taken: list[tuple[int, int, int, int]] = []
    for observation in seen:
        _outline(canvas, observation, unit)
    for observation in seen:
        taken.append(_label(canvas, observation, unit, taken))
    return canvas


def _colour(observation: Observation) -> tuple[int, int, int]:
    return _SURE if observation.confidence >= SURE_CONFIDENCE else _UNSURE


def _outline(canvas: Image, observation: Observation, unit: float) -> None:
    corners = observation.detection.corners
    # Around the plate, not over it: each corner moves outwards along its diagonal.
    outwards = corners - corners.mean(axis=0)
    outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-6)
    fixed_point = np.round((corners + outwards * 4 * unit) * 16).astype(np.int32)
    for colour, width in ((_PAPER, 4 * unit), (_colour(observation), 2 * unit)):
        cv2.polylines(canvas, [fixed_point], True, colour, max(1, round(width)), cv2.LINE_AA, shift=4)


def _label(
    canvas: Image, observation: Observation, unit: float, taken: Sequence[tuple[int, int, int, int]]
) -> tuple[int, int, int, int]:
    """Draw one label near its plate where it hides no other label; return its box (x1, y1, x2, y2) in pixels."""
    note = f"{observation.confidence:.0%}" + (f" {observation.plate.region}" if observation.plate.region else "")
    big, small = 0.85 * unit, 0.5 * unit
    weight = max(1, round(1.4 * unit))
    (text_w, text_h), _ = cv2.getTextSize(observation.text, _FONT, big, weight)
    (note_w, _), _ = cv2.getTextSize(note, _FONT, small, max(1, weight - 1))
    pad = round(6 * unit)
    box_w, box_h = text_w + note_w + 3 * pad, text_h + 2 * pad
    x, y = _place(canvas, observation, (box_w, box_h), round(6 * unit), taken)
    shade = canvas[y : y + box_h, x : x + box_w]
    shade[:] = (shade * 0.2 + np.array(_PAPER) * 0.8).astype(np.uint8)
    cv2.rectangle(canvas, (x, y), (x + max(2, pad // 2), y + box_h - 1), _colour(observation), cv2.FILLED)
    base = y + pad + text_h
    cv2.putText(canvas, observation.text, (x + pad + pad // 2, base), _FONT, big, _INK, weight, cv2.LINE_AA)
    note_at = (x + text_w + 2 * pad + pad // 4, base)
    cv2.putText(canvas, note, note_at, _FONT, small, _colour(observation), max(1, weight - 1), cv2.LINE_AA)
    return x, y, x + box_w, y + box_h


def _place(
    canvas: Image,
    observation: Observation,
    size_wh: tuple[int, int],
    gap: int,
    taken: Sequence[tuple[int, int, int, int]],
) -> tuple[int, int]:
    """Return the (x, y) of a label's top left: above the plate if there is room, else below, off other labels."""
    low, high = observation.detection.corners.min(axis=0), observation.detection.corners.max(axis=0)
    width, height = size_wh
    x = int(np.clip((low[0] + high[0] - width) / 2, 0, max(0, canvas.shape[1] - width)))
    room = max(0, canvas.shape[0] - height)
    above, below = int(low[1]) - gap - height, int(high[1]) + gap
    choices = [above, below, above - height - gap, below + height + gap]
    inside = [y for y in choices if 0 <= y <= room] or [int(np.clip(above, 0, room))]
    free = [y for y in inside if not any(_overlap((x, y, x + width, y + height), other) for other in taken)]
    return x, (free or inside)[0]


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]

"""The characters of the accuracy sets: drawn from strokes by this module alone.

No outside typeface takes part, so that the same seed gives the same plates on any machine and in any year; and no
network has ever learned from this one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Mask: TypeAlias = npt.NDArray[np.uint8]
Points: TypeAlias = list[tuple[float, float]]

_FINE = 4  # drawn so many times larger and averaged down


def _arc(cx: float, cy: float, rx: float, ry: float, start: int, end: int) -> Points:
    """A piece of an ellipse; degrees, 0 to the right, 90 down."""
    angles = np.radians(np.linspace(start, end, 17))
    return [(cx + rx * float(np.cos(a)), cy + ry * float(np.sin(a))) for a in angles]


_BOWL = [(0.0, 1.0), (0.0, 0.0), (0.55, 0.0), *_arc(0.55, 0.27, 0.45, 0.27, 270, 450), (0.0, 0.54)]
_SIX = [_arc(0.5, 0.68, 0.5, 0.32, 0, 360), [(0.68, 0.0), (0.1, 0.52)]]

# Strokes in a box of 1 by 1, x to the right, y down.
_STROKES: dict[str, list[Points]] = {
    "0": [_arc(0.5, 0.32, 0.5, 0.32, 180, 360) + _arc(0.5, 0.68, 0.5, 0.32, 0, 180) + [(0.0, 0.32)]],
    "1": [[(0.0, 0.24), (0.7, 0.0), (0.7, 1.0)]],
    "2": [[*_arc(0.5, 0.28, 0.48, 0.28, 190, 385), (0.0, 1.0), (1.0, 1.0)]],
    "3": [_arc(0.48, 0.25, 0.46, 0.25, 205, 450), _arc(0.48, 0.74, 0.5, 0.26, 270, 515)],
    "4": [[(0.72, 1.0), (0.72, 0.0), (0.0, 0.7), (1.0, 0.7)]],
    "5": [[(0.92, 0.0), (0.14, 0.0), (0.1, 0.44), *_arc(0.48, 0.68, 0.5, 0.32, 225, 500)]],
    "6": _SIX,
    "7": [[(0.0, 0.0), (1.0, 0.0), (0.35, 1.0)]],
    "8": [_arc(0.5, 0.25, 0.43, 0.25, 0, 360), _arc(0.5, 0.75, 0.5, 0.25, 0, 360)],
    "9": [[(1 - x, 1 - y) for x, y in stroke] for stroke in _SIX],
    "A": [[(0.0, 1.0), (0.5, 0.0), (1.0, 1.0)], [(0.2, 0.66), (0.8, 0.66)]],
    "B": [
        [(0.0, 0.48), (0.0, 0.0), (0.55, 0.0), *_arc(0.55, 0.24, 0.36, 0.24, 270, 450), (0.0, 0.48)],
        [(0.0, 0.48), (0.55, 0.48), *_arc(0.55, 0.74, 0.45, 0.26, 270, 450), (0.0, 1.0), (0.0, 0.48)],
    ],
    "C": [_arc(0.5, 0.3, 0.5, 0.3, 335, 180) + _arc(0.5, 0.7, 0.5, 0.3, 180, 25)],
    "D": [
        [
            (0.0, 0.0),
            (0.45, 0.0),
            *_arc(0.45, 0.3, 0.55, 0.3, 270, 360),
            *_arc(0.45, 0.7, 0.55, 0.3, 0, 90),
            (0.0, 1.0),
            (0.0, 0.0),
        ]
    ],
    "E": [[(1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (1.0, 1.0)], [(0.0, 0.48), (0.85, 0.48)]],
    "F": [[(1.0, 0.0), (0.0, 0.0), (0.0, 1.0)], [(0.0, 0.5), (0.82, 0.5)]],
    "G": [_arc(0.5, 0.3, 0.5, 0.3, 335, 180) + _arc(0.5, 0.7, 0.5, 0.3, 180, 0) + [(1.0, 0.54), (0.56, 0.54)]],
    "H": [[(0.0, 0.0), (0.0, 1.0)], [(1.0, 0.0), (1.0, 1.0)], [(0.0, 0.5), (1.0, 0.5)]],
    "I": [[(0.5, 0.0), (0.5, 1.0)]],
    "J": [[(0.95, 0.0), (0.95, 0.7), *_arc(0.475, 0.7, 0.475, 0.3, 0, 165)]],
    "K": [[(0.0, 0.0), (0.0, 1.0)], [(0.95, 0.0), (0.0, 0.62)], [(0.33, 0.42), (1.0, 1.0)]],
    "L": [[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]],
    "M": [[(0.0, 1.0), (0.0, 0.0), (0.5, 0.62), (1.0, 0.0), (1.0, 1.0)]],
    "N": [[(0.0, 1.0), (0.0, 0.0), (1.0, 1.0), (1.0, 0.0)]],
    "O": [_arc(0.5, 0.5, 0.5, 0.5, 0, 360)],
    "P": [_BOWL],
    "Q": [_arc(0.5, 0.5, 0.5, 0.5, 0, 360), [(0.6, 0.7), (1.0, 1.0)]],
    "R": [_BOWL, [(0.5, 0.54), (1.0, 1.0)]],
    "S": [_arc(0.5, 0.26, 0.47, 0.26, 335, 90) + _arc(0.5, 0.76, 0.5, 0.24, 270, 515)],
    "T": [[(0.0, 0.0), (1.0, 0.0)], [(0.5, 0.0), (0.5, 1.0)]],
    "U": [[(0.0, 0.0), *_arc(0.5, 0.68, 0.5, 0.32, 180, 0), (1.0, 0.0)]],
    "V": [[(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)]],
    "W": [[(0.0, 0.0), (0.25, 1.0), (0.5, 0.2), (0.75, 1.0), (1.0, 0.0)]],
    "X": [[(0.0, 0.0), (1.0, 1.0)], [(1.0, 0.0), (0.0, 1.0)]],
    "Y": [[(0.0, 0.0), (0.5, 0.52), (1.0, 0.0)], [(0.5, 0.52), (0.5, 1.0)]],
    "Z": [[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]],
    "-": [[(0.1, 0.5), (0.9, 0.5)]],
    ":": [[(0.5, 0.25), (0.5, 0.28)], [(0.5, 0.75), (0.5, 0.78)]],
    "/": [[(0.0, 1.0), (1.0, 0.0)]],
}
_WIDTHS = {
    "1": 0.32,
    "I": 0.14,
    "J": 0.46,
    "L": 0.48,
    "M": 0.70,
    "W": 0.80,
    "O": 0.64,
    "Q": 0.64,
    "-": 0.3,
    ":": 0.14,
}
_WIDTH = 0.54  # of its height, of every other character


@lru_cache(maxsize=4096)
def glyph(char: str, height: int, weight: float, stretch: float) -> Mask:
    """The ink of one character, (height, w) uint8.

    Args:
        weight: thickness of the stroke as a share of the height.
        stretch: of its width against the usual one.
    """
    tall, thick = height * _FINE, max(2.0, weight * height * _FINE)
    wide = max(thick * 1.02, _WIDTHS.get(char, _WIDTH) * stretch * tall)
    canvas = np.zeros((tall, int(np.ceil(wide / _FINE)) * _FINE), np.uint8)
    for stroke in _STROKES[char]:
        inner = np.array(stroke) * (wide - thick, tall - thick) + thick / 2
        cv2.polylines(canvas, [np.round(inner).astype(np.int32)], False, 255, max(1, round(thick)))
    size = (canvas.shape[1] // _FINE, height)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def row(text: str, height: int, weight: float, stretch: float, spacing: float) -> Mask:
    """One row of characters, (height, w) uint8; a blank in the text is a gap.

    Args:
        spacing: between characters, as a share of the height.
    """
    between = max(1, round(spacing * height))
    parts: list[Mask] = []
    for char in text:
        if char == " ":
            parts.append(np.zeros((height, round(0.24 * height)), np.uint8))
        else:
            parts += [glyph(char, height, weight, stretch), np.zeros((height, between), np.uint8)]
    return np.concatenate(parts, axis=1) if parts else np.zeros((height, 1), np.uint8)

"""A trial run of a model: a fixed input, and the difference of two outputs. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from alpr.errors import ModelError
from alpr.models.card import ModelCard

_BAR = 12  # pixels: about a stroke's width and the gap beside it


def trial_input(card: ModelCard) -> npt.NDArray[np.generic]:
    """Make a fixed batch of one, of the shape and type that a card states: dark bars on light noise, like writing.

    Noise alone is nothing to a recogniser, and two outputs that say nothing are equal.

    Args:
        card: of the model.

    Raises:
        ModelError: the card does not state shape and type.
    """
    wanted = card.fields["input"]
    shape: tuple[int, ...]
    try:
        if "sizes_wh" in wanted:
            width, height = wanted["sizes_wh"][0]
            shape = (1, int(height), int(width), 3)
        else:
            shape = tuple(size if isinstance(size, int) else 1 for size in wanted["shape"])
        dtype = np.dtype(wanted["dtype"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"model card {card.path}: input needs dtype, and shape or sizes_wh") from error
    noise = np.random.default_rng(0).random(shape, np.float32)
    if dtype != np.uint8:
        return noise.astype(dtype)
    light = 150 + 100 * noise
    height, width = shape[-3:-1]
    middle = slice(height // 4, height - height // 4)
    for left in range(_BAR, width - _BAR, 2 * _BAR):
        light[..., middle, left : left + _BAR // 2, :] *= 0.2
    return light.astype(dtype)


def greatest_difference(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return the greatest difference of two arrays, as a share of the greatest value or of 1, whichever is more.

    Infinite where shapes differ or a value is not finite. Probabilities, even minute ones, are so compared as they
    are.

    Args:
        one: the array to judge.
        other: the reference.

    >>> greatest_difference(np.array([0.5, 1.0], np.float32), np.array([0.5, 2.0], np.float32))
    0.5
    """
    if one.shape != other.shape or not np.isfinite(one).all():
        return float("inf")
    return float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))

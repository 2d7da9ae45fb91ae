"""The conditions of the alarms that one frame shows by itself, or beside the frames of the last minute. Pure."""

from __future__ import annotations

import numpy as np

from alpr.view.sample import ViewSample

BLACK_BELOW = 40.0
"""Luma that nothing exceeds in a black picture; limited-range video has its black at 16."""
FLAT_BELOW = 1.5
"""Structure below which the picture is the same everywhere. A street by night, however dark, has more."""
_WHITE_FROM = 0.5
_VEIL_FROM = 225.0
SMEARED_BELOW = 0.12
"""Sharpness of a picture that is blurred by 8 or more pixels in 1280: seven real clips have 0.12 to 0.16 where a blur
of 4 pixels (in sigma) was added, 0.07 to 0.09 with 8, and 0.39 to 0.95 as they are."""
_DULLER = 0.4  # of what this camera usually shows
_CHANGED = 0.03
_LEAST_LIVE_PX = 300


def is_black(sample: ViewSample) -> bool:
    """Tell whether nothing at all can be seen.

    Args:
        sample: of the frame.
    """
    return sample.brightest < BLACK_BELOW and sample.structure < FLAT_BELOW


def is_blinded(sample: ViewSample) -> bool:
    """Tell whether the picture is burnt out, or veiled by light as a whole.

    A bright sky may take up a third of a good picture: it is the road that has to be seen.

    Args:
        sample: of the frame.
    """
    if sample.white_share >= _WHITE_FROM:
        return True
    textured = int(np.count_nonzero(sample.textured))
    return sample.brightness >= _VEIL_FROM and textured < sample.textured.size // 4


def is_blurred(sample: ViewSample, usual: float | None) -> bool:
    """Tell whether the picture has lost its fine detail.

    Args:
        sample: of the frame.
        usual: the sharpness that this camera usually has in such light; None where it is not known yet.
    """
    sharpness = sample.sharpness
    if sharpness is None:
        return False
    return sharpness < SMEARED_BELOW or (usual is not None and sharpness < _DULLER * usual)


def is_unchanged(sample: ViewSample, before: ViewSample) -> bool | None:
    """Tell whether two frames are the same picture, but for a clock that is written into it.

    A sensor is never still: where a picture shows something, noise changes single pixels from frame to frame. Burnt
    out and black ones say nothing, since noise cannot change them.

    Args:
        sample: of the later frame.
        before: of the earlier one.

    Returns:
        None where too little can be seen to tell.
    """
    live = (before.pixels > 24) & (before.pixels < 235)
    count = np.count_nonzero(live)
    if count < _LEAST_LIVE_PX:
        return None
    return bool(np.count_nonzero((sample.pixels != before.pixels) & live) <= _CHANGED * count)

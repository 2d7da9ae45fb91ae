"""UsualView: whether a camera still looks where it did, and through a clean lens. Pure; time is the frames' own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alpr.view.baseline import (
    LightBaseline,
    edge_map,
    light_of,
    shift_of,
    shifted_correlation,
)
from alpr.view.baseline import correlation as correlation_of
from alpr.view.sample import ViewSample

_STRANGE = 0.5  # of the usual correlation: the picture is not quite the usual one
_ELSEWHERE = 0.2  # of it: nothing of the usual picture is left
_FOUND_AGAIN = 0.6  # of it: the usual picture, but shifted
_LEAST_SHIFT_PX = 3.0  # of 160: two hundredths of the picture's width
_LEAST_MATCH = 0.25  # a scene that never looks like itself cannot be known again
_LEAST_EDGES = 20
_RICH = 6.0  # mean squared gradient on the fine picture
_DULL = 0.2  # of a block's usual fine detail; a shadow leaves a quarter, as it halves the contrast
_LEAST_DULL_SHARE, _MOST_DULL_SHARE = 0.09, 0.8
_LEAST_DULL = 8


class UsualView:
    """Learns what a fixed camera usually shows, and compares.

    Args:
        baselines: by kind of light, as they were known before a restart.
    """

    def __init__(self, baselines: Mapping[str, LightBaseline] | None = None) -> None:
        self.baselines: dict[str, LightBaseline] = dict(baselines or {})
        """By kind of light."""
        self._last_ns: int | None = None

    def usual_sharpness(self, sample: ViewSample) -> float | None:
        """Return the sharpness that the camera usually has in this light; None where it is not known yet.

        Args:
            sample: of the frame.
        """
        known = self.baselines.get(light_of(sample))
        return known.sharpness if known is not None and known.knows_detail and known.sharpness > 0 else None

    def compare(self, sample: ViewSample, *, may_learn: bool) -> tuple[bool, bool]:
        """Tell whether the camera looks elsewhere than usual, and whether a part of the picture has become dull.

        Args:
            sample: of a later frame than the one before.
            may_learn: False where something is wrong with the picture already; nothing is learnt from it then.
        """
        known = self.baselines.setdefault(light_of(sample), LightBaseline())
        seconds = 0.0 if self._last_ns is None else max(0.0, (sample.at_ns - self._last_ns) / 1e9)
        self._last_ns = sample.at_ns
        edges = edge_map(sample)
        has_moved, is_strange = False, False
        if known.knows_scene and known.match >= _LEAST_MATCH and np.count_nonzero(sample.textured) >= _LEAST_EDGES:
            likeness = correlation_of(known.edges, edges)
            is_strange = likeness < _STRANGE * known.match
            if is_strange:
                has_moved = likeness < _ELSEWHERE * known.match
                shift = shift_of(known.edges, edges)
                if not has_moved and max(map(abs, shift)) >= _LEAST_SHIFT_PX:
                    has_moved = shifted_correlation(known.edges, edges, shift) >= _FOUND_AGAIN * known.match
        is_dull = not has_moved and known.knows_detail and is_partly_dull(sample, known)
        if may_learn and not has_moved and not is_dull and not (is_strange and known.knows_detail):
            known.learn(sample, edges, seconds)
        return has_moved, is_dull

    def forget(self) -> None:
        """Learn anew what the camera shows, since its view was accepted."""
        self.baselines.clear()


def is_partly_dull(sample: ViewSample, known: LightBaseline) -> bool:
    """Tell whether parts of a picture have lost the detail that they usually have, while others have it.

    Args:
        sample: of the frame.
        known: the usual picture in this light.
    """
    rich = known.detail >= _RICH
    count = int(np.count_nonzero(rich))
    if count < 2 * _LEAST_DULL:
        return False
    share = sample.fine / np.maximum(known.detail, 1.0)
    usual = min(float(np.median(share[rich])), 1.0)  # less in all of them: haze, or a lens out of focus
    number = int(np.count_nonzero((share < _DULL * usual) & rich))
    return number >= _LEAST_DULL and _LEAST_DULL_SHARE <= number / count <= _MOST_DULL_SHARE

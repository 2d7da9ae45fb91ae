"""The ground of the sample clip's street: asphalt, markings, parking bays, kerbs, footways, grass. Linear light, BGR.

The road runs along Z, its middle is X = 0. Detail fades where a pixel is larger than it, so that nothing shimmers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.paintwork import Colour, FloatImage
from training.textures import noise, tiled

ROAD_HALF_M = 3.5
_KERB_M = {-1: ROAD_HALF_M, 1: 5.9}  # on the right there are parking bays before it


def ground_albedo(
    rng: np.random.Generator, x: FloatImage, z: FloatImage, depth: FloatImage, height_m: float, focal_px: float
) -> FloatImage:
    """Albedo (H, W, 3) of the points `x`, `z`, seen from so high and so far (all in metres)."""
    across = np.asarray(np.maximum(depth / focal_px, 1e-4), np.float32)  # metres per pixel
    along = np.asarray(np.clip(across * depth / height_m, 1e-4, 1e3), np.float32)
    grain: npt.NDArray[np.float32] = np.zeros_like(x)
    for cell_m, weight in ((0.025, 0.16), (0.09, 0.10), (0.6, 0.06), (3.5, 0.05)):
        texture = noise(rng, 512, 128)
        grain += weight * np.clip(cell_m / along, 0, 1) * tiled(texture, x * (4 / cell_m), z * (4 / cell_m))
    albedo = np.asarray(np.array((0.100, 0.097, 0.093), np.float32) * (1 + grain)[..., None], np.float32)
    for lane in (-1.75, 1.75):  # polished by tyres, darkened by oil between them
        for offset, gain in ((-0.75, 0.10), (0.75, 0.10), (0.0, -0.10)):
            albedo *= (1 + gain * np.exp(-(((x - lane - offset) / 0.28) ** 2)))[..., None]
    for side in (-1, 1):
        _verge(albedo, side, x, z, grain, across, along)
    _markings(albedo, x, z, grain, across, along)
    return albedo


def _verge(
    albedo: FloatImage,
    side: int,
    x: FloatImage,
    z: FloatImage,
    grain: FloatImage,
    across: FloatImage,
    along: FloatImage,
) -> None:
    """Everything beside the road on one side, in place."""
    out, kerb = np.asarray(x * side, np.float32), _KERB_M[side]
    _lay(albedo, strip(out, ROAD_HALF_M, 60.0, across), (0.035, 0.115, 0.070), 1 + 2.4 * grain)  # grass
    if side > 0:
        joints = 1 - 0.35 * _repeat(x, 0.24, 0.012, across) - 0.35 * _repeat(z, 0.16, 0.012, along)
        _lay(albedo, strip(out, ROAD_HALF_M, kerb, across), (0.15, 0.165, 0.185), (1 + 1.3 * grain) * joints)
        _lay(albedo, strip(out, ROAD_HALF_M - 0.1, ROAD_HALF_M + 0.12, across), (0.27, 0.28, 0.29), 1 + grain)
    joints = 1 - 0.3 * _repeat(z, 1.0, 0.015, along)
    slabs = (1 + 1.2 * grain) * joints * (1 - 0.3 * _repeat(x, 0.5, 0.012, across))
    _lay(albedo, strip(out, kerb + 0.15, kerb + 2.0, across), (0.22, 0.245, 0.27), slabs)
    _lay(albedo, strip(out, kerb, kerb + 0.15, across), (0.38, 0.39, 0.40), (1 + grain) * joints)
    _lay(
        albedo, strip(out, kerb - 0.32, kerb - 0.02, across) * np.float32(0.5), (0.06, 0.06, 0.06), 1 + grain
    )  # gutter


def _markings(
    albedo: FloatImage, x: FloatImage, z: FloatImage, grain: FloatImage, across: FloatImage, along: FloatImage
) -> None:
    """White paint, worn."""
    worn = np.clip(0.92 + 1.3 * grain, 0.35, 1)
    dash = np.clip((1.5 - np.abs(np.mod(z, 6.0) - 3.0)) / along + 0.5, 0, 1)
    _lay(albedo, strip(x, -0.07, 0.07, across) * dash * worn, (0.66, 0.68, 0.69), 1 + 0.5 * grain)
    _lay(albedo, strip(x, -3.28, -3.16, across) * worn, (0.62, 0.64, 0.65), 1 + 0.5 * grain)
    for start in np.arange(6.0, 66.0, 5.6):  # a line where a bay ends
        mark = np.clip((0.06 - np.abs(z - start)) / along + 0.5, 0, 1)
        _lay(albedo, mark * strip(x, 3.6, 5.7, across) * worn, (0.60, 0.62, 0.63), 1 + grain)


def strip(x: FloatImage, low: float, high: float, pixel_m: FloatImage) -> FloatImage:
    """How much of a pixel lies between two lines."""
    return np.asarray(np.clip(np.minimum(x - low, high - x) / pixel_m + 0.5, 0, 1), np.float32)


def _repeat(x: FloatImage, every: float, half: float, pixel_m: FloatImage) -> FloatImage:
    """Thin lines, one at each multiple; they fade with distance as their share of a pixel does."""
    off = np.abs(np.mod(x + every / 2, every) - every / 2)
    line = np.clip((half - off) / pixel_m + 0.5, 0, 1)
    return np.asarray(line * np.clip(half * 3 / pixel_m, 0, 1), np.float32)


def _lay(albedo: FloatImage, share: FloatImage, colour: Colour, gain: FloatImage) -> None:
    here = share > 0
    under, some = albedo[here], np.asarray(share[here], np.float32)[:, None]
    albedo[here] = under + some * (np.array(colour, np.float32) * gain[here][:, None] - under)

"""The aim of a camera, by the plates that it shows, and what to do about it in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import FloatArray, Image

GOOD_WIDTH_PX = 100.0
"""Width from which on few plates are missed or misread; the advice aims for it."""
NARROW_PX = 75.0
"""Below it a fifth and more are missed: zoom in or move closer."""
WIDE_SHARE = 0.35
"""Share of the frame's width from which on a plate is needlessly wide: vehicles beside it are cut off."""
LEANING_DEG = 25.0
DARK_BELOW = 45.0
BURNT_FROM = 0.35
SMEARED_BELOW = 0.22
"""Crispness of a plate that is smeared along its rows: 40 dev plates 90 to 200 px wide have 0.67 in the median, nine
in ten over 0.34; 0.25 smeared by 5 px, where 82 % read as before, 0.18 by 7 px, where 55 % do."""
_SMEARED_FROM_PX = 80.0  # a narrower plate is soft because it is small
_FEWEST_CLOSER_M = 0.5
_COARSE_WH = (40, 12)


@dataclass(frozen=True, slots=True)
class PlateLook:
    """One plate as the camera shows it."""

    width_px: float
    """Width in the frame."""
    frame_width_px: int
    angle_deg: float
    """By which it leans or is skewed, the larger of both."""
    brightness: float
    """Mean luma, 0 to 255."""
    burnt_share: float
    """[0, 1]: share of it that is burnt out."""
    crispness: float
    """Fine detail over coarse detail along the plate's rows: about 0.1 (smeared) to 1.4 (crisp)."""


@dataclass(frozen=True, slots=True)
class Aim:
    """The look of a camera's plates lately: the medians of several."""

    plates: int
    """Number of plates that it rests on."""
    width_px: float
    frame_width_px: int
    angle_deg: float
    brightness: float
    burnt_share: float
    crispness: float


def plate_look(corners: FloatArray, patch: Image, frame_size_wh: tuple[int, int]) -> PlateLook:
    """Measure one plate.

    Args:
        corners: (4, 2) frame pixels, clockwise from the plate's own top left.
        patch: the plate cut out and rectified, (H, W, 3) uint8 BGR.
        frame_size_wh: width and height of the frame, pixels.
    """
    top, side = corners[1] - corners[0], corners[3] - corners[0]
    lean = abs(math.degrees(math.atan2(float(top[1]), float(top[0]))))
    upright = math.degrees(math.atan2(float(side[1]), float(side[0]))) - math.degrees(
        math.atan2(float(top[1]), float(top[0]))
    )
    skew = abs(90.0 - abs((upright + 180.0) % 360.0 - 180.0))
    luma = np.ascontiguousarray(patch[:, :, 1])
    return PlateLook(
        width_px=float(np.hypot(*top) + np.hypot(*(corners[2] - corners[3]))) / 2,
        frame_width_px=frame_size_wh[0],
        angle_deg=max(lean, skew),
        brightness=float(luma.mean()),
        burnt_share=float(np.count_nonzero(luma >= 250) / luma.size),
        crispness=_crispness(luma),
    )


def aim_of(looks: Sequence[PlateLook]) -> Aim | None:
    """Take the medians of several plates; None where there are none.

    Args:
        looks: of different vehicles, or of one plate in several frames.
    """
    if not looks:
        return None
    return Aim(
        plates=len(looks),
        width_px=median(look.width_px for look in looks),
        frame_width_px=looks[-1].frame_width_px,
        angle_deg=median(look.angle_deg for look in looks),
        brightness=median(look.brightness for look in looks),
        burnt_share=median(look.burnt_share for look in looks),
        crispness=median(look.crispness for look in looks),
    )


def aim_advice(aim: Aim, distance_m: float | None = None) -> tuple[str, ...]:
    """Say in sentences what to change about a camera, the most important first; () where it is well aimed.

    Args:
        aim: how its plates look.
        distance_m: metres from the camera to where the plates are read; None says how much closer as a share.

    >>> aim_advice(Aim(9, 62.0, 1280, 4.0, 120.0, 0.0, 0.9), 8.0)
    ('plates are 62 px wide: zoom in 1.6 times, or move 3 m closer',)
    """
    advice = []
    if aim.width_px < NARROW_PX:
        advice.append(f"plates are {aim.width_px:.0f} px wide: {_closer(aim.width_px, distance_m)}")
    elif aim.width_px > WIDE_SHARE * aim.frame_width_px:
        share = aim.width_px / aim.frame_width_px
        advice.append(f"plates take up {share:.0%} of the picture's width: zoom out, so that vehicles fit into it")
    if aim.angle_deg > LEANING_DEG:
        advice.append(f"plates lean by {aim.angle_deg:.0f}°: turn the camera upright, or mount it nearer to the lane")
    if aim.burnt_share > BURNT_FROM:
        advice.append(f"{aim.burnt_share:.0%} of a plate is burnt out: shorten the exposure or dim the lamp")
    elif aim.brightness < DARK_BELOW:
        advice.append(f"plates are dark ({aim.brightness:.0f} of 255): add light or gain, or open the lens")
    if aim.crispness < SMEARED_BELOW and aim.width_px >= _SMEARED_FROM_PX:
        advice.append("plates are smeared: focus the lens, or shorten the exposure against the vehicles' speed")
    return tuple(advice)


def aim_text(aim: Aim | None, distance_m: float | None = None) -> str:
    """Say in one line how a camera is aimed.

    Args:
        aim: how its plates look; None where none was seen yet.
        distance_m: as for `aim_advice`.
    """
    if aim is None:
        return "no plate was seen yet"
    advice = aim_advice(aim, distance_m)
    return "; ".join(advice) if advice else f"well aimed: plates are {aim.width_px:.0f} px wide"


def _crispness(luma: npt.NDArray[np.uint8]) -> float:
    coarse = cv2.resize(luma, _COARSE_WH, interpolation=cv2.INTER_AREA)
    return _row_detail(luma) / (_row_detail(np.asarray(coarse, np.uint8)) + 1.0)


def _row_detail(luma: npt.NDArray[np.uint8]) -> float:
    pixels = luma.astype(np.float32)
    return float((((pixels[:, 2:] - pixels[:, :-2]) / 2) ** 2).mean())


def _closer(width_px: float, distance_m: float | None) -> str:
    times = GOOD_WIDTH_PX / width_px
    zoom = f"zoom in {times:.1f} times, or move "
    if distance_m is None:
        return zoom + f"closer by {1 - 1 / times:.0%} of the distance"
    return zoom + f"{max(_FEWEST_CLOSER_M, round(distance_m * (1 - 1 / times))):g} m closer"

"""Makes what `alpr bench` replays: `workload.mp4`, `empty.mp4` and `six.mp4`. `python -m bench.workload [NAME …]`.

Two cars drive side by side towards a camera over the road, 1920×1080, 25 frames a second; in the second film there is
none, in the third there are six, and all plates can be read in every frame. Drawn from a fixed seed. The films are
committed, so that every figure is about the very same frames.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from alpr.types import Image
from training.bodies import HATCHBACK, SUV, Body, body_mesh
from training.paintwork import FloatImage
from training.pinhole import Pinhole
from training.raster import Pose
from training.render import render_plate
from training.shading import day_light
from training.vehicles import Vehicle, a_vehicle, draw, plate_in_picture

PATH = Path(__file__).with_name("workload.mp4")
SIZE_WH, FPS, FRAMES = (1920, 1080), 25, 50
CAMERA = Pinhole(position=(0.0, 5.0, 0.0), pitch_deg=14.6, yaw_deg=0.0, focal_px=6400.0, size_wh=SIZE_WH)
PLATES = ("KX74NEB", "47TZR8")
_START_Z, _SPEED_M_S, _LANE_X = (21.3, 22.2), 1.9, 1.45
SIX_CAMERA = Pinhole(position=(0.0, 6.5, 0.0), pitch_deg=15.0, yaw_deg=0.0, focal_px=4100.0, size_wh=SIZE_WH)
SIX_PLATES = ("KX74NEB", "47TZR8", "LB19WUF", "H783KD", "YD66PLJ", "8SXK21")
_SIX_AT = ((-2.6, 21.5), (0.1, 22.5), (2.7, 21.8), (-2.5, 34.0), (0.0, 34.8), (2.6, 34.3))
_SIX_SPEED_M_S, _SHORT_FRAMES = 1.5, 25
_EXPOSURE_S = 1 / 500


def vehicles(rng: np.random.Generator) -> list[Vehicle]:
    """A pale hatchback with a British plate and a dark SUV with a Dutch-sized one."""
    return [
        _vehicle(rng, HATCHBACK, (0.55, 0.56, 0.58), "GB", PLATES[0]),
        _vehicle(rng, SUV, (0.05, 0.03, 0.03), "NL", PLATES[1]),
    ]


def _vehicle(
    rng: np.random.Generator, body: Body, paint: tuple[float, float, float], region: str, text: str
) -> Vehicle:
    plate = render_plate(rng, region=region, lines=1, text=text, px_per_mm=2.0)
    return a_vehicle(body, body_mesh(body), paint, plate.image, 2.0, shows_front=True)


def pose_at(lane: int, seconds: float) -> Pose:
    """Where the car of a lane (0 left, 1 right) is."""
    return Pose((-_LANE_X, _LANE_X)[lane], _START_Z[lane] - _SPEED_M_S * seconds, math.pi)


def road(rng: np.random.Generator, camera: Pinhole = CAMERA) -> FloatImage:
    """The empty road in linear light, (H, W, 3)."""
    rays = camera.rays(1.0, 0)
    reach = camera.position[1] / np.maximum(-rays[..., 1], 1e-3)
    x, z = rays[..., 0] * reach, rays[..., 2] * reach
    grain = cv2.GaussianBlur(rng.standard_normal(x.shape).astype(np.float32), (0, 0), 1.2)
    blotches = cv2.resize(rng.standard_normal((34, 60)).astype(np.float32), SIZE_WH, interpolation=cv2.INTER_CUBIC)
    shade = 0.16 * (1 + 0.25 * grain + 0.06 * blotches)
    picture = np.repeat(shade[..., None], 3, axis=2) * np.array((1.02, 1.0, 0.97), np.float32)
    grass = np.abs(x) > 5.2
    picture[grass] = picture[grass] * np.array((0.45, 0.95, 0.6), np.float32)
    lines = (np.abs(np.abs(x) - 3.6) < 0.08) | ((np.abs(x) < 0.07) & (np.mod(z, 6.0) < 3.0))
    picture[lines] = 0.62 + 0.05 * grain[lines, None]
    return np.asarray(picture, np.float32)


def frame_at(
    background: FloatImage,
    cars: Sequence[Vehicle],
    seconds: float,
    rng: np.random.Generator,
    camera: Pinhole = CAMERA,
    pose_of: Callable[[int, float], Pose] = pose_at,
) -> Image:
    """One frame, (H, W, 3) uint8 BGR; the farthest car first."""
    light, picture = day_light(), background.copy()
    for lane, car in sorted(enumerate(cars), key=lambda each: -pose_of(each[0], seconds).z):
        pose = pose_of(lane, seconds)
        _cast_shadow(picture, pose, car.body, camera)
        layer = draw(car, pose, camera, light, pose_of(lane, seconds + _EXPOSURE_S / 2))
        if layer is not None:
            _lay_over(picture, layer.origin_xy, layer.colour, layer.cover)
    encoded = np.clip(picture, 0, 1) ** (1 / 2.2) * 255
    return np.clip(encoded + rng.normal(0, 2.0, encoded.shape), 0, 255).astype(np.uint8)


def _cast_shadow(picture: FloatImage, pose: Pose, body: Body, camera: Pinhole) -> None:
    half_w, half_l = body.width / 2 + 0.1, body.length / 2 + 0.1
    ground = np.array(
        [[x, 0.0, z] for x, z in ((-half_w, half_l), (half_w, half_l), (half_w, -half_l), (-half_w, -half_l))]
    )
    corners, _ = camera.project(pose.to_world(ground))
    mask = np.zeros(picture.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), 1.0)
    picture *= 1 - 0.75 * cv2.GaussianBlur(mask, (0, 0), 9)[..., None]


def _lay_over(picture: FloatImage, origin_xy: tuple[int, int], colour: FloatImage, cover: FloatImage) -> None:
    x, y = origin_xy
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + colour.shape[1], picture.shape[1]), min(y + colour.shape[0], picture.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    inner = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
    picture[y0:y1, x0:x1] = picture[y0:y1, x0:x1] * (1 - cover[inner]) + colour[inner]


def six_vehicles(rng: np.random.Generator) -> list[Vehicle]:
    """Three rows of two makes, British and Dutch in turn."""
    paints = ((0.55, 0.56, 0.58), (0.05, 0.03, 0.03), (0.30, 0.05, 0.05))
    return [
        _vehicle(rng, (HATCHBACK, SUV)[number % 2], paints[number % 3], ("GB", "NL")[number % 2], text)
        for number, text in enumerate(SIX_PLATES)
    ]


def six_pose_at(number: int, seconds: float) -> Pose:
    """Where one of the six cars is."""
    x, z = _SIX_AT[number]
    return Pose(x, z - _SIX_SPEED_M_S * seconds, math.pi)


def write_film(
    path: Path,
    frames: int,
    cars: Sequence[Vehicle],
    rng: np.random.Generator,
    camera: Pinhole,
    pose_of: Callable[[int, float], Pose],
    least_px: float,
) -> None:
    """Draw a film, and refuse one in which a plate is out of view or too small to read."""
    background = road(rng, camera)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, SIZE_WH)
    for seq in range(frames):
        for lane, car in enumerate(cars):
            corners = plate_in_picture(car, pose_of(lane, seq / FPS), camera)
            is_seen = corners is not None and corners.min() >= 0 and not (corners > SIZE_WH).any()
            if corners is None or not is_seen or np.ptp(corners[:, 0]) < least_px:
                raise SystemExit(f"{path.name}, frame {seq}: the plate of lane {lane} cannot be read")
        writer.write(frame_at(background, cars, seq / FPS, rng, camera, pose_of))
    writer.release()


def main() -> None:
    """Draw the films that are named; all where none is."""
    names = sys.argv[1:] or ["workload", "empty", "six"]
    if "workload" in names:
        rng = np.random.default_rng(20260101)
        write_film(PATH, FRAMES, vehicles(rng), rng, CAMERA, pose_at, 150)
    if "empty" in names:
        rng = np.random.default_rng(20260102)
        write_film(PATH.with_name("empty.mp4"), _SHORT_FRAMES, [], rng, CAMERA, pose_at, 0)
    if "six" in names:
        rng = np.random.default_rng(20260103)
        six = PATH.with_name("six.mp4")
        write_film(six, _SHORT_FRAMES, six_vehicles(rng), rng, SIX_CAMERA, six_pose_at, 60)


if __name__ == "__main__":
    main()

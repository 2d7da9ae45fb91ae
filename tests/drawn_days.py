"""A drawn street through a day: sun and shadows, clouds, an exposure that follows, noise at dusk, lamps by night.

Everything is drawn from one seed. Times are hours of the day. What befalls cameras (`blurred`,
`splashed`, `dazzled`) is done to the picture that `Street.picture` gives.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from alpr.types import Image

WIDTH, HEIGHT = 640, 360
_MARGIN = 120  # of the world beyond the picture, so that a camera can turn
SUNRISE, SUNSET = 6.0, 18.0


def daylight(hour: float) -> float:
    """Light of the sky as a share of noon's: falls a thousandfold within the hour after sunset."""
    height = math.sin((hour - SUNRISE) / (SUNSET - SUNRISE) * math.pi) if 5.0 < hour < 19.0 else -0.26
    return 0.25 + 0.75 * height if height >= 0 else max(0.25 * math.exp(27 * height), 2e-4)


class Street:
    """A camera above a street with houses, marks, vehicles and two lamps.

    Args:
        seed: of all that is drawn by chance.
        lamps: False leaves the street in the dark by night.
    """

    def __init__(self, seed: int = 0, *, lamps: bool = True) -> None:
        self._rng = np.random.default_rng(seed)
        self._lamps = lamps
        self._world = self._draw()
        self._lamp_light = self._draw_lamp_light()
        self._vehicles = [self._vehicle() for _ in range(6)]

    def picture(
        self, hour: float, *, vehicle_at: float | None = None, turned: tuple[int, int] = (0, 0), cloud: float = 0.0
    ) -> Image:
        """The picture at an hour of the day.

        Args:
            hour: 0 to 24.
            vehicle_at: how far a vehicle has come down the street, 0 to 1; None for an empty street.
            turned: pixels by which the camera has turned, across and down; within 120 and 120.
            cloud: share of the sun's shadow that is missing.
        """
        light = daylight(hour)
        scene = self._world * light
        scene = self._shade(scene, hour, cloud)
        if vehicle_at is not None:
            scene = self._drive(scene, vehicle_at, light)
        if self._lamps and light < 0.1:
            scene += self._lamp_light
        x, y = _MARGIN + turned[0], _MARGIN + turned[1]
        return self._expose(scene[y : y + HEIGHT, x : x + WIDTH])

    def _draw(self) -> npt.NDArray[np.float32]:
        rng, width, height = self._rng, WIDTH + 2 * _MARGIN, HEIGHT + 2 * _MARGIN
        world = np.full((height, width), 60, np.float32)
        world[: height // 3] = 170  # sky
        for _ in range(40):  # houses, windows, signs
            x, y = int(rng.integers(0, width - 60)), int(rng.integers(height // 6, height // 2))
            w, h = (int(side) for side in rng.integers(12, 90, 2))
            cv2.rectangle(world, (x, y), (x + w, y + h), float(rng.uniform(25, 150)), -1)
        for _ in range(60):
            x, y = int(rng.integers(0, width)), int(rng.integers(height // 4, height))
            end = int(x + rng.integers(-50, 50)), int(y + rng.integers(-30, 30))
            cv2.line(world, (x, y), end, float(rng.uniform(20, 180)), int(rng.integers(1, 4)))
        for row in range(height // 2, height, 40):  # marks on the road
            cv2.rectangle(world, (width // 2 - 4, row), (width // 2 + 4, row + 20), 190.0, -1)
        grain = rng.normal(0, 9, (height, width)).astype(np.float32)
        return np.asarray(world + cv2.GaussianBlur(grain, (0, 0), 1.0) * 2, np.float32)

    def _vehicle(self) -> npt.NDArray[np.float32]:
        body = np.full((100, 140), float(self._rng.uniform(30, 160)), np.float32)
        body[10:40, 20:120] = 25
        body[70:84, 40:100] = 200
        return body

    def _shade(self, scene: npt.NDArray[np.float32], hour: float, cloud: float) -> npt.NDArray[np.float32]:
        if not SUNRISE + 0.5 < hour < SUNSET - 0.5:
            return scene
        lean = math.tan((hour - 12) / 12 * math.pi * 0.45)
        height, width = scene.shape
        mask = np.zeros(scene.shape, np.uint8)
        for x in range(40, width, 170):  # shadows of posts and houses wander over the road
            tip = int(x + lean * 160), height // 2 + 170
            shape = np.array([[x, height // 2], [x + 46, height // 2], [tip[0] + 46, tip[1]], tip], np.int32)
            cv2.fillPoly(mask, [shape], 1)
        scene[mask > 0] *= 0.5 + 0.5 * cloud
        return scene

    def _drive(self, scene: npt.NDArray[np.float32], along: float, light: float) -> npt.NDArray[np.float32]:
        body = self._vehicles[int(along * 997) % len(self._vehicles)]
        size = 0.4 + 0.8 * along
        shown = cv2.resize(body, None, fx=size, fy=size)
        x = int(scene.shape[1] / 2 - 150 * along - 40)
        y = int(_MARGIN + HEIGHT * 0.45 + along * HEIGHT * 0.3)
        scene = scene.copy()
        scene[y : y + shown.shape[0], x : x + shown.shape[1]] = shown * light
        if light < 0.1:
            for lamp in (0.2, 0.8):
                at = int(x + lamp * shown.shape[1]), int(y + 0.8 * shown.shape[0])
                cv2.circle(scene, at, int(6 * size), 60.0, -1)
        return scene

    def _draw_lamp_light(self) -> npt.NDArray[np.float32]:
        height, width = self._world.shape
        ys, xs = np.mgrid[:height, :width].astype(np.float32)
        cone = sum(np.exp(-(((xs - x) / 130) ** 2) - ((ys - height * 0.6) / 110) ** 2) for x in (240, 640))
        return np.asarray(self._world * cone * 0.03, np.float32)

    def _expose(self, scene: npt.NDArray[np.float32]) -> Image:
        """A camera that aims for the same mean all day, up to its highest gain, with the noise that gain brings."""
        gain = min(95.0 / max(float(scene.mean()), 1e-3), 60.0)
        noise = 1.0 + 0.12 * gain
        luma = scene * gain + noise * self._rng.standard_normal(scene.shape, np.float32)
        if gain > 10:  # noise reduction, which smears by night
            luma = cv2.GaussianBlur(luma, (0, 0), 0.8)
        return np.repeat(np.clip(luma, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def blurred(image: Image, sigma: float = 3.0) -> Image:
    """The picture out of focus, by pixels of 640."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def splashed(image: Image, drops: int = 9, seed: int = 0) -> Image:
    """The picture through drops or dirt on the lens: round spots that are smeared and a little grey."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(image.shape[:2], np.float32)
    for _ in range(drops):
        at = int(rng.integers(40, WIDTH - 40)), int(rng.integers(HEIGHT // 3, HEIGHT - 30))
        cv2.circle(mask, at, int(rng.integers(35, 60)), 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 5)[:, :, None]
    dull = cv2.GaussianBlur(image, (0, 0), 9).astype(np.float32) * 0.8 + 25
    return np.asarray(np.clip(image * (1 - mask) + dull * mask, 0, 255), np.uint8)


def dazzled(image: Image) -> Image:
    """The picture with the sun in the lens: burnt out over more than half, veiled elsewhere."""
    ys, xs = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    far = np.hypot(xs - image.shape[1] / 2, ys - image.shape[0] / 2) / image.shape[1]
    veil = 60 + 420 * np.exp(-((far / 0.4) ** 2))
    return np.asarray(np.clip(image * 0.5 + veil[:, :, None], 0, 255), np.uint8)

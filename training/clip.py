"""Draws the sample clip: `python -m training.clip --out samples/clip.mp4 --seed 20261122`.

A street by day, seen from above the road, then the same street at night, seen from the kerb; everything in it is
drawn by this project's own code. Beside the film goes its truth, `clip.truth.jsonl` (see samples/README.md). Needs
`ffmpeg` with libx264 (Debian: `apt-get install ffmpeg`; 5.1.9 made the one that is committed). Plates are drawn
with the faces of `training.fonts` where they were fetched.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from alpr.types import Image
from training.backdrop import build
from training.bodies import VAN, body_mesh
from training.clip_truth import passes
from training.exposure import Scene, expose
from training.film import write_film
from training.pinhole import Pinhole
from training.render import render_plate
from training.shading import day_light, night_light
from training.traffic import DAY, NIGHT, Cast
from training.vehicles import Vehicle, a_vehicle

SIZE_WH, FPS = (1280, 720), 20
DAY_FRAMES, NIGHT_FRAMES = 14 * FPS, 19 * FPS // 2
DAY_CAMERA = Pinhole((0.25, 2.75, 0.0), pitch_deg=6.2, yaw_deg=1.0, focal_px=2200.0, size_wh=SIZE_WH)
NIGHT_CAMERA = Pinhole((-5.6, 2.4, 0.0), pitch_deg=7.4, yaw_deg=14.0, focal_px=2000.0, size_wh=SIZE_WH)
_PX_PER_MM = 2.0


def a_scene(part: str, seed: int, scale: float = 1.0, casts: Sequence[Cast] | None = None) -> Scene:
    """The part `day` or `night`, ready to be exposed.

    Args:
        scale: of the picture against 1280×720.
        casts: who drives through it; those of the sample clip where None.
    """
    is_night = part == "night"
    camera = (NIGHT_CAMERA if is_night else DAY_CAMERA).zoomed(scale)
    light = night_light() if is_night else day_light()
    backdrop = build(np.random.default_rng((seed, 1)), camera, light)
    if casts is None:
        casts = NIGHT if is_night else DAY
    traffic = tuple((cast, _vehicle(cast, seed)) for cast in casts)
    if is_night:
        return Scene(part, camera, light, backdrop, traffic, DAY_FRAMES, NIGHT_FRAMES, FPS, 1.45, 1 / 160, 3.0, 0.7)
    return Scene(part, camera, light, backdrop, traffic, 0, DAY_FRAMES, FPS, 0.72, 1 / 250, 1.5, 1.18)


def _vehicle(cast: Cast, seed: int) -> Vehicle:
    rng = np.random.default_rng((seed, 2, cast.plate_seed))
    plate = render_plate(rng, region=cast.region, lines=cast.lines, text=cast.text, px_per_mm=_PX_PER_MM)
    mesh = body_mesh(cast.body)
    is_van = cast.body is VAN
    return a_vehicle(cast.body, mesh, cast.paint, plate.image, _PX_PER_MM, shows_front=cast.shows_front, van=is_van)


def frame_of(scene: Scene, seed: int, frame: int) -> Image:
    """One frame, (H, W, 3) uint8 BGR: the same for the same seed, whichever were drawn before."""
    return expose(scene, frame, np.random.default_rng((seed, 3, frame)))


def frames_of(scene: Scene, seed: int, count: int, processes: int) -> Iterator[Image]:
    """The first `count` frames of a part, in order."""
    numbers = range(scene.first_frame, scene.first_frame + min(count, scene.frames))
    if processes == 1:
        yield from (frame_of(scene, seed, number) for number in numbers)
        return
    cv2.setNumThreads(1)
    _shown.append(partial(frame_of, scene, seed))
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:  # a fork shares what was built
        yield from pool.map(_one, numbers, chunksize=4)
    _shown.clear()


_shown: list[partial[Image]] = []  # what forked processes draw with: too large to send


def _one(number: int) -> Image:
    return _shown[-1](number)


def write_clip(path: Path, seed: int, *, frames: int | None = None, scale: float = 1.0, processes: int = 1) -> int:
    """Draw the film and its truth; how many frames were written.

    Args:
        frames: of each part at most; all without it.
    """
    truth: list[str] = []

    def all_frames() -> Iterator[Image]:
        for part in ("day", "night"):
            scene = a_scene(part, seed, scale)
            truth.extend(json.dumps(found.as_line()) for found in passes(scene, scale))
            yield from frames_of(scene, seed, scene.frames if frames is None else frames, processes)

    size = (round(SIZE_WH[0] * scale), round(SIZE_WH[1] * scale))
    count = write_film(path, all_frames(), FPS, size)
    path.with_suffix(".truth.jsonl").write_text("".join(f"{line}\n" for line in truth), encoding="utf-8")
    return count


def main() -> None:
    """Draw the clip."""
    parser = argparse.ArgumentParser(description="Draw the sample clip and its truth.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--frames", type=int, help="of each part at most")
    parser.add_argument("--scale", type=float, default=1.0, help="of the picture against 1280x720")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    count = write_clip(
        options.out, options.seed, frames=options.frames, scale=options.scale, processes=options.processes
    )
    print(f"{options.out}: {count} frames, {options.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

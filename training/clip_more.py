"""Draws further short films with known truth: `python -m training.clip_more --out training/runs/clips`.

By day, at night, in rain, and with two-line plates alone; other vehicles and plates than those of the sample clip,
all drawn by lot from a seed. Beside each film goes its truth, as beside the sample clip. They are measured by
`python -m bench.clips --truth training/runs/clips/*.truth.jsonl` and never committed. Seven minutes on one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from alpr.types import Image
from training.bodies import HATCHBACK, SEDAN, SUV, VAN
from training.clip import FPS, SIZE_WH, a_scene, frame_of
from training.clip_truth import passes
from training.exposure import Scene
from training.film import write_film
from training.layouts import COUNTRIES
from training.render import render_plate
from training.traffic import BLUE, GRAPHITE, GREEN, RED, SAND, SILVER, WHITE, Cast, Drive, leaving, oncoming

_REGIONS = (
    "DE",
    "FR",
    "GB",
    "ES",
    "IT",
    "NL",
    "PL",
    "SE",
    "BR",
    "UZ",
    "IN",
    "TR",
    "US-CA",
    "US-NY",
    "US-TX",
    "US-FL",
)
_TWO_LINE_REGIONS = ("DE", "AT", "IT", "FR", "VN", "IN", "BR", "CH")
_PAINTS = (WHITE, SILVER, RED, BLUE, GREEN, GRAPHITE, SAND)


@dataclass(frozen=True, slots=True)
class Film:
    """One film to draw."""

    name: str
    part: str
    """`day` or `night`: the camera's place and the light."""
    seconds: float
    rain: bool = False
    two_lines: bool = False


FILMS = (
    Film("day", "day", 11),
    Film("night", "night", 11),
    Film("rain", "day", 11, rain=True),
    Film("two-line", "day", 11, two_lines=True),
)


def casts_of(film: Film, rng: np.random.Generator) -> list[Cast]:
    """Vehicles one after another in both lanes; at night there are three that come and one that leaves."""
    is_night = film.part == "night"
    nearest = 9.2 if is_night else 10.6
    drives = [
        oncoming(nearest, at + float(rng.uniform(-0.2, 0.2)), float(rng.uniform(4.6, 6.2))) for at in (2.4, 5.6, 8.8)
    ]
    if not is_night:
        drives += [leaving(6.0, at, float(rng.uniform(5.0, 6.2))) for at in (2.2, 5.4, 8.4)]
    return [_cast(film, rng, drive, shows_front=number < 3) for number, drive in enumerate(drives)]


def _cast(film: Film, rng: np.random.Generator, drive: Drive, *, shows_front: bool) -> Cast:
    lines = 2 if film.two_lines else 1
    regions = [r for r in _TWO_LINE_REGIONS if any(p.lines == 2 for p in COUNTRIES[r])] if lines == 2 else _REGIONS
    region = str(rng.choice(list(regions)))
    seed = int(rng.integers(1 << 30))
    text = _text(region, lines, seed)
    body = (HATCHBACK, SEDAN, SUV, VAN)[int(rng.integers(4))]
    paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
    return Cast(text, region, body, paint, shows_front, drive, seed, lines)


def _text(region: str, lines: int, seed: int) -> str:
    """A serial of this region, "/" where the line breaks."""
    plate = render_plate(np.random.default_rng(seed), region=region, lines=lines)
    if lines == 1:
        return plate.text
    cut = len(plate.text) // 2
    return f"{plate.text[:cut]}/{plate.text[cut:]}"


def rained_on(rng: np.random.Generator, picture: Image) -> Image:
    """Grey veil, streaks across the air, drops on the lens that blur what lies behind them."""
    height, width = picture.shape[:2]
    seen = picture.astype(np.float32) * 0.72 + 38
    streaks = np.zeros((height, width), np.float32)
    for x, y in rng.uniform(0, 1, (220, 2)):
        start = (int(x * width), int(y * height))
        end = (start[0] + int(rng.normal(3, 1)), start[1] + int(rng.uniform(14, 34)))
        cv2.line(streaks, start, end, float(rng.uniform(20, 60)), 1, cv2.LINE_AA)
    seen += cv2.GaussianBlur(streaks, (0, 0), 0.7)[..., None]
    soft = np.asarray(cv2.GaussianBlur(seen, (0, 0), 4.0), np.float32)
    drops = np.zeros((height, width), np.float32)
    fixed = np.random.default_rng(7)  # drops stay where they are on the lens
    for x, y in fixed.uniform(0, 1, (26, 2)):
        cv2.circle(drops, (int(x * width), int(y * height)), int(fixed.uniform(5, 16)), 1.0, -1, cv2.LINE_AA)
    cover = cv2.GaussianBlur(drops, (0, 0), 2.0)[..., None]
    seen += (soft - seen) * cover
    return np.asarray(np.clip(seen, 0, 255), np.uint8)


def write_one(film: Film, folder: Path, seed: int, scale: float = 1.0, frames: int | None = None) -> int:
    """Draw a film and its truth; how many passes are in it."""
    rng = np.random.default_rng((seed, FILMS.index(film)))
    scene = a_scene(film.part, seed, scale, casts_of(film, rng))
    count = round(film.seconds * FPS) if frames is None else frames
    scene = replace(scene, first_frame=0, frames=count)
    found = passes(scene, scale)
    size = (round(SIZE_WH[0] * scale), round(SIZE_WH[1] * scale))
    write_film(folder / f"{film.name}.mp4", _frames(film, scene, seed), FPS, size)
    lines = [json.dumps({**one.as_line(), "corners": []}) for one in found]
    (folder / f"{film.name}.truth.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(found)


def _frames(film: Film, scene: Scene, seed: int) -> Iterator[Image]:
    for number in range(scene.frames):
        picture = frame_of(scene, seed, number)
        yield rained_on(np.random.default_rng((seed, 9, number)), picture) if film.rain else picture


def main() -> None:
    """Draw the films that are not there yet."""
    parser = argparse.ArgumentParser(description="Draw further films with known truth.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--only", choices=[film.name for film in FILMS], nargs="*", help="of the films")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    for film in FILMS:
        if options.only and film.name not in options.only:
            continue
        if not (options.out / f"{film.name}.truth.jsonl").exists():
            print(f"{film.name}: {write_one(film, options.out, options.seed)} passes", flush=True)


if __name__ == "__main__":
    main()

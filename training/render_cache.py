"""Step: draws plates ahead of training into shards on disk, since drawing in the training loop would starve it.

`python -m training.render_cache --shards 16` writes `training/cache/plates/00.npz` and so on; those that are there
are kept, so that it goes on where it stopped.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr.types import Image
from training.bait import draw_bait
from training.render import render_plate

FOLDER = Path(__file__).parent / "cache" / "plates"
PX_PER_MM = 1.0  # a European plate is then 520 px wide, three times what the recogniser sees
TWO_LINE_SHARE = 0.35


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn plate as it is kept: JPEG bytes and its labels."""

    jpeg: bytes
    text: str
    region: str
    lines: int

    def image(self) -> Image:
        """(H, W, 3) uint8 BGR."""
        return np.asarray(cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def draw_shard(index: int, size: int) -> list[Drawn]:
    """Draw one shard; the same index draws the same plates."""
    rng = np.random.default_rng([20261122, index])
    shard = []
    for _ in range(size):
        lines = 2 if rng.random() < TWO_LINE_SHARE else 1
        plate = render_plate(rng, lines=lines, px_per_mm=PX_PER_MM)
        shard.append(Drawn(_encoded(plate.image), plate.text, plate.region, plate.lines))
    return shard


def draw_bait_shard(index: int, size: int) -> list[Drawn]:
    """What is no plate, as shards keep it: no text, no region."""
    rng = np.random.default_rng([20261123, index])
    return [Drawn(_encoded(draw_bait(rng)), "", "", 0) for _ in range(size)]


def _encoded(image: Image) -> bytes:
    ok, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not ok:
        raise RuntimeError(f"could not encode a picture of {image.shape}")
    return jpeg.tobytes()


def save_shard(path: Path, shard: list[Drawn]) -> None:
    """Write a shard whole or not at all."""
    ends = np.cumsum([len(drawn.jpeg) for drawn in shard])
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.savez(
            stream,
            jpeg=np.frombuffer(b"".join(drawn.jpeg for drawn in shard), np.uint8),
            ends=ends,
            text=np.array([drawn.text for drawn in shard]),
            region=np.array([drawn.region for drawn in shard]),
            lines=np.array([drawn.lines for drawn in shard]),
        )
    partial.rename(path)


def load_shard(path: Path) -> list[Drawn]:
    """Read a shard."""
    with np.load(path) as shard:
        jpeg, ends = shard["jpeg"].tobytes(), shard["ends"].tolist()
        rows = zip(
            [0, *ends[:-1]],
            ends,
            shard["text"].tolist(),
            shard["region"].tolist(),
            shard["lines"].tolist(),
            strict=True,
        )
        return [Drawn(jpeg[start:end], text, region, lines) for start, end, text, region, lines in rows]


def main() -> None:
    """Draw the shards that are not there yet."""
    parser = argparse.ArgumentParser(description="Draw plates ahead of training.")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--size", type=int, default=5000, help="plates in a shard")
    parser.add_argument("--bait", action="store_true", help="draw what is no plate; 2,000 a shard are plenty")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    draw, stem = (draw_bait_shard, "bait") if options.bait else (draw_shard, "")
    for index in range(options.first, options.first + options.shards):
        path = options.folder / f"{stem}{index:02d}.npz"
        if not path.exists():
            save_shard(path, draw(index, options.size))
            print(path, flush=True)


if __name__ == "__main__":
    main()

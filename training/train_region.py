"""Step: trains the region's own head on a trained recogniser, which stays as it is.

`python -m training.train_region --real ../shared/data` takes `training/runs/NAME/checkpoint.pt` and writes
`region.pt` beside it, with the scale that makes its probabilities mean what they say on crops kept out of it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from alpr.types import Image
from training.degrade import capture, reframe
from training.layouts import REGIONS
from training.recogniser_dataset import Crop, all_shards, allowed_regions, load_crops, real_patch
from training.recogniser_model import Recogniser
from training.recogniser_region import RegionHead
from training.train_recogniser import RUNS, load_average

MOST_VIEWS, WANTED_VIEWS = 12, 300
"""A crop is shown in up to so many frames; a region's crops together in about so many."""
KEPT_OUT = 0.12
REAL_SHARE = 0.6
STEPS, BATCH = 4000, 256


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the body sees of some patches, and their regions."""

    features: torch.Tensor
    """(N, FEATURES) float16."""
    allowed: torch.Tensor
    """(N, R) bool."""
    regions: tuple[str, ...]
    """The label of each: a region, or "US"."""

    def part(self, chosen: npt.NDArray[np.bool_]) -> Seen:
        """Those chosen."""
        kept = torch.from_numpy(np.flatnonzero(chosen))
        return Seen(self.features[kept], self.allowed[kept], tuple(np.array(self.regions, object)[chosen].tolist()))


def look(recogniser: Recogniser, patches: list[Image], regions: list[str]) -> Seen:
    """Run the body alone, in small batches, and pool what it sees."""
    pool = RegionHead(1).pool
    parts = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(patches), 64):
            batch = torch.from_numpy(np.stack(patches[start : start + 64]))
            parts.append(pool(recogniser.body(batch.permute(0, 3, 1, 2).float() * (1 / 64) - 2.0)).half())
    allowed = torch.from_numpy(np.stack([allowed_regions(region) for region in regions]))
    return Seen(torch.cat(parts), allowed, tuple(regions))


def labelled(crops: list[Crop]) -> list[Crop]:
    """Those whose label says something about the region."""
    return [crop for crop in crops if crop.region in REGIONS or crop.region == "US"]


def real_views(rng: np.random.Generator, crops: list[Crop]) -> tuple[list[Image], list[str], npt.NDArray[np.int64]]:
    """Patches of real crops, those of rare regions in many frames; their regions, and which crop each is of."""
    counts = Counter(crop.region for crop in crops)
    patches, regions, sources = [], [], []
    for number, crop in enumerate(crops):
        for _ in range(int(np.clip(round(WANTED_VIEWS / counts[crop.region]), 1, MOST_VIEWS))):
            patches.append(real_patch(rng, crop, None))
            regions.append(crop.region)
            sources.append(number)
    return patches, regions, np.array(sources)


def drawn_views(rng: np.random.Generator, count: int) -> tuple[list[Image], list[str]]:
    """Patches of drawn plates."""
    drawn = [plate for plate in all_shards() if plate.region]
    chosen = [drawn[int(at)] for at in rng.choice(len(drawn), min(count, len(drawn)), replace=False)]
    return [reframe(rng, capture(rng, plate.image()), (-0.03, 0.16), 0.03) for plate in chosen], [
        plate.region for plate in chosen
    ]


def fit(rng: np.random.Generator, real: Seen, drawn: Seen) -> RegionHead:
    """Train a head: every batch has its share of real crops, rare regions more than their share."""
    head = RegionHead(len(REGIONS))
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, STEPS)
    counts = Counter(real.regions)
    chances = np.array([counts[region] ** -0.4 for region in real.regions])
    chances /= chances.sum()
    n_real = round(BATCH * REAL_SHARE)
    for _ in range(STEPS):
        a = torch.from_numpy(rng.choice(len(chances), n_real, p=chances))
        b = torch.from_numpy(rng.integers(len(drawn.regions), size=BATCH - n_real))
        features = torch.cat([real.features[a], drawn.features[b]]).float()
        allowed = torch.cat([real.allowed[a], drawn.allowed[b]])
        loss = -head.judge(features).log_softmax(-1).masked_fill(~allowed, -1e4).logsumexp(-1).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    head.eval()
    return head


def best_scale(head: RegionHead, kept_out: Seen) -> float:
    """The factor of the logits under which labels that were kept out are likeliest."""
    with torch.no_grad():
        logits = head.judge(kept_out.features.float())
    counts = Counter(kept_out.regions)
    weights = torch.tensor([counts[region] ** -0.25 for region in kept_out.regions])

    def loss(scale: float) -> float:
        likely = (logits * scale).log_softmax(-1).masked_fill(~kept_out.allowed, -1e4).logsumexp(-1)
        return float(-(likely * weights).sum() / weights.sum())

    scales: list[float] = np.linspace(0.3, 1.6, 53).tolist()
    return min(scales, key=loss)


def told(head: RegionHead, seen: Seen) -> str:
    """How often the likeliest region is right, by label, and how often it is wrong though sure."""
    with torch.no_grad():
        likely, best = head.judge(seen.features.float()).softmax(-1).max(-1)
    right = seen.allowed[torch.arange(len(best)), best]
    is_sure = likely > 0.8
    rows = Counter(seen.regions)
    hits = Counter(region for region, is_right in zip(seen.regions, right.tolist(), strict=True) if is_right)
    by_region = ", ".join(f"{region} {hits[region]}/{n}" for region, n in rows.most_common(30))
    return (
        f"{int(right.sum())}/{len(right)} right; of {int(is_sure.sum())} sure (p > 0.8) "
        f"{int((is_sure & ~right).sum())} wrong; {by_region}"
    )


def main() -> None:
    """Train the head, fit its scale, write it."""
    parser = argparse.ArgumentParser(description="Train the region head of a recogniser.")
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--name", default="recogniser")
    parser.add_argument("--drawn", type=int, default=20_000, help="drawn plates to learn from")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    recogniser, _, _ = load_average(RUNS / options.name / "checkpoint.pt")
    crops = labelled(load_crops(options.real / "plates", "train"))
    patches, regions, sources = real_views(rng, crops)
    real = look(recogniser, patches, regions)
    drawn = look(recogniser, *drawn_views(rng, options.drawn))
    is_out = (rng.random(len(crops)) < KEPT_OUT)[sources]
    head = fit(rng, real.part(~is_out), drawn)
    scale = best_scale(head, real.part(is_out))
    head.scale(scale)
    print(f"{len(crops)} crops in {len(regions)} views, {len(drawn.regions)} drawn; logits scaled by {scale:.2f}")
    print(f"kept out: {told(head, real.part(is_out))}")
    torch.save(head.state_dict(), RUNS / options.name / "region.pt")


if __name__ == "__main__":
    main()

"""Step: trains the recogniser on the CPU, for a given time.

`nice -n 19 python -m training.train_recogniser --real ../shared/data --minutes 60` goes on from the run's last
checkpoint where there is one. Writes `training/runs/NAME/checkpoint.pt`; `training.export_recogniser` makes the
shipped file of it. A second run with another mix starts from the first: `--name second --peak 1.5e-3 --start-from
training/runs/recogniser/checkpoint.pt`.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from training.layouts import REGIONS
from training.recogniser_dataset import Batch, TrainingBatches
from training.recogniser_loss import lines_loss, region_loss, text_loss
from training.recogniser_model import Recogniser

RUNS = Path(__file__).parent / "runs"
WARM_UP = 0.02  # of the whole run
EMA_KEEP = 0.999
LINES_WEIGHT, REGION_WEIGHT = 0.3, 0.1
SAVE_EVERY_S = 90.0


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    step: int = 0
    samples: int = 0
    trained_s: float = 0.0


def learning_rate(done: float, peak: float) -> float:
    """Linear warm-up, then half a cosine down to nearly nothing; `done` in [0, 1] of the run."""
    if done < WARM_UP:
        return peak * max(done / WARM_UP, 0.02)
    return peak * max(0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))), 0.002)


def update_average(average: Recogniser, model: Recogniser, step: int) -> None:
    """Move the averaged weights a little towards the trained ones; faster in the beginning."""
    keep = min(EMA_KEEP, (1 + step) / (10 + step))
    with torch.no_grad():
        for kept, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - keep)
            else:
                kept.copy_(new)


def train_step(model: Recogniser, optimiser: torch.optim.Optimizer, batch: Batch) -> tuple[float, float, float]:
    """One step; the mean text, lines and region losses."""
    model.train()
    with torch.autocast("cpu", torch.bfloat16):
        reading = model(batch.patches)
    text = text_loss(reading, batch.targets).mean()
    lines = lines_loss(reading, batch.targets).mean()
    region = region_loss(reading, batch.targets).mean()
    optimiser.zero_grad(set_to_none=True)
    (text + LINES_WEIGHT * lines + REGION_WEIGHT * region).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return float(text.detach()), float(lines.detach()), float(region.detach())


def save(
    path: Path, model: Recogniser, average: Recogniser, optimiser: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write a checkpoint whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(
        {
            "model": model.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "progress": [progress.step, progress.samples, progress.trained_s],
            "regions": list(REGIONS),
        },
        partial,
    )
    partial.rename(path)


def load_average(path: Path) -> tuple[Recogniser, tuple[str, ...], int]:
    """The averaged network of a checkpoint, ready to read; its regions; how many samples it has seen."""
    kept = torch.load(path, map_location="cpu", weights_only=True)
    regions = tuple(kept["regions"])
    average = Recogniser(len(regions))
    average.load_state_dict(kept["average"])
    return average.eval(), regions, int(kept["progress"][1])


def main() -> None:
    """Train until the time is up."""
    parser = argparse.ArgumentParser(description="Train the recogniser on the CPU.")
    parser.add_argument("--real", type=Path, required=True, help="folder with plates/ and scenes/")
    parser.add_argument("--name", default="recogniser")
    parser.add_argument(
        "--start-from", type=Path, help="checkpoint of a run whose averaged weights a new run starts from"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="of training in all, over every resumption")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--peak", type=float, default=2.5e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    folder = RUNS / options.name
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"

    model = Recogniser(len(REGIONS)).to(memory_format=torch.channels_last)
    average = Recogniser(len(REGIONS))
    if options.start_from and not checkpoint.exists():
        model.load_state_dict(load_average(options.start_from)[0].state_dict())
    average.load_state_dict(model.state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.peak, weight_decay=0.02, betas=(0.9, 0.99))
    progress = Progress()
    if checkpoint.exists():
        kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict(kept["model"])
        average.load_state_dict(kept["average"])
        optimiser.load_state_dict(kept["optimiser"])
        progress = Progress(*kept["progress"])

    batches = TrainingBatches(options.real, options.batch, options.seed + progress.step)
    loader = DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=8)
    last, saved, sums, summed, waited = time.monotonic(), time.monotonic(), [0.0, 0.0, 0.0], 0, 0.0
    asked, is_first = time.monotonic(), True
    for batch in loader:
        waited += time.monotonic() - asked
        if is_first:
            last, is_first = time.monotonic(), False  # the loading of the crops is not training
        done = progress.trained_s / (options.minutes * 60)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(done, options.peak)
        losses = train_step(model, optimiser, batch)
        update_average(average, model, progress.step)
        sums, summed = [total + loss for total, loss in zip(sums, losses, strict=True)], summed + 1
        now = time.monotonic()
        progress.step, progress.samples = progress.step + 1, progress.samples + len(batch.patches)
        progress.trained_s, last = progress.trained_s + now - last, now
        if progress.step % 100 == 0:
            means = " ".join(f"{total / summed:.3f}" for total in sums)
            print(
                f"step {progress.step} samples {progress.samples} minutes {progress.trained_s / 60:.1f} "
                f"text/lines/region {means} waited {waited:.1f} s",
                flush=True,
            )
            sums, summed, waited = [0.0, 0.0, 0.0], 0, 0.0
        if now - saved > SAVE_EVERY_S:
            save(checkpoint, model, average, optimiser, progress)
            saved = now
        asked = time.monotonic()
    save(checkpoint, model, average, optimiser, progress)
    print(f"done: {progress.samples} samples in {progress.trained_s / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()

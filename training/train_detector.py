"""Train the plate detector on real scenes with rendered plates pasted in; resumable; ends by the clock.

python -m training.train_detector --data ../shared/data/scenes --run training/runs/detector --minutes 70
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from alpr.geometry import letterbox
from alpr.types import FloatArray, Image
from training.detector_dataset import SceneBatches
from training.detector_eval import Matched, non_maximum, score_images, table
from training.detector_model import PlateDetector, canvas_for, cell_centres, decode_corners
from training.detector_pool import load_pool
from training.detector_scenes import build_cache, read_labels, with_unlabelled
from training.detector_targets import detector_loss


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    # what to learn from
    parser.add_argument("--data", type=Path, default=Path("../shared/data/scenes"), help="labelled scenes")
    parser.add_argument("--cache", type=Path, default=Path("training/cache"), help="decoded scenes, rendered plates")
    parser.add_argument("--pool", type=int, default=6000, help="drawn plates to paste, beside the real ones")
    # where to keep it
    parser.add_argument("--run", type=Path, default=Path("training/runs/detector"), help="checkpoint and log")
    parser.add_argument("--start-from", type=Path, help="weights to begin with, of another run's checkpoint")
    # how long and how fast
    parser.add_argument("--minutes", type=float, default=70, help="of training; the learning rate ends with them")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3, help="AdamW's peak learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--warm-up", type=float, default=1.5, help="minutes")
    parser.add_argument("--ema", type=float, default=0.9985, help="of weights, per step")
    parser.add_argument("--evaluate-every", type=float, default=10, help="minutes")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def rate_at(progress: float, minutes: float, warm_up: float, peak: float) -> float:
    """Learning rate at a share of the run: linear warm-up, then half a cosine to a hundredth."""
    start = warm_up / minutes
    if progress < start:
        return peak * (0.02 + 0.98 * progress / start)
    along = min(1.0, (progress - start) / (1 - start))
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * along)))


class Average:
    """Exponential average of a network's weights; of its batch-norm statistics too."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for mine, other in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(other, 1 - decay)
            else:
                mine.copy_(other)


def train_step(net: nn.Module, batch: list[Tensor], grid: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of one batch."""
    images, state, positive, wanted, known = batch
    with torch.autocast("cpu", torch.bfloat16):
        logits, offsets = net(images.float().contiguous(memory_format=torch.channels_last))
    cells = positive % state.shape[1]
    corners = decode_corners(offsets.flatten(0, 1)[positive].float(), grid[0][cells], grid[1][cells])
    return detector_loss(logits, corners, state, positive, wanted, known)


@torch.no_grad()
def detect_with(net: nn.Module, image: Image, floor: float = 0.05) -> tuple[FloatArray, FloatArray]:
    """Plates of one picture: corners (n, 4, 2) in its pixels and confidences (n,), after suppression."""
    size_wh = canvas_for(image.shape[1], image.shape[0])
    canvas, placed = letterbox(image, size_wh)
    logits, offsets = net(torch.from_numpy(canvas)[None].permute(0, 3, 1, 2).float())
    centres, strides = cell_centres(*size_wh)
    confidences = logits[0].sigmoid().numpy()
    corners = decode_corners(offsets[0], centres, strides).numpy()
    sure = confidences >= floor
    kept = non_maximum(corners[sure], confidences[sure])
    return placed.to_frame(corners[sure][kept]), confidences[sure][kept]


def evaluate(net: nn.Module, scenes_dir: Path, rows: list[dict[str, object]]) -> list[Matched]:
    """Score a network on labelled scenes."""
    return score_images(scenes_dir, rows, lambda image: detect_with(net, image))


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    log = (args.run / "log.txt").open("a", encoding="utf-8", buffering=1)

    def say(line: str) -> None:
        print(line, flush=True)
        log.write(line + "\n")

    cache_path = args.cache / "scenes_train.bgr"
    scenes = with_unlabelled(build_cache(args.data, cache_path), args.cache / "unlabelled.json")
    pool = load_pool(args.cache / "plates", args.pool, args.data.parent / "plates")
    dev = read_labels(args.data, "dev")
    net = PlateDetector().to(memory_format=torch.channels_last)
    average = Average(net, args.ema)
    plain = [p for p in net.parameters() if p.ndim < 2]
    decayed = [p for p in net.parameters() if p.ndim >= 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": args.weight_decay}, {"params": plain}], args.rate
    )
    optimizer.param_groups[1]["weight_decay"] = 0.0
    step, samples, elapsed = 0, 0, 0.0
    checkpoint = args.run / "checkpoint.pt"
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(kept["net"])
        average.net.load_state_dict(kept["average"])
        optimizer.load_state_dict(kept["optimizer"])
        step, samples, elapsed = kept["step"], kept["samples"], kept["elapsed"]
    elif args.start_from:
        kept = torch.load(args.start_from, weights_only=True)
        net.load_state_dict(kept["average"])
        average.net.load_state_dict(kept["average"])
    say(f"{len(scenes)} scenes, {len(pool.plates)} plates to paste, from step {step}, {elapsed / 60:.1f} minutes")

    batches = SceneBatches(scenes, cache_path, pool, batch=args.batch, seed=args.seed * 1_000_003 + step)
    loader = iter(DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=8))
    by_size: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
    budget, evaluated, noted = args.minutes * 60, elapsed, elapsed
    sums: dict[str, float] = {}
    steps_noted = 0

    def save() -> None:
        partial = checkpoint.with_suffix(".partial")
        torch.save(
            {
                "net": net.state_dict(),
                "average": average.net.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
                "samples": samples,
                "elapsed": elapsed,
            },
            partial,
        )
        partial.rename(checkpoint)

    tick = time.monotonic()
    while elapsed < budget:
        batch = next(loader)
        size_wh = (batch[0].shape[3], batch[0].shape[2])
        if size_wh not in by_size:
            by_size[size_wh] = cell_centres(*size_wh)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(elapsed / budget, args.minutes, args.warm_up, args.rate)
        loss, parts = train_step(net, batch, by_size[size_wh])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        average.update(net, step)
        step, samples = step + 1, samples + len(batch[0])
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + float(value)
        steps_noted += 1
        now = time.monotonic()
        elapsed, tick = elapsed + now - tick, now
        if elapsed - noted >= 30:
            means = "  ".join(f"{name} {total / steps_noted:.4f}" for name, total in sums.items())
            speed = steps_noted * args.batch / (elapsed - noted)
            say(f"{elapsed / 60:6.1f} min  step {step}  samples {samples}  {means}  {speed:.1f} samples/s")
            noted, sums, steps_noted = elapsed, {}, 0
            save()
        if elapsed - evaluated >= args.evaluate_every * 60:
            say(table(evaluate(average.net, args.data, dev), [0.3, 0.4, 0.5, 0.6]))
            evaluated, tick = elapsed, time.monotonic()  # looking does not count as training
            noted = elapsed
    save()
    say(table(evaluate(average.net, args.data, dev), [0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7]))
    say(f"done: {samples} samples in {elapsed / 60:.1f} minutes")


if __name__ == "__main__":
    main()

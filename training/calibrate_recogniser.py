"""Step: makes a recogniser's character probabilities mean what they say.

`python -m training.calibrate_recogniser --real ../shared/data` fits one scale of the logits on plates that were drawn
for it alone (`python -m training.render_cache --first 90 --shards 2 --size 2500 --folder training/cache/held`) and on
training crops made worse, writes `training/runs/NAME/calibration.json`, and reports on the dev split, as it is and
made worse, and on drawn bait. With `--report-only` it fits nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from alpr.evaluation.calibration import expected_error, reliability
from alpr.evaluation.character_pairs import align
from alpr.ocr.ctc import decode
from alpr.types import Image, PlateText
from training.degrade import capture, light, plain_patch, reframe, spoil
from training.evaluate_recogniser import HAN_SOURCES, network_from_checkpoint
from training.recogniser_dataset import Crop, load_crops, real_patch
from training.recogniser_finish import CALIBRATION
from training.recogniser_shape import MODEL, Network, network_from_onnx
from training.render_cache import FOLDER, load_shard
from training.train_recogniser import RUNS

HELD = FOLDER.parent / "held"
Steps = npt.NDArray[np.float32]
SCALES = tuple(round(0.5 + 0.05 * step, 2) for step in range(17))


class Set(NamedTuple):
    """Patches and what they say."""

    name: str
    patches: list[Image]
    texts: list[str]


def drawn_set(rng: np.random.Generator, stem: str, count: int) -> Set:
    """Pictures drawn for this alone: plates (stem "9") or bait (stem "bait")."""
    drawn = [one for path in sorted(HELD.glob(f"{stem}*.npz")) for one in load_shard(path)][:count]
    if not drawn:
        raise FileNotFoundError(f"no {stem}*.npz in {HELD}: draw them with training.render_cache --folder")
    patches = [reframe(rng, capture(rng, one.image()), (-0.03, 0.16), 0.03) for one in drawn]
    return Set("bait" if stem == "bait" else "drawn, held out", patches, [one.text for one in drawn])


def dev_sets(rng: np.random.Generator, crops: list[Crop]) -> list[Set]:
    """The dev crops: Latin ones, all, and all made small, dark and noisy, or blurred."""

    def as_set(name: str, chosen: list[Crop], kind: str) -> Set:
        return Set(name, [_worse(rng, crop.image, kind) for crop in chosen], [crop.text for crop in chosen])

    latin_ones = [crop for crop in crops if crop.source not in HAN_SOURCES]
    names = [(f"dev {kind}", kind) for kind in ("small", "dark", "blurred")]
    return [as_set("dev latin", latin_ones, ""), as_set("dev", crops, ""), *(as_set(n, crops, k) for n, k in names)]


def _worse(rng: np.random.Generator, image: Image, kind: str) -> Image:
    """The patch of a crop: as it is, 55 to 80 px wide, dark with noise, or blurred."""
    seen = np.asarray(image, np.float32)
    if kind == "small":
        ratio = min(1.0, float(rng.uniform(55, 80)) / seen.shape[1])
        seen = np.asarray(cv2.resize(seen, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.float32)
        return plain_patch(spoil(rng, seen, 0.6))
    if kind == "dark":
        seen = light(rng, seen) * float(rng.uniform(0.15, 0.5))
        seen = seen + rng.standard_normal(seen.shape, np.float32) * float(rng.uniform(3, 12))
    if kind == "blurred":
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.8, 2.2)) * seen.shape[1] / 130))
    return plain_patch(np.clip(seen, 0, 255).astype(np.uint8))


def steps_of(network: Network, patches: Sequence[Image]) -> Steps:
    """(N, 80, 37) probabilities of the patches."""
    parts = [network(np.stack(patches[start : start + 64]))[0] for start in range(0, len(patches), 64)]
    return np.concatenate(parts)


def read(steps: Steps, by: float = 1.0) -> list[PlateText]:
    """What `alpr.ocr` makes of them before any national format, were the logits multiplied by `by`."""
    powers = np.clip(steps, 1e-12, 1) ** by
    return [decode(one) for one in (powers / powers.sum(-1, keepdims=True)).astype(np.float32)]


def claims(plates: Sequence[PlateText], texts: Sequence[str]) -> Iterator[tuple[float, bool]]:
    """Of each character that was read: its probability, and whether the plate has it there."""
    for plate, text in zip(plates, texts, strict=True):
        steps = [step for step in align(text, plate.text) if step.read]
        for confidence, step in zip(plate.char_confidences, steps, strict=True):
            yield float(confidence), step.read == step.truth


def line(name: str, plates: Sequence[PlateText], texts: Sequence[str]) -> str:
    """One line of the report."""
    if not any(texts):
        told = sum(len(plate.text) >= 4 and plate.confidence > 0.5 for plate in plates)
        any_text = sum(bool(plate.text) for plate in plates)
        return f"{name:16} {told} of {len(plates)} given 4 or more characters at confidence > 0.5, {any_text} any"
    exact = [plate.text == text for plate, text in zip(plates, texts, strict=True)]
    whole = expected_error(reliability(zip((plate.confidence for plate in plates), exact, strict=True)))
    return (
        f"{name:16} exact {sum(exact)}/{len(exact)}, calibration error of characters "
        f"{expected_error(reliability(claims(plates, texts))):.4f}, of texts {whole:.4f}"
    )


def log_loss(told: Iterator[tuple[float, bool]]) -> float:
    """Mean negative log-likelihood of the claims."""
    pairs = np.array(list(told), float)
    likely = np.where(pairs[:, 1] > 0, pairs[:, 0], 1 - pairs[:, 0])
    return float(-np.log(np.clip(likely, 1e-4, 1)).mean())


def fit(network: Network, sets: Sequence[Set]) -> float:
    """The scale under which what was read is likeliest, each set counting alike."""
    losses = dict.fromkeys(SCALES, 0.0)
    for one in sets:
        steps = steps_of(network, one.patches)
        for by in SCALES:
            losses[by] += log_loss(claims(read(steps, by), one.texts)) / len(sets)
    print("loss by scale:", " ".join(f"{by:.2f} {loss:.4f}" for by, loss in losses.items()))
    best: float = min(losses, key=losses.__getitem__)
    return best


def main() -> None:
    """Fit, report."""
    parser = argparse.ArgumentParser(description="Calibrate a recogniser's characters.")
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--name", default="recogniser")
    parser.add_argument("--report-only", action="store_true", help="report on the shipped file")
    parser.add_argument("--onnx", type=Path, default=MODEL, help="the file to report on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(5)
    if options.report_only:
        network = network_from_onnx(options.onnx)
    else:
        checkpoint = RUNS / options.name / "checkpoint.pt"
        checkpoint.with_name(CALIBRATION).unlink(missing_ok=True)
        network = network_from_checkpoint(checkpoint)
        crops = load_crops(options.real / "plates", "train")
        chosen = [crops[int(at)] for at in rng.choice(len(crops), min(1200, len(crops)), replace=False)]
        worse = Set("train", [real_patch(rng, crop, None) for crop in chosen], [crop.text for crop in chosen])
        scale = fit(network, [worse, drawn_set(rng, "9", 1200)])
        checkpoint.with_name(CALIBRATION).write_text(json.dumps({"character_scale": scale}))
        network = network_from_checkpoint(checkpoint)
        print(f"logits scaled by {scale}")
    sets = [*dev_sets(rng, load_crops(options.real / "plates", "dev")), drawn_set(rng, "bait", 1500)]
    for one in sets:
        print(line(one.name, read(steps_of(network, one.patches)), one.texts), flush=True)


if __name__ == "__main__":
    main()

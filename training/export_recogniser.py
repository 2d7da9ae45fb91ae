"""Step: makes the shipped file and its card of a run's checkpoint, and scores it on the real crops.

`python -m training.export_recogniser --real ../shared/data --date 2026-11-22` writes `models/recogniser.onnx` and
`models/recogniser.yaml`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from alpr.types import ALPHABET
from training import fonts
from training.card import write_card
from training.evaluate_recogniser import read_crops, score
from training.onnx_file import LICENCE, OPSET, fold_batch_norms, strip_notes
from training.recogniser_dataset import Crop, load_crops, load_scenes
from training.recogniser_finish import load_finished
from training.recogniser_model import Deployed
from training.recogniser_shape import BLANK, CLASSES, MARGIN, MODEL, OUTPUTS, PATCH_SIZE_WH, STEPS, network_from_onnx
from training.render_cache import FOLDER
from training.train_recogniser import RUNS

TOLERANCE = 1e-4


def export(deployed: Deployed, path: Path) -> None:
    """Write the network and check that ONNX Runtime computes what PyTorch does.

    Raises:
        RuntimeError: the outputs differ by more than TOLERANCE.
    """
    width, height = PATCH_SIZE_WH
    patches = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8))
    fold_batch_norms(deployed)
    torch.onnx.export(
        deployed,
        (patches,),
        str(path),
        input_names=["patches"],
        output_names=list(OUTPUTS),
        dynamic_shapes={"patches": {0: torch.export.Dim("N", min=1, max=4096)}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    strip_notes(path)
    with torch.no_grad():
        expected = deployed(patches)
    for name, mine, theirs in zip(OUTPUTS, expected, network_from_onnx(path)(patches.numpy()), strict=True):
        worst = float(np.abs(mine.numpy() - theirs).max())
        if worst > TOLERANCE:
            raise RuntimeError(f"{path}: output {name} differs from PyTorch's by {worst:.2g}; do not ship it")


def sources(real: Path) -> list[dict[str, Any]]:
    """What the weights learned from, by source: licence and number of pictures."""
    plates = load_crops(real / "plates", "train")
    scenes, empties = load_scenes(real / "scenes", np.random.default_rng(1))
    counts: Counter[tuple[str, str]] = Counter((c.source, c.licence) for c in [*plates, *scenes])
    rows: list[dict[str, Any]] = [
        {"source": source, "licence": licence, "samples": count}
        for (source, licence), count in sorted(counts.items())
    ]
    drawn = sum(len(np.load(path)["ends"]) for path in sorted(FOLDER.glob("*.npz")))
    faces = ", ".join(sorted({face.package for face in fonts.FACES}))
    return [
        *rows,
        {"source": "cuts of the scenes above where no plate is", "licence": "as the scenes", "samples": len(empties)},
        {"source": f"drawn plates; faces: {faces}", "licence": f"ours; faces {fonts.LICENCE}", "samples": drawn},
    ]


def scores(crops: list[Crop], path: Path, split: str) -> list[dict[str, Any]]:
    """Exact reads by source, as the card tells them."""
    command = f"python -m training.evaluate_recogniser --real ../shared/data --split {split}"
    found = score(crops, read_crops(network_from_onnx(path), crops))
    return [
        {
            "set": f"{split}: {group}",
            "metric": told,
            "value": round(row[metric] / row["n"], 4),
            "n": int(row["n"]),
            "command": command,
        }
        for group, row in sorted(found.items())
        if group != "latin" or len(found) > 2  # the sum of one source says nothing new
        for metric, told in (("exact", "exact reads"), ("merged", "exact reads with O=0 and I=1"))
    ]


def card(
    regions: tuple[str, ...], samples: int, options: argparse.Namespace, told: list[dict[str, Any]]
) -> dict[str, Any]:
    """The model's card."""
    width, height = PATCH_SIZE_WH
    return {
        "name": "recogniser",
        "version": options.version,
        "task": "recogniser",
        "file": MODEL.name,
        "licence": LICENCE,
        "input": {
            "name": "patches",
            "shape": ["N", height, width, 3],
            "dtype": "uint8",
            "colour": "BGR",
            "margin": list(MARGIN),
        },
        "outputs": {
            OUTPUTS[0]: ["N", 2 * STEPS, CLASSES],
            OUTPUTS[1]: ["N"],
            OUTPUTS[2]: ["N", len(regions)],
        },
        "alphabet": ALPHABET,
        "blank": BLANK,
        "regions": list(regions),
        "trained_on": sources(options.real),
        "samples_seen": samples,
        "scores": told,
        "date": options.date,
        "notes": NOTES,
    }


NOTES = [
    "One line: 40 steps that read the whole height, then 40 of blank. Two lines: 40 of the upper, 40 of the lower.",
    "Reads A-Z and 0-9. Other scripts, state names, slogans, stickers and small stacked letters are left out.",
    "Indonesian plates: the date row is not read. In many US states O and 0 look alike.",
    "Many labels are another reader's answers that no person looked at (pseudo): its mistakes may be in here.",
    "Few or no real plates of India, Malaysia, Australia, Russia, Ukraine, most of the Americas and Africa.",
    "The region is rough where few real plates were labelled: all but UZ, BR, CN, VN, ID, NY and some of Europe.",
    "samples_seen: of the last run; the runs before it are in training/LOG.md. The region's head came after.",
]


def main() -> None:
    """Export, score, write the card."""
    parser = argparse.ArgumentParser(description="Make the shipped recogniser of a checkpoint.")
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "recogniser" / "checkpoint.pt")
    parser.add_argument("--version", default="1")
    parser.add_argument("--date", required=True, help="ISO date that the card tells")
    parser.add_argument("--with-dev-only", action="store_true", help="also score the set kept for reporting")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    average, regions, samples = load_finished(options.checkpoint)
    export(Deployed(average).eval(), MODEL)
    told = scores(load_crops(options.real / "plates", "dev"), MODEL, "dev")
    if options.with_dev_only:
        told += scores(load_crops(options.real / "plates", "dev-only"), MODEL, "dev-only")
    write_card(MODEL.with_suffix(".yaml"), card(regions, samples, options, told))
    for row in told:
        print(f"{row['set']:28} {row['metric']:30} {row['value']:.4f} of {row['n']}")
    print(f"{MODEL}: {MODEL.stat().st_size / 1e6:.2f} MB, {samples} samples")


if __name__ == "__main__":
    main()

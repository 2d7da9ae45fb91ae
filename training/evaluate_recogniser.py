"""Step: how many real crops a recogniser reads exactly, by source.

`python -m training.evaluate_recogniser --real ../shared/data [--checkpoint FILE] [--split dev]` reads the shipped
file, or a checkpoint of a run. The last line on stdout is JSON.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
import torch

from alpr.types import Image
from training.degrade import plain_patch
from training.layouts import REGIONS
from training.recogniser_dataset import Crop, load_crops
from training.recogniser_finish import load_finished
from training.recogniser_model import Deployed
from training.recogniser_shape import MODEL, Network, Outputs, decode, network_from_onnx

HAN_SOURCES = {"cnlyl", "cnsirius"}
MERGED = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read of one crop."""

    text: str
    two_lines: float
    region: str


def network_from_checkpoint(path: Path) -> Network:
    """The averaged weights of a run, with what is beside them."""
    average, _, samples = load_finished(path)
    print(f"{path}: {samples} samples")
    deployed = Deployed(average).eval()

    def run(patches: npt.NDArray[np.uint8]) -> Outputs:
        with torch.no_grad():
            return cast(Outputs, tuple(output.numpy() for output in deployed(torch.from_numpy(patches))))

    return run


def read_crops(network: Network, crops: list[Crop]) -> list[Answer]:
    """Read crops stretched to the patch's size."""
    answers = []
    for start in range(0, len(crops), 64):
        patches = np.stack([plain_patch(crop.image) for crop in crops[start : start + 64]])
        characters, two_lines, regions = network(patches)
        answers += [
            Answer(decode(c), float(t), REGIONS[int(r.argmax())])
            for c, t, r in zip(characters, two_lines, regions, strict=True)
        ]
    return answers


def score(crops: list[Crop], answers: list[Answer]) -> dict[str, dict[str, float]]:
    """By source and over all Latin ones: n, exact reads, exact with O=0 and I=1, right regions where labelled."""
    rows: dict[str, dict[str, float]] = {}
    for crop, answer in zip(crops, answers, strict=True):
        groups = [crop.source] if crop.source in HAN_SOURCES else [crop.source, "latin"]
        if crop.source == "vnvito":
            groups.append("vnvito, one line" if crop.lines == 1 else "vnvito, two lines")
        for group in groups:
            row = rows.setdefault(
                group, dict.fromkeys(("n", "exact", "merged", "regions", "region_right", "lines_right"), 0)
            )
            row["n"] += 1
            row["exact"] += answer.text == crop.text
            row["merged"] += answer.text.translate(MERGED) == crop.text.translate(MERGED)
            row["lines_right"] += crop.lines in (0, 2 if answer.two_lines > 0.5 else 1)
            if crop.region in REGIONS:
                row["regions"] += 1
                row["region_right"] += answer.region == crop.region
    return rows


def main() -> None:
    """Print the scores."""
    parser = argparse.ArgumentParser(description="Score a recogniser on real crops.")
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--onnx", type=Path, default=MODEL)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--wrong", type=Path, help="a folder for pictures of the misread crops; never commit them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = network_from_checkpoint(options.checkpoint) if options.checkpoint else network_from_onnx(options.onnx)
    crops = load_crops(options.real / "plates", options.split)
    answers = read_crops(network, crops)
    rows = score(crops, answers)
    for group, row in sorted(rows.items()):
        share = row["exact"] / row["n"]
        regions = f"region {row['region_right']}/{row['regions']}" if row["regions"] else ""
        print(
            f"{group:16} {row['exact']:5}/{row['n']:<5} {share:.3f}  O=0 I=1 {row['merged']}/{row['n']} "
            f"lines {row['lines_right']}/{row['n']} {regions}"
        )
    if options.wrong:
        _draw_wrong(options.wrong, crops, answers)
    print(json.dumps(rows))


def _draw_wrong(folder: Path, crops: list[Crop], answers: list[Answer]) -> None:
    """Misread crops as the network saw them, named by label and reading."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, (crop, answer) in enumerate(zip(crops, answers, strict=True)):
        if answer.text != crop.text:
            patch: Image = plain_patch(crop.image)
            cv2.imwrite(str(folder / f"{crop.source}_{index:05d}_{crop.text}_as_{answer.text}.png"), patch)


if __name__ == "__main__":
    main()

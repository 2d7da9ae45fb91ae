"""Two variants of a network on the same pictures, in pairs: what one loses that the other gets, and the reverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import yaml

from alpr.evaluation.calibration import expected_error, reliability
from alpr.geometry import letterbox
from alpr.ocr.ctc import decode
from alpr.types import FloatArray, Image, PlateText
from training.degrade import plain_patch
from training.detector_eval import Matched, non_maximum, score_images
from training.detector_model import canvas_for
from training.detector_scenes import read_labels
from training.layouts import REGIONS
from training.recogniser_dataset import Crop, load_crops
from training.recogniser_shape import network_from_onnx


@dataclass(frozen=True, slots=True)
class Pair:
    """One measure over the same n cases."""

    name: str
    n: int
    both: int
    lost: int
    """Right by the first variant alone."""
    gained: int
    """Right by the second alone."""

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: how likely a split as uneven as this is if the two are equally good."""
        differing = self.lost + self.gained
        tail: float = sum(math.comb(differing, k) for k in range(min(self.lost, self.gained) + 1)) / 2**differing
        return min(1.0, 2 * tail)


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of both variants that is no count of pairs."""

    name: str
    first: float
    second: float
    n: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """All measures of a comparison; the first row is the one that decides."""

    rows: tuple[Pair, ...]
    measures: tuple[Measure, ...]

    @property
    def lost_share(self) -> float:
        """What the second variant loses, less what it gains, as a share of all cases."""
        return (self.rows[0].lost - self.rows[0].gained) / self.rows[0].n

    def table(self) -> str:
        """For people."""
        lines = [
            f"{row.name:44} n {row.n:5}  fp32 {row.both + row.lost:5}  int8 {row.both + row.gained:5}  "
            f"lost {row.lost:3}  gained {row.gained:3}  McNemar p {row.p_value:.3f}"
            for row in self.rows
        ]
        lines += [
            f"{each.name:44} n {each.n:5}  fp32 {each.first:.4f}  int8 {each.second:.4f}" for each in self.measures
        ]
        return "\n".join(lines)

    def scores(self) -> list[dict[str, Any]]:
        """For the card."""
        rows: list[dict[str, Any]] = [
            {
                "set": "dev",
                "metric": f"{row.name}, int8 against float32",
                "value": round((row.both + row.gained) / row.n, 4),
                "float32": round((row.both + row.lost) / row.n, 4),
                "n": row.n,
                "lost": row.lost,
                "gained": row.gained,
                "mcnemar_p": round(row.p_value, 3),
            }
            for row in self.rows
        ]
        rows += [
            {
                "set": "dev",
                "metric": f"{each.name}, int8 against float32",
                "value": round(each.second, 4),
                "float32": round(each.first, 4),
                "n": each.n,
            }
            for each in self.measures
        ]
        return rows


def recogniser_pairs(real: Path, first: Path, second: Path) -> Pairs:
    """Exact reads of the dev crops, and whether the probabilities told still mean what they say."""
    crops = load_crops(real / "plates", "dev")
    texts = [crop.text for crop in crops]
    read_by = [read(path, crops) for path in (first, second)]
    answers = [[plate for plate, _ in each] for each in read_by]
    right = [[plate.text == text for plate, text in zip(each, texts, strict=True)] for each in answers]
    ranked = [
        [any(found.text == text for found in plate.candidates) for plate, text in zip(each, texts, strict=True)]
        for each in answers
    ]
    rows = [pair("exact reads", *right), pair("truth among the candidates", *ranked)]
    known = [crop.region in REGIONS for crop in crops]
    regions = [
        [region == crop.region for (_, region), crop in compress(zip(each, crops, strict=True), known)]
        for each in read_by
    ]
    rows.append(pair("region by the look alone", *regions))
    for source in sorted({crop.source for crop in crops}):
        chosen = [crop.source == source for crop in crops]
        rows.append(pair(f"exact reads, {source}", *([*compress(each, chosen)] for each in right)))
    errors = [
        expected_error(reliability(zip((plate.confidence for plate in each), is_right, strict=True)))
        for each, is_right in zip(answers, right, strict=True)
    ]
    return Pairs(_counted(rows), (Measure("calibration error of whole texts", errors[0], errors[1], len(crops)),))


def read(path: Path, crops: Sequence[Crop]) -> list[tuple[PlateText, str]]:
    """What a recogniser says of crops, stretched to its patch: text, and the region that it looks most like."""
    network = network_from_onnx(path)
    answers = []
    for start in range(0, len(crops), 64):
        steps, _, regions = network(np.stack([plain_patch(crop.image) for crop in crops[start : start + 64]]))
        answers += [(decode(s), REGIONS[int(r.argmax())]) for s, r in zip(steps, regions, strict=True)]
    return answers


def pair(name: str, first: Sequence[bool], second: Sequence[bool]) -> Pair:
    """Count what both, and what only one of two got right.

    >>> pair("reads", [True, True, False], [True, False, False])
    Pair(name='reads', n=3, both=1, lost=1, gained=0)
    """
    cases = list(zip(first, second, strict=True))
    return Pair(name, len(cases), cases.count((True, True)), cases.count((True, False)), cases.count((False, True)))


def detector_pairs(real: Path, first: Path, second: Path) -> Pairs:
    """Plates of the dev scenes found at the card's threshold, at IoU 0.5."""
    fields = yaml.safe_load(first.with_suffix(".yaml").read_text(encoding="utf-8"))
    threshold, nms_iou = float(fields["threshold"]), float(fields["nms_iou"])
    results = [_found(real / "scenes", path, threshold, nms_iou) for path in (first, second)]
    widths = np.concatenate([match.widths for match in results[0]])
    found = [np.concatenate([match.found_at >= threshold for match in matches]) for matches in results]
    rows = [pair("plates found", found[0].tolist(), found[1].tolist())]
    for name, chosen in (("at least 60 px wide", widths >= 60), ("narrower than 60 px", widths < 60)):
        rows.append(pair(f"plates found, {name}", found[0][chosen].tolist(), found[1][chosen].tolist()))
    images = len(results[0])
    false = [sum(int((match.false_confidences >= threshold).sum()) for match in matches) for matches in results]
    measures = [Measure("false plates per image", false[0] / images, false[1] / images, images)]
    both = found[0] & found[1]
    if both.any():
        ious = [float(np.concatenate([match.ious for match in matches])[both].mean()) for matches in results]
        measures.append(Measure("mean IoU of the plates that both find", ious[0], ious[1], int(both.sum())))
    return Pairs(_counted(rows), tuple(measures))


def _counted(rows: Sequence[Pair]) -> tuple[Pair, ...]:
    """Those about which the split says anything."""
    return tuple(row for row in rows if row.n)


def _found(scenes: Path, path: Path, threshold: float, nms_iou: float) -> list[Matched]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def detect(image: Image) -> tuple[FloatArray, FloatArray]:
        canvas, placed = letterbox(image, canvas_for(image.shape[1], image.shape[0]))
        rows = session.run(None, {"image": canvas[None]})[0][0]
        rows = rows[rows[:, 0] >= threshold]
        corners = rows[:, 1:].reshape(-1, 4, 2)
        kept = non_maximum(corners, rows[:, 0], nms_iou)
        return placed.to_frame(corners[kept]), rows[kept, 0]

    cv2.setNumThreads(1)
    return score_images(scenes, read_labels(scenes, "dev"), detect)

"""What the recogniser learns from: real crops, plates cut from real scenes, drawn plates, and places without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset

from alpr.types import ALPHABET, Image
from training.degrade import capture, light, reframe, spoil
from training.detector_scenes import CACHE_SIDE
from training.layouts import REGIONS, US_REGIONS
from training.recogniser_loss import Targets
from training.render_cache import FOLDER, Drawn, load_shard

MAX_TEXT = 12
KEPT_WIDTH = 320  # px; crops are kept no wider than this in memory
DRAWN_SHARE, SCENE_SHARE, EMPTY_SHARE = 0.42, 0.06, 0.05  # the rest are real crops
SCENE_MARGIN = 0.3
MIN_PSEUDO_CONFIDENCE = 0.9
LEFT_OUT_SOURCES = {"negatives"}  # its licence keeps it out of anything shipped
DOUBTED = FOLDER.parent / "doubted.json"
"""Names of training crops whose label `training.doubted` does not believe."""
FALSE_PLATES = FOLDER.parent / "unlabelled.json"
"""What a detector took for plates in the training scenes, from `training.detector_unlabelled`."""
SURELY_FALSE = 0.5  # what the detector gave more may be a plate that nobody labelled
FALSE_PLATE_SHARE = 0.5  # of the places without a plate
WEIGHTS = {"reportedus": 1.5, "vnvito": 1.3, "oalpreu": 2.0, "oalpreu2": 2.0, "robro": 2.0}
"""Sources that count for more than their size: what stands for the plates that most users will read."""


class Sources(NamedTuple):
    """Everything that training draws from."""

    crops: list[Crop]
    chances: npt.NDArray[np.floating]
    """Running sum over `crops` of the chance of each."""
    scenes: list[Crop]
    empties: list[Image]
    false_plates: list[Crop]
    """Where a detector saw plates and none is, with their surroundings."""
    drawn: list[Drawn]


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One real plate with its text."""

    image: Image
    text: str
    region: str
    lines: int
    """1, 2, or 0 where nobody knows."""
    source: str
    licence: str
    margin: float
    """Share of the plate's size that the crop keeps around it."""
    name: str = ""
    """Of its picture, as the labels name it."""


class Batch(NamedTuple):
    """Patches (N, 48, 160, 3) uint8 BGR and what they say."""

    patches: torch.Tensor
    targets: Targets


def latin(text: str) -> str:
    """The characters that the recogniser reads; the Han ones of Chinese plates are left out."""
    return "".join(c for c in text.upper() if c in ALPHABET)


def allowed_regions(region: str) -> npt.NDArray[np.bool_]:
    """(R,) the regions that a label allows: "US" every state, an unknown one all."""
    if region in REGIONS:
        return np.array([r == region for r in REGIONS])
    if region == "US":
        return np.array([r in US_REGIONS for r in REGIONS])
    return np.ones(len(REGIONS), np.bool_)


def encode(texts: list[str], lines: list[int], regions: list[str]) -> Targets:
    """Labels as tensors; class 0 is blank."""
    padded = np.zeros((len(texts), MAX_TEXT), np.int64)
    for row, text in zip(padded, texts, strict=True):
        row[: len(text)] = [ALPHABET.index(c) + 1 for c in text]
    return Targets(
        torch.from_numpy(padded),
        torch.tensor([len(text) for text in texts]),
        torch.tensor(lines),
        torch.from_numpy(np.stack([allowed_regions(r) for r in regions])),
    )


def load_crops(folder: Path, split: str, leave_out: bool = True) -> list[Crop]:
    """The real crops of one split of `plates/labels.jsonl`; of "train" the doubted are left out unless asked for."""
    crops = []
    doubted = set(json.loads(DOUBTED.read_text())) if leave_out and split == "train" and DOUBTED.exists() else set()
    for line in (folder / "labels.jsonl").read_text().splitlines():
        row = json.loads(line)
        text = latin(row["text"])
        if row["split"] != split or not 1 <= len(text) <= MAX_TEXT or row["image"] in doubted:
            continue
        image = cv2.imread(str(folder / row["image"]))
        if image is None:
            raise FileNotFoundError(f"{folder / row['image']} named in labels.jsonl cannot be read")
        crops.append(
            Crop(
                _no_wider(cast(Image, image)),
                text,
                row["region"],
                row["lines"] or 0,
                row["source"],
                row["licence"],
                0.0,
                row["image"],
            )
        )
    return crops


def _no_wider(image: Image) -> Image:
    ratio = KEPT_WIDTH / image.shape[1]
    if ratio >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA))


def load_scenes(folder: Path, rng: np.random.Generator) -> tuple[list[Crop], list[Image]]:
    """Plates with text cut from the training scenes, their surroundings kept, and cuts where no plate is."""
    crops: list[Crop] = []
    empties: list[Image] = []
    for line in (folder / "labels.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["split"] != "train" or row["source"] in LEFT_OUT_SOURCES:
            continue
        texts = [_scene_text(plate) for plate in row["plates"]]
        is_searched = rng.random() < 0.3
        if not any(texts) and not is_searched:
            continue
        image = cast(Image, cv2.imread(str(folder / row["image"])))
        for plate, text in zip(row["plates"], texts, strict=True):
            cut = _with_margin(image, plate["box"])
            if text and cut is not None:
                crops.append(
                    Crop(_no_wider(cut), text, row["region"], 0, row["source"], row["licence"], SCENE_MARGIN)
                )
        if is_searched:
            taken = [plate["box"] for plate in row["plates"]] + row.get("unlabelled", [])
            empties += _empty_cuts(rng, image, taken)
    return crops, empties


def _scene_text(plate: dict[str, object]) -> str:
    """A person's text, or a confident machine's; "" where neither is, or where it is not all Latin."""
    text, pseudo = plate.get("text"), plate.get("pseudo")
    if not text and isinstance(pseudo, dict) and pseudo["min_char_confidence"] > MIN_PSEUDO_CONFIDENCE:
        text = pseudo["text"]
    if not isinstance(text, str) or not 4 <= len(latin(text)) <= MAX_TEXT:
        return ""
    return latin(text)


def _with_margin(image: Image, box: list[float]) -> Image | None:
    """The box with its surroundings; None where the picture ends before them."""
    x1, y1, x2, y2 = box
    across, down = (x2 - x1) * SCENE_MARGIN, (y2 - y1) * SCENE_MARGIN
    left, top, right, bottom = (round(v) for v in (x1 - across, y1 - down, x2 + across, y2 + down))
    if left < 0 or top < 0 or right > image.shape[1] or bottom > image.shape[0] or x2 - x1 < 30:
        return None
    return image[top:bottom, left:right].copy()


def _empty_cuts(rng: np.random.Generator, image: Image, taken: list[list[float]]) -> list[Image]:
    """Up to 12 cuts of a scene that touch no plate."""
    cuts = []
    for _ in range(12):
        width = round(float(np.exp(rng.uniform(np.log(40), np.log(max(60, image.shape[1] / 3))))))
        height = round(width / float(rng.uniform(1.2, 5)))
        if width >= image.shape[1] or height >= image.shape[0] or height < 10:
            continue
        x, y = int(rng.integers(image.shape[1] - width)), int(rng.integers(image.shape[0] - height))
        if all(x > b[2] or y > b[3] or x + width < b[0] or y + height < b[1] for b in taken):
            cut = image[y : y + height, x : x + width].copy()
            cuts.append(
                np.asarray(cv2.resize(cut, (min(width, 200), max(8, round(height * min(width, 200) / width)))))
            )
    return cuts


def load_false_plates(folder: Path) -> list[Crop]:
    """Real bait: what a detector took for a plate where none is, some of it lettering; none without its list."""
    if not FALSE_PLATES.exists():
        return []
    sources = {
        row["image"]: row["source"] for row in map(json.loads, (folder / "labels.jsonl").read_text().splitlines())
    }
    crops = []
    for name, found in json.loads(FALSE_PLATES.read_text()).items():
        negatives = [
            np.array(row["corners"])
            for row in found
            if row["verdict"] == "negative" and row["confidence"] < SURELY_FALSE
        ]
        if not negatives or sources[name] in LEFT_OUT_SOURCES:
            continue
        image = cast(Image, cv2.imread(str(folder / name)))
        ratio = CACHE_SIDE / max(image.shape[:2])  # the list speaks of cached pixels
        if ratio < 1:
            image = np.asarray(cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA))
        for corners in negatives:
            cut = _with_margin(image, [*corners.min(0), *corners.max(0)])
            if cut is not None:
                crops.append(Crop(_no_wider(cut), "", "", 0, sources[name], "", SCENE_MARGIN, name))
    return crops


class TrainingBatches(IterableDataset[Batch]):
    """Batches without end; made to run in a worker process of its own."""

    def __init__(self, real: Path, batch_size: int, seed: int) -> None:
        self.real = real
        self.batch_size = batch_size
        self.seed = seed

    def __iter__(self) -> Iterator[Batch]:
        """Load everything, then mix."""
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        crops = load_crops(self.real / "plates", "train")
        scenes, empties = load_scenes(self.real / "scenes", rng)
        names, counts = np.unique([crop.source for crop in crops], return_counts=True)
        # A source ten times larger is drawn five times as often, not ten: the small ones must count.
        share = dict(zip(names.tolist(), (counts**0.7 / counts).tolist(), strict=True))
        weights = np.array([share[crop.source] * WEIGHTS.get(crop.source, 1.0) for crop in crops])
        chances = np.cumsum(weights / weights.sum())
        sources = Sources(crops, chances, scenes, empties, load_false_plates(self.real / "scenes"), [])
        for number in range(10**9):
            if number % 500 == 0:
                sources = sources._replace(drawn=all_shards())
            yield self._batch(rng, sources)

    def _batch(self, rng: np.random.Generator, sources: Sources) -> Batch:
        crops, chances, scenes, empties, false_plates, drawn = sources
        patches, texts, lines, regions = [], [], [], []
        for lot in rng.random(self.batch_size):
            around = empties[int(rng.integers(len(empties)))] if rng.random() < 0.5 else None
            if lot < EMPTY_SHARE:
                if false_plates and rng.random() < FALSE_PLATE_SHARE:
                    patches.append(real_patch(rng, false_plates[int(rng.integers(len(false_plates)))], around))
                else:
                    patches.append(_empty_patch(rng, empties))
                text, count, region = "", 0, ""
            elif lot < EMPTY_SHARE + DRAWN_SHARE:
                plate = drawn[int(rng.integers(len(drawn)))]
                patches.append(reframe(rng, capture(rng, plate.image()), (-0.03, 0.16), 0.03, around))
                text, count, region = plate.text, plate.lines, plate.region
            else:
                is_scene = lot < EMPTY_SHARE + DRAWN_SHARE + SCENE_SHARE
                at = int(rng.integers(len(scenes))) if is_scene else int(np.searchsorted(chances, rng.random()))
                crop = scenes[at] if is_scene else crops[min(at, len(crops) - 1)]
                patches.append(real_patch(rng, crop, around))
                text, count, region = crop.text, crop.lines, crop.region
            texts.append(text)
            lines.append(count)
            regions.append(region)
        return Batch(torch.from_numpy(np.stack(patches)), encode(texts, lines, regions))


def all_shards() -> list[Drawn]:
    """The drawn plates that are there by now; drawing goes on beside training."""
    paths = sorted(FOLDER.glob("*.npz"))
    if not paths:
        raise FileNotFoundError(f"no drawn plates in {FOLDER}: run `python -m training.render_cache` first")
    return [drawn for path in paths for drawn in load_shard(path)]


def real_patch(rng: np.random.Generator, crop: Crop, around: Image | None) -> Image:
    """A real crop, lit and framed anew; some are made worse, as their own picture was already taken by a camera."""
    seen = crop.image.astype(np.float32)
    if rng.random() < 0.4:  # half of what cameras at the roadside see is narrower than most labelled crops
        width = float(np.exp(rng.uniform(np.log(42), np.log(150))))
        ratio = min(1.0, width / seen.shape[1])
        seen = np.asarray(cv2.resize(seen, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.float32)
    if rng.random() < 0.6:
        seen = light(rng, seen)
    # A crop that keeps its surroundings is cut back to between tight and all of them.
    kept = crop.margin / (1 + 2 * crop.margin)
    low, high = (-kept, -0.03) if kept else (-0.04, 0.13)
    # Corners of a detector are off by 3 to 10 % of the width in the worst case, mostly by far less.
    wobble = 0.025 if rng.random() < 0.7 else 0.08
    return reframe(rng, spoil(rng, seen, 0.4), (low, high), wobble, around)


def _empty_patch(rng: np.random.Generator, empties: list[Image]) -> Image:
    """A place without a plate: a cut of a scene, or plain texture."""
    if rng.random() < 0.8:
        cut = empties[int(rng.integers(len(empties)))]
        return reframe(rng, spoil(rng, light(rng, cut.astype(np.float32)), 0.5), (-0.1, 0.0), 0.02)
    grid = (int(rng.integers(2, 12)), int(rng.integers(2, 30)))
    texture = rng.uniform(0, 255, (*grid, 3)).astype(np.float32) * float(rng.uniform(0, 1))
    return reframe(rng, spoil(rng, cv2.resize(texture, (160, 48)), 0.8), (-0.05, 0.0), 0.0)

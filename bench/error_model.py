"""How the recogniser errs: the table that `alpr hotlist tune` counts with. Prints it as JSON.

python -m bench.error_model ../shared/data/plates/labels.jsonl > alpr/hotlist/tuning/read_errors.json

Reads the labelled crops of one split, picture by picture: of a pass of which several pictures are read, fewer reads
are wrong.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from alpr.hotlist.rules.alignment import align
from alpr.hotlist.tuning.read_confusions import Confusion, confusion_of, reads_near
from alpr.plates import normalise
from alpr.reading.plate_reader import PlateReader
from alpr.types import PlateText

THRESHOLDS = [0.0, *(round(m * 10.0**-e, 12) for e in range(10, 0, -1) for m in (1, 3))]
_LENGTHS = range(4, 11)
_CONVERSE = {Confusion.MISSING: Confusion.EXTRA, Confusion.EXTRA: Confusion.MISSING}
_OTHERS_PER_KIND = 10  # of each crop, so that long plates do not outweigh short ones


def main() -> None:
    """Read the crops and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--split", default="dev")
    options = parser.parse_args()
    reader = PlateReader()
    rng = random.Random(1)
    outcomes: Counter[str] = Counter()
    replaced: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    of_true: defaultdict[Confusion, list[float]] = defaultdict(list)
    of_others: defaultdict[Confusion, list[float]] = defaultdict(list)
    for path, text in _crops(options.labels, options.split):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise SystemExit(f"{path}: no picture")
        plate = reader.read_crop(image)
        characters.update(text)
        if not plate.text:
            outcomes["unread"] += 1
            continue
        kind = confusion_of(plate.text, text)
        outcomes["right" if plate.text == text else kind.value if kind else "more"] += 1
        if kind is not None:
            of_true[kind].append(align(plate, text).probability)
            if len(plate.text) == len(text):
                replaced.update(b + a for a, b in zip(plate.text, text, strict=True) if a != b)
        for other_kind, probability in _others(plate, text, rng):
            of_others[other_kind].append(probability)
    report: dict[str, Any] = {
        "measured_with": f"python -m bench.error_model LABELS --split {options.split}",
        "model": reader.recogniser.model_id,
        "crops": sum(outcomes.values()),
        "outcomes": {name: outcomes[name] for name in ("right", *(s.value for s in Confusion), "more", "unread")},
        "replaced": dict(sorted(replaced.items())),
        "characters": dict(sorted(characters.items())),
        "thresholds": THRESHOLDS,
        "true_above": _shares(of_true),
        "others_above": _shares(of_others),
    }
    print(json.dumps(report, indent=1))


def _crops(labels: Path, split: str) -> Iterator[tuple[Path, str]]:
    for line in labels.read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        text = normalise(label["text"])
        if label["split"] == split and len(text) in _LENGTHS:
            yield labels.parent / label["image"], text


def _others(plate: PlateText, text: str, rng: random.Random) -> Iterator[tuple[Confusion, float]]:
    """What the reader held of plates that the picture does not show, of each kind some."""
    by_confusion: defaultdict[Confusion, list[str]] = defaultdict(list)
    for near, other in reads_near(plate.text):  # the other way round: these are the plates, what is read is fixed
        if other != text:
            by_confusion[_CONVERSE.get(near, near)].append(other)
    for kind, others in by_confusion.items():
        for other in rng.sample(others, min(_OTHERS_PER_KIND, len(others))):
            yield kind, align(plate, other).probability


def _shares(found: Mapping[Confusion, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """Of each kind, which share of its probabilities is at least each threshold."""
    return {
        kind.value: {
            "count": len(found.get(kind, ())),
            "shares": [
                round(sum(p >= least for p in found[kind]) / len(found[kind]), 5) if found.get(kind) else 1.0
                for least in THRESHOLDS
            ],
        }
        for kind in Confusion
    }


if __name__ == "__main__":
    main()

"""Step: lists the real training crops that a recogniser reads otherwise than their label, and surely.

`python -m training.doubted --real ../shared/data` writes `training/cache/doubted.json`, names of pictures;
`recogniser_dataset` leaves them out. Seen one by one, most are wrong labels. Dev crops are never left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alpr.models.variant import Variant
from alpr.ocr.recogniser import PlateRecogniser
from training.degrade import plain_patch
from training.recogniser_dataset import DOUBTED, load_crops

SURE = 0.95  # of the whole text


def main() -> None:
    """Read every training crop, keep the names of the doubted."""
    parser = argparse.ArgumentParser(description="Training crops whose label is doubted.")
    parser.add_argument("--real", type=Path, required=True, help="folder with plates/")
    options = parser.parse_args()
    crops = load_crops(options.real / "plates", "train", leave_out=False)
    recogniser = PlateRecogniser(variant=Variant.FP32)
    doubted = []
    for start in range(0, len(crops), 64):
        some = crops[start : start + 64]
        read = recogniser.recognise([plain_patch(crop.image) for crop in some])
        doubted += [
            crop.name
            for crop, said in zip(some, read, strict=True)
            if said.confidence >= SURE and said.text != crop.text
        ]
    DOUBTED.write_text(json.dumps(doubted), encoding="utf-8")
    print(f"{len(doubted)} of {len(crops)} training crops are doubted")


if __name__ == "__main__":
    main()

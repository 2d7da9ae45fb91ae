"""A run's recogniser as it ships: averaged weights, its own region head, scaled to mean what it says."""

from __future__ import annotations

import json
from pathlib import Path

from training.recogniser_model import Recogniser
from training.recogniser_region import load_region_head
from training.train_recogniser import load_average

REGION, CALIBRATION = "region.pt", "calibration.json"


def load_finished(checkpoint: Path) -> tuple[Recogniser, tuple[str, ...], int]:
    """The averaged network, its regions and the samples it saw; with what later steps wrote beside the checkpoint.

    Args:
        checkpoint: of `training.train_recogniser`; `training.train_region` and `training.calibrate_recogniser`
            may have left their files beside it.
    """
    recogniser, regions, samples = load_average(checkpoint)
    if (region := checkpoint.with_name(REGION)).exists():
        recogniser.own_region = load_region_head(region, len(regions))
    if (calibration := checkpoint.with_name(CALIBRATION)).exists():
        recogniser.scale_characters(float(json.loads(calibration.read_text())["character_scale"]))
    return recogniser.eval(), regions, samples

"""The accuracy ratchet: `python -m bench.accuracy` draws the sets and measures the shipped models; 3 below a floor.

`--raise` lifts the floors of `accuracy.yaml` to what was measured, less a little slack; it never lowers one. To lower
one, edit the file by hand and say why in the commit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from alpr.detect.detector import PlateDetector
from alpr.evaluation import (
    CropLabel,
    CropResult,
    Run,
    SceneLabel,
    SceneResult,
    crop_outcomes,
    scene_outcomes,
    score_detections,
    score_texts,
)
from alpr.evaluation.outcome import false_plates
from alpr.models.variant import Variant
from alpr.ocr.recogniser import PlateRecogniser
from alpr.reading.plate_reader import PlateReader
from alpr.system.stage_times import StageTimes
from bench.accuracy_sets import PLATE_SETS, Case, baits, plates, streets

FLOORS = Path(__file__).parent / "accuracy.yaml"
_SLACK = 0.02  # of a set, and at least one plate: what another OpenCV or processor may round otherwise
_DOUBT = 0.5  # a text with less confidence is more likely wrong than right, and says so
_CALIBRATION_SLACK = 0.005


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of one set."""

    set_name: str
    figure: str
    value: float
    n: int
    """Plates, places or pictures behind it."""
    is_ceiling: bool = False
    """True where less is better."""

    @property
    def allowed(self) -> float:
        """The floor (or ceiling) that this figure bears."""
        if self.is_ceiling:
            return round(self.value + _CALIBRATION_SLACK, 4)
        return max(0.0, round(self.value - max(_SLACK, 1 / self.n), 4))


def measure(recogniser: PlateRecogniser | None = None, detector: PlateDetector | None = None) -> list[Measured]:
    """Draw all sets and take them through the models; None takes the shipped ones, fp32 on every processor."""
    recogniser = recogniser or PlateRecogniser(variant=Variant.FP32)
    detector = detector or PlateDetector(variant=Variant.FP32)
    reader = PlateReader(detector, recogniser)
    found: list[Measured] = []
    crops: list[CropResult] = []
    for name in PLATE_SETS:
        results = _crops(plates(name), reader)
        crops += results
        found.append(_exact(f"plates: {name}", results))
    for lines in (1, 2):
        members = [result for result in crops if result.label.lines == lines]
        found.append(_exact(f"plates: {'one line' if lines == 1 else 'two lines'}", members))
    places = _crops(baits(), reader)
    found.append(_exact("places without a plate", places, "left unread"))
    doubted = sum(place.text == "" or place.confidence < _DOUBT for place in places)
    found.append(Measured("places without a plate", "left unread or doubted", doubted / len(places), len(places)))
    error = score_texts(crop_outcomes([*crops, *places])).char_calibration_error
    found.append(Measured("plates and places", "calibration error of characters", error, len(crops), is_ceiling=True))
    found += _street_figures(_scenes(streets(has_plates=True), reader))
    empty = _scenes(streets(has_plates=False), reader)
    return [*found, _clean("streets without plates", empty)]


def _crops(cases: Iterable[Case], reader: PlateReader) -> list[CropResult]:
    run, labels = _run(cases)
    return run.crops([label for label in labels if isinstance(label, CropLabel)], reader)


def _scenes(cases: Iterable[Case], reader: PlateReader) -> list[SceneResult]:
    run, labels = _run(cases)
    return run.scenes([label for label in labels if isinstance(label, SceneLabel)], reader)


def _run(cases: Iterable[Case]) -> tuple[Run, list[SceneLabel | CropLabel]]:
    """The pictures stay in memory, under the names that their labels are given."""
    drawn = {Path(str(number)): case for number, case in enumerate(cases)}
    labels = [replace(case.label, image=path) for path, case in drawn.items()]
    return Run(lambda path: drawn[path].image, StageTimes(), _never), labels


def _never(error: Exception) -> None:
    raise AssertionError("a drawn picture was not there") from error


def _exact(name: str, results: list[CropResult], figure: str = "read exactly") -> Measured:
    score = score_texts(crop_outcomes(results))
    return Measured(name, figure, score.exact / score.n, score.n)


def _street_figures(results: list[SceneResult]) -> Iterator[Measured]:
    score = score_detections(results)
    texts = score_texts(scene_outcomes(results))
    yield Measured("streets", "found", score.recall, score.plates)
    yield Measured("streets", "found and read exactly", texts.exact / texts.n, texts.n)
    yield _clean("streets", results)


def _clean(name: str, results: list[SceneResult]) -> Measured:
    clean = sum(not any(seen.text for seen in false_plates(result)) for result in results)
    return Measured(name, "without a false read", clean / len(results), len(results))


def load_floors(path: Path = FLOORS) -> dict[str, dict[str, float]]:
    """Set → figure → what it must not be worse than."""
    read = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {str(name): dict(figures) for name, figures in (read.get("floors") or {}).items()}


def broken(measured: Iterable[Measured], floors: Mapping[str, Mapping[str, float]]) -> list[str]:
    """One line for each figure that is worse than its floor, or has none."""
    told = []
    for m in measured:
        floor = floors.get(m.set_name, {}).get(m.figure)
        if floor is None:
            told.append(f"{m.set_name}: {m.figure} has no floor: run python -m bench.accuracy --raise")
        elif m.value > floor if m.is_ceiling else m.value < floor:
            told.append(
                f"{m.set_name}: {m.figure} is {m.value:.4f}, {'at most' if m.is_ceiling else 'at least'} {floor}"
            )
    return told


def raised(measured: Iterable[Measured], floors: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The floors, none of them lower than before."""
    lifted = {name: dict(figures) for name, figures in floors.items()}
    for m in measured:
        figures = lifted.setdefault(m.set_name, {})
        old = figures.get(m.figure, m.allowed)
        figures[m.figure] = min(old, m.allowed) if m.is_ceiling else max(old, m.allowed)
    return lifted


def write_floors(path: Path, floors: Mapping[str, Mapping[str, float]], models: tuple[str, ...]) -> None:
    """Write the file anew."""
    head = (
        "# What the shipped models must reach on the drawn sets (bench/accuracy_sets.py); a test holds them to it.\n"
        "# Raised by `python -m bench.accuracy --raise`, which lowers nothing.\n"
    )
    content: dict[str, Any] = {"raised_with": list(models), "floors": {k: dict(v) for k, v in floors.items()}}
    path.write_text(head + yaml.safe_dump(content, sort_keys=False, width=120), encoding="utf-8")


def main() -> None:
    """Measure, print, compare or raise."""
    parser = argparse.ArgumentParser(description="Hold the shipped models to their accuracy on drawn sets.")
    parser.add_argument("--raise", dest="lift", action="store_true", help="lift the floors to what was measured")
    parser.add_argument("--variant", default="fp32", choices=["fp32", "int8"], help="of the shipped models")
    options = parser.parse_args()
    recogniser = PlateRecogniser(variant=options.variant)
    detector = PlateDetector(variant=options.variant)
    measured, floors = measure(recogniser, detector), load_floors()
    for m in measured:
        floor = floors.get(m.set_name, {}).get(m.figure, float("nan"))
        print(f"{m.set_name:32} {m.figure:34} {m.value:.4f}  of {m.n:<4} floor {floor:.4f}")
    if options.lift:
        write_floors(FLOORS, raised(measured, floors), (detector.model_id, recogniser.model_id))
        return
    wrong = broken(measured, floors)
    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(3 if wrong else 0)


if __name__ == "__main__":
    main()

"""How good the reader is, measured against labels. Knows no model; readers and pictures are handed in."""

from alpr.evaluation.labels import CropLabel, PlateLabel, SceneLabel, load_boxes, load_labels
from alpr.evaluation.outcome import (
    CropResult,
    Faint,
    PlateOutcome,
    SceneResult,
    Seen,
    crop_outcomes,
    match_boxes,
    scene_outcomes,
)
from alpr.evaluation.rows import (
    calibration_rows,
    cause_rows,
    comparison_rows,
    confusion_rows,
    crop_rows,
    curve_rows,
    scene_rows,
)
from alpr.evaluation.run import Run
from alpr.evaluation.scoring import (
    DetectionScore,
    TextScore,
    score_detections,
    score_texts,
)
from alpr.evaluation.tables import Report

__all__ = [
    "CropLabel",
    "CropResult",
    "DetectionScore",
    "Faint",
    "PlateLabel",
    "PlateOutcome",
    "Report",
    "Run",
    "SceneLabel",
    "SceneResult",
    "Seen",
    "TextScore",
    "calibration_rows",
    "cause_rows",
    "comparison_rows",
    "confusion_rows",
    "crop_outcomes",
    "crop_rows",
    "curve_rows",
    "load_boxes",
    "load_labels",
    "match_boxes",
    "scene_outcomes",
    "scene_rows",
    "score_detections",
    "score_texts",
]

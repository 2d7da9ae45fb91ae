"""How good the reader is, measured against labels. Pure but for reading the labels; knows no model and no picture."""

from alpr.evaluation.labels import CropLabel, PlateLabel, SceneLabel, load_labels
from alpr.evaluation.report import crop_rows, scene_rows
from alpr.evaluation.scoring import (
    CropResult,
    DetectionScore,
    PlateOutcome,
    SceneResult,
    Seen,
    TextPair,
    TextScore,
    match_boxes,
    outcomes,
    score_detections,
    score_texts,
    text_pairs,
)

__all__ = [
    "CropLabel",
    "CropResult",
    "DetectionScore",
    "PlateLabel",
    "PlateOutcome",
    "SceneLabel",
    "SceneResult",
    "Seen",
    "TextPair",
    "TextScore",
    "crop_rows",
    "load_labels",
    "match_boxes",
    "outcomes",
    "scene_rows",
    "score_detections",
    "score_texts",
    "text_pairs",
]

"""Step: finds plates that no label covers in the training scenes, with the detector and the recogniser that we have.

`python -m training.detector_unlabelled --data ../shared/data/scenes` writes `training/cache/unlabelled.json`. A sure
detection whose text reads as a plate's becomes a label, a likely one that is too small to be read is left out of the
loss, any other stays a negative (and its scene is shown oftener).
"""

from __future__ import annotations

import argparse
import json
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

from alpr.geometry import bounding_box, box_iou, plate_size, rectify
from alpr.ocr.recogniser import PlateRecogniser
from alpr.types import FloatArray, Image, PlateText
from training.detector_eval import non_maximum
from training.detector_scenes import Scene, build_cache, picture, pixels_of

NAME = "unlabelled.json"
SIDES = (512, 1024)  # canvas pixels of the longer side: as at run time, and double
SUSPECT = 0.25  # below this nothing is kept
SURE = 0.75  # from here on, what reads as a plate is one
LIKELY, LIKELY_IN_TRAFFIC = 0.5, 0.4  # from here on, something too small to be read is left out
TRAFFIC = {"robertlucian"}  # sources whose second, distant plates are known to have no label
NMS_IOU = 0.3
LEGIBLE_WIDTH = 50  # cached pixels from which a plate that is there would be read
MIN_CHARACTER = 0.8  # the least likely character of a text that counts as read


class Verdict(StrEnum):
    """What becomes of a detection that no label covers."""

    LABEL = "label"
    MASK = "mask"
    NEGATIVE = "negative"


def judge(confidence: float, width: float, text: PlateText, source: str) -> Verdict:
    """Decide by the detection's confidence, its width in cached pixels, what the recogniser reads there, and where.

    Of what the first detector gave below 0.5 nearly all was texture, lamps and badges, seen by eye.
    """
    weakest = min(text.char_confidences, default=0.0)
    if weakest >= MIN_CHARACTER and 4 <= len(text.text) <= 10 and any(c.isdigit() for c in text.text):
        return Verdict.LABEL if confidence >= SURE else Verdict.MASK
    return doubt(confidence, width, text.text, source)


def doubt(confidence: float, width: float, text: str, source: str) -> Verdict:
    """Left out, or a negative: for what was not read surely."""
    if source in TRAFFIC:
        return Verdict.MASK if confidence >= LIKELY_IN_TRAFFIC else Verdict.NEGATIVE
    if width >= LEGIBLE_WIDTH:
        return Verdict.MASK if confidence >= 0.9 else Verdict.NEGATIVE
    return Verdict.MASK if confidence >= LIKELY and text else Verdict.NEGATIVE


def detect(session: ort.InferenceSession, image: Image) -> tuple[FloatArray, FloatArray]:
    """Corners (n, 4, 2) in the picture's pixels and confidences (n,) from every scale."""
    found, sure = [np.empty((0, 4, 2), np.float32)], [np.empty(0, np.float32)]
    height, width = image.shape[:2]
    for side in SIDES:
        scale = side / max(width, height)
        if scale > 2:
            continue
        size_wh = (round(width * scale), round(height * scale))
        resized = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        canvas = np.full((-(-size_wh[1] // 32) * 32, -(-size_wh[0] // 32) * 32, 3), 114, np.uint8)
        canvas[: size_wh[1], : size_wh[0]] = resized
        rows = np.asarray(session.run(None, {"image": canvas[None]})[0])[0]
        rows = rows[rows[:, 0] >= SUSPECT]
        found.append((rows[:, 1:].reshape(-1, 4, 2) + 0.5) / scale - 0.5)
        sure.append(rows[:, 0])
    corners, confidences = np.concatenate(found), np.concatenate(sure)
    kept = non_maximum(corners, confidences, NMS_IOU)
    return corners[kept], confidences[kept]


def uncovered(scene: Scene, corners: FloatArray) -> list[int]:
    """Indices of the detections that neither a label nor a masked box covers."""
    boxes = (
        np.concatenate([bounding_box(scene.corners), scene.masked_boxes])
        if len(scene.corners)
        else (scene.masked_boxes)
    )
    if not len(boxes) or not len(corners):
        return list(range(len(corners)))
    overlap = box_iou(bounding_box(corners), boxes).max(axis=1)
    middles = corners.mean(axis=1)
    within = np.array([((m >= boxes[:, :2]) & (m <= boxes[:, 2:])).all(axis=1).any() for m in middles])
    return [int(k) for k in np.flatnonzero((overlap < 0.2) & ~within)]


def look_at(
    scene: Scene, image: Image, session: ort.InferenceSession, recogniser: PlateRecogniser
) -> list[dict[str, object]]:
    """The uncovered detections of one scene with their verdicts; corners in cached pixels."""
    corners, confidences = detect(session, image)
    rows: list[dict[str, object]] = []
    for k in uncovered(scene, corners):
        patch = rectify(image, corners[k], recogniser.patch_size_wh, recogniser.margin)
        text = recogniser.recognise([patch])[0]
        width = plate_size(corners[k])[0]
        rows.append(
            {
                "corners": np.round(corners[k], 1).tolist(),
                "confidence": round(float(confidences[k]), 3),
                "text": text.text,
                "verdict": str(judge(float(confidences[k]), width, text, scene.source)),
            }
        )
    return rows


def main() -> None:
    """Look at every training scene and write what no label covers."""
    parser = argparse.ArgumentParser(description="Find unlabelled plates in the training scenes.")
    parser.add_argument("--data", type=Path, required=True, help="labelled scenes")
    parser.add_argument(
        "--cache", type=Path, default=Path("training/cache"), help="decoded scenes; the list goes there"
    )
    parser.add_argument("--detector", type=Path, default=Path("models/detector.onnx"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    cache_path = options.cache / "scenes_train.bgr"
    scenes = build_cache(options.data, cache_path)
    pixels = pixels_of(cache_path)
    threads = ort.SessionOptions()
    threads.intra_op_num_threads = 1
    session = ort.InferenceSession(str(options.detector), threads, providers=["CPUExecutionProvider"])
    recogniser = PlateRecogniser()
    found = {s.name: rows for s in scenes if (rows := look_at(s, picture(pixels, s), session, recogniser))}
    (options.cache / NAME).write_text(json.dumps(found, indent=1), encoding="utf-8")
    for verdict in Verdict:
        count = sum(row["verdict"] == verdict for rows in found.values() for row in rows)
        print(f"{verdict}: {count}")


if __name__ == "__main__":
    main()

"""Step: makes the shipped detector and its card of a run's checkpoint, and scores it on the labelled scenes.

`python -m training.export_detector --data ../shared/data/scenes --date 2026-11-22` writes `models/detector.onnx` and
`models/detector.yaml`. The threshold is chosen on the dev split.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from alpr.geometry import letterbox
from alpr.types import FloatArray, Image
from training import fonts
from training.card import write_card
from training.detector_eval import (
    WIDTH_CLASSES,
    Matched,
    best_threshold,
    false_plates,
    non_maximum,
    recall,
    score_images,
    table,
)
from training.detector_model import CANVASES_WH, REACH, STRIDES, PlateDetector, canvas_for
from training.detector_pool import crop_rows
from training.detector_scenes import UNSHIPPABLE, read_labels
from training.onnx_file import LICENCE, OPSET, fold_batch_norms, strip_notes

MODEL = Path("models") / "detector.onnx"
NMS_IOU = 0.3  # plates do not overlap; what does is one found twice, larger and smaller
DRAWN = 6000  # plates in the pool of the shipped run
TOLERANCE = 0.02  # pixels and shares: float32 sums in another order


class Deployed(nn.Module):
    """uint8 (1, H, W, 3) BGR -> (1, N, 9): confidence, then x, y of four corners in canvas pixels."""

    def __init__(self, net: PlateDetector) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[1], image.shape[2]
        logits, offsets = self.net(image.permute(0, 3, 1, 2).float())
        places, scales = [], []
        for stride in STRIDES:
            ys = (torch.arange(height // stride) + 0.5) * stride - 0.5
            xs = (torch.arange(width // stride) + 0.5) * stride - 0.5
            y, x = torch.meshgrid(ys, xs, indexing="ij")
            places.append(torch.stack([x, y], -1).reshape(-1, 2))
            scales.append(torch.full_like(places[-1][:, :1], REACH * stride))
        centres = torch.cat(places).repeat(1, 4)
        corners = centres + offsets * torch.cat(scales)
        return torch.cat([logits.sigmoid()[..., None], corners], -1)


def load_average(checkpoint: Path) -> tuple[PlateDetector, int]:
    """The averaged weights of a run, ready to be used, and the samples that they saw."""
    kept = torch.load(checkpoint, weights_only=True)
    net = PlateDetector()
    net.load_state_dict(kept["average"])
    return net.eval(), int(kept["samples"])


def export(net: PlateDetector, path: Path) -> None:
    """Write the network and check on every canvas that ONNX Runtime computes what PyTorch does.

    Raises:
        RuntimeError: the outputs differ by more than TOLERANCE.
    """
    fold_batch_norms(net)
    deployed = Deployed(net).eval()
    cells = {axis: 32 * torch.export.Dim(name, min=1, max=64) for axis, name in ((1, "h"), (2, "w"))}
    torch.onnx.export(
        deployed,
        (torch.zeros((1, 288, 512, 3), dtype=torch.uint8),),
        str(path),
        input_names=["image"],
        output_names=["plates"],
        dynamic_shapes={"image": cells},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    strip_notes(path)
    rng = np.random.default_rng(0)
    for width, height in CANVASES_WH:
        canvas = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 3)
        with torch.no_grad():
            expected = deployed(torch.from_numpy(canvas)[None]).numpy()
        worst = float(np.abs(expected - session_of(path).run(None, {"image": canvas[None]})[0]).max())
        if worst > TOLERANCE:
            raise RuntimeError(
                f"{path}: output at {width}x{height} differs from PyTorch's by {worst:.2g}; do not ship"
            )


def session_of(path: Path) -> ort.InferenceSession:
    """The exported network, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def score(path: Path, scenes: Path, split: str) -> list[Matched]:
    """Run the exported network over labelled scenes, down to a low confidence."""
    session = session_of(path)

    def detect(image: Image) -> tuple[FloatArray, FloatArray]:
        canvas, placed = letterbox(image, canvas_for(image.shape[1], image.shape[0]))
        rows = session.run(None, {"image": canvas[None]})[0][0]
        rows = rows[rows[:, 0] >= 0.05]
        corners = rows[:, 1:].reshape(-1, 4, 2)
        kept = non_maximum(corners, rows[:, 0], NMS_IOU)
        return placed.to_frame(corners[kept]), rows[kept, 0]

    return score_images(scenes, read_labels(scenes, split), detect)


def scores(results: list[Matched], threshold: float, split: str) -> list[dict[str, Any]]:
    """Recall by width and false plates, as the card tells them."""
    command = "python -m training.export_detector --data ../shared/data/scenes --score-only"
    rows: list[dict[str, Any]] = []
    for low, high in ((60, 10**9), *WIDTH_CLASSES):
        found, total = recall(results, threshold, (low, high))
        width = f"at least {low} px wide" if high >= 10**9 else f"{low} to {high} px wide"
        rows.append({"metric": f"recall at IoU 0.5, {width}", "value": round(found / max(1, total), 4), "n": total})
    false = false_plates(results, threshold) / max(1, len(results))
    rows.append({"metric": "false plates per image", "value": round(false, 4), "n": len(results)})
    return [{"set": f"{split}: scenes", **row, "command": command} for row in rows]


def sources(scenes: Path) -> list[dict[str, Any]]:
    """What the weights learned from, by source: licence and number of pictures."""
    rows = [row for row in read_labels(scenes, "train") if row["source"] not in UNSHIPPABLE]
    counts = Counter((str(row["source"]), str(row["licence"])) for row in rows)
    counts += Counter((source, licence) for source, licence in crop_sources(scenes.parent / "plates"))
    return [
        *({"source": name, "licence": licence, "samples": n} for (name, licence), n in sorted(counts.items())),
        {
            "source": "drawn plates put into these scenes",
            "licence": f"ours; faces {fonts.LICENCE}",
            "samples": DRAWN,
        },
    ]


def crop_sources(folder: Path) -> list[tuple[str, str]]:
    """Source and licence of every real crop that was put into the scenes."""
    return [(str(row["source"]), str(row["licence"])) for row in crop_rows(folder)]


def card(options: argparse.Namespace, threshold: float, samples: int, told: list[dict[str, Any]]) -> dict[str, Any]:
    """The model's card."""
    return {
        "name": "detector",
        "version": options.version,
        "task": "detector",
        "file": MODEL.name,
        "licence": LICENCE,
        "input": {
            "name": "image",
            "shape": [1, "H", "W", 3],
            "dtype": "uint8",
            "colour": "BGR",
            "sizes_wh": [list(size_wh) for size_wh in CANVASES_WH],
        },
        "outputs": {"plates": [1, "N", 9]},
        "threshold": threshold,
        "nms_iou": NMS_IOU,
        "trained_on": sources(options.data),
        "samples_seen": samples,
        "scores": told,
        "date": options.date,
        "notes": [
            "A plate smaller than about 9 by 5 pixels on the canvas (of about 512 by 288) is not found.",
            "Corners learned mostly from drawn plates; on ten real ones the worst was 3 to 10 % of the width off.",
            "Real crops put into the scenes: AGPL sources and those with a margin left out.",
            "Seen by day, at dusk and at night; little rain, snow or infrared.",
        ],
    }


def main() -> None:
    """Export, choose the threshold, score, write the card."""
    parser = argparse.ArgumentParser(description="Make the shipped detector of a checkpoint.")
    parser.add_argument("--data", type=Path, required=True, help="labelled scenes")
    parser.add_argument("--checkpoint", type=Path, default=Path("training/runs/detector/checkpoint.pt"))
    parser.add_argument("--version", default="2")
    parser.add_argument("--date", help="ISO date that the card tells")
    parser.add_argument(
        "--most-false",
        type=float,
        default=0.112,
        help="false plates per dev image allowed; half are real ones unlabelled",
    )
    parser.add_argument("--score-only", action="store_true", help="score the shipped file, write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if not options.score_only:
        net, samples = load_average(options.checkpoint)
        export(net, MODEL)
    results = score(MODEL, options.data, "dev")
    print(table(results, [0.2, 0.3, 0.4, 0.5, 0.6]))
    threshold = best_threshold(results, options.most_false)
    told = scores(results, threshold, "dev")
    for row in told:
        print(f"threshold {threshold:.2f}  {row['metric']:45} {row['value']:.4f} of {row['n']}")
    if not options.score_only:
        write_card(MODEL.with_suffix(".yaml"), card(options, threshold, samples, told))
        print(f"{MODEL}: {MODEL.stat().st_size / 1e6:.2f} MB, {samples} samples")


if __name__ == "__main__":
    main()

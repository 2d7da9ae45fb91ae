"""Step: makes the int8 variant of a shipped network and its card, and compares the two on the dev split, in pairs.

`python -m training.quantise detector --real ../shared/data --date 2026-11-22` writes `models/detector.int8.onnx` and
`models/detector.int8.yaml`, after `training.squeeze` where that is still to do; `recogniser` likewise. Static
quantisation: activations 8 bits unsigned, weights 8 bits signed per channel, ranges from training pictures alone; the
pixels exactly as they are; heads in float32.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import onnx
import onnxruntime as ort
import yaml
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import CalibrationDataReader, TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from training import quantise_pictures as pictures
from training.card import write_card
from training.onnx_file import strip_notes
from training.quantise_graph import move_bytes, operators, prepare
from training.quantise_pairs import Pairs, detector_pairs, recogniser_pairs
from training.squeeze import is_squeezed, squeeze_shipped

MODELS = Path("models")
PICTURES = {"detector": 300, "recogniser": 1000}
MOST_LOST = 0.005
"""Share of the dev reads, or plates found, that int8 may lose against float32."""


class Pictures(CalibrationDataReader):
    """Hands calibration pictures to ONNX Runtime, one at a time."""

    def __init__(self, name: str, batches: Iterable[pictures.Batch]) -> None:
        self._name = name
        self._batches: Iterator[pictures.Batch] = iter(batches)

    def get_next(self) -> dict[str, pictures.Batch] | None:
        """The next picture, or None."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def quantise(source: Path, target: Path, batches: Iterable[pictures.Batch]) -> None:
    """Write the int8 variant of a squeezed network.

    Raises:
        ValueError: the network did not go through `training.squeeze`.
    """
    model = onnx.load(source)
    if not is_squeezed(model):
        raise ValueError(f"{source}: run `python -m training.squeeze` first")
    passages = prepare(model)
    names, left_out = operators(model)
    ranges = find_ranges(model, batches)
    for passage in passages:
        ranges[passage.end] = ranges[passage.start]
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=ranges,
        nodes_to_quantize=names,
        nodes_to_exclude=left_out,
        op_types_to_quantize=["Conv", "Relu", "Add"],
        extra_options={},
    )
    quantizer.quantize_model()
    quantised = quantizer.model.model
    move_bytes(quantised, passages)
    onnx.save(quantised, target)
    strip_notes(target)


def find_ranges(model: onnx.ModelProto, batches: Iterable[pictures.Batch]) -> TensorsData:
    """Least and greatest value of what goes in and out of convolutions, activations and sums."""
    with tempfile.TemporaryDirectory(prefix="alpr-quantise-") as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        calibrator = create_calibrator(
            path,
            ["Conv", "Relu", "Add"],
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
        )
        calibrator.collect_data(Pictures(model.graph.input[0].name, batches))
        return calibrator.compute_data()


def card(task: str, pairs: Pairs, options: argparse.Namespace) -> dict[str, Any]:
    """The card of the variant: that of the float32 network, with what differs."""
    path = MODELS / f"{task}.yaml"
    original = yaml.safe_load(path.read_text(encoding="utf-8"))
    told = {key: value for key, value in original.items() if key != "sha256"}
    command = f"python -m training.quantise {task} --real ../shared/data --score-only"
    told.update(
        name=f"{task}-int8",
        file=f"{task}.int8.onnx",
        variant="int8",
        quantised_from=original["sha256"],
        date=options.date,
        scores=[{**row, "command": command} for row in pairs.scores()],
        notes=[
            f"Static 8-bit quantisation by onnxruntime {ort.__version__} with {PICTURES[task]} training pictures; "
            "activations unsigned, weights signed per channel; pixels exact, heads in float32.",
            "Needs VNNI (x86) or the dot product (ARM) to be quicker than float32; on older x86 the products of two "
            "neighbours are cut off at 16 bits, and what it says differs from what these scores tell.",
            *original["notes"],
        ],
    )
    return told


def main() -> None:
    """Quantise, compare, write the card."""
    parser = argparse.ArgumentParser(description="Make the int8 variant of a shipped network.")
    parser.add_argument("task", choices=["detector", "recogniser"])
    parser.add_argument("--real", type=Path, required=True, help="folder of the labelled scenes and plates")
    parser.add_argument("--date", help="ISO date that the card tells")
    parser.add_argument("--score-only", action="store_true", help="compare the shipped files, write nothing")
    parser.add_argument("--most-lost", type=float, default=MOST_LOST, help="share of the dev cases; more is refused")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    source, target = MODELS / f"{options.task}.onnx", MODELS / f"{options.task}.int8.onnx"
    if not options.score_only:
        squeeze_shipped(options.task)
        find = {"detector": pictures.canvases, "recogniser": pictures.patches}[options.task]
        folder = options.real / ("scenes" if options.task == "detector" else "plates")
        quantise(source, target, find(folder, PICTURES[options.task]))
    pairs = (detector_pairs if options.task == "detector" else recogniser_pairs)(options.real, source, target)
    print(pairs.table())
    if pairs.lost_share > options.most_lost:
        raise SystemExit(f"{target}: loses {pairs.lost_share:.2%}, more than {options.most_lost:.1%}: do not ship it")
    if not options.score_only:
        write_card(target.with_suffix(".yaml"), card(options.task, pairs, options))
        print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

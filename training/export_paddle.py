"""Step: makes a PaddleOCR model folder of the shipped recogniser: the same weights, in PaddleX's layout.

`python -m training.export_paddle --to FOLDER` writes `inference.onnx` and `inference.yml`. PaddleX gives pictures of
48 pixels in height, their shape kept, as planes of BGR in -1…1, padded on the right with 0, which no pixel is; the
recogniser wants the plate stretched to 160×48. So the graph finds out how wide the picture is and stretches it, then
goes on as `models/recogniser.onnx`. PaddleX takes class 0 for blank and the last class for a space that it adds; ours
knows none, and gives it no chance.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import ModelProto, TensorProto, helper

from alpr.models.card import load_card
from alpr.types import ALPHABET
from training.recogniser_shape import MODEL, PATCH_SIZE_WH
from training.squeeze import Rewriting, is_squeezed

MODEL_NAME = "en_PP-OCRv5_mobile_rec"
"""PaddleX reads only folders that go by a name of its own; of this one nothing but the name is in here."""
GRAPH, SETTINGS = "inference.onnx", "inference.yml"


def to_paddle(model: ModelProto) -> None:
    """Rewrite a squeezed recogniser, in place: `x` (N, 3, 48, W) in, `probabilities` (N, 80, 38) out.

    Raises:
        ValueError: the network did not go through `training.squeeze`.
    """
    if not is_squeezed(model):
        raise ValueError("not squeezed: run `python -m training.squeeze` first")
    rewriting = Rewriting(model)
    zero = int(rewriting.weights["pixel_zero"])
    normalised = next(node for node in model.graph.node if "normalised" in node.output)
    rewriting.graph.node.remove(normalised)
    patch = _stretch(rewriting)
    # x is (pixel / 255 - 0.5) / 0.5; the network wants (pixel - zero) / 64.
    scaled = rewriting.add("Mul", [patch, rewriting.constant("to_pixels", np.float32(127.5 / 64))], "scaled")
    offset = rewriting.constant("to_zero", np.float32((127.5 - zero) / 64))
    rewriting.add("Add", [scaled, offset], "normalised")
    one_more = rewriting.constant("one_more", np.array([0, 0, 0, 0, 0, 1], np.int64))
    rewriting.add("Pad", ["char_probabilities", one_more], "probabilities")
    del model.graph.input[:], model.graph.output[:]
    _, height = PATCH_SIZE_WH
    model.graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, height, "W"]))
    model.graph.output.append(
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", "T", len(ALPHABET) + 2])
    )
    rewriting.finish()
    onnx.checker.check_model(model, full_check=True)


def _stretch(rewriting: Rewriting) -> str:
    """The part of `x` that is picture, stretched to a patch (N, 3, 48, 160)."""
    width, height = PATCH_SIZE_WH
    constant, add = rewriting.constant, rewriting.add
    add("Abs", ["x"], "x.abs")
    add("ReduceMax", ["x.abs", constant("x.planes", np.array([1, 2], np.int64))], "x.columns", keepdims=0)
    add("Sign", ["x.columns"], "x.is_shown")
    add("ReduceSum", ["x.is_shown", constant("x.along", np.array([1], np.int64))], "x.shown", keepdims=1)
    one, half, two = (constant(f"x.{value:g}", np.float32(value)) for value in (1, 0.5, 2))
    add("Max", ["x.shown", one], "x.width")
    # Where the middle of each column of the patch lies in the picture, in pixels, and then in shares from -1 to 1.
    share = ((np.arange(width) + 0.5) / width).astype(np.float32)[None]
    add("Mul", ["x.width", constant("x.share", share)], "x.edge")
    add("Sub", ["x.edge", half], "x.wanted")
    add("Min", ["x.wanted", add("Sub", ["x.width", one], "x.last")], "x.below")
    add("Max", ["x.below", constant("x.first", np.float32(0))], "x.at")
    add("Cast", [add("Shape", ["x"], "x.size", start=3, end=4)], "x.whole", to=TensorProto.FLOAT)
    add("Add", [add("Mul", ["x.at", two], "x.twice"), one], "x.middle")
    add("Sub", [add("Div", ["x.middle", "x.whole"], "x.part"), one], "x.across")
    add("Unsqueeze", ["x.across", constant("x.axes", np.array([1, 3], np.int64))], "x.across4")
    down = ((2 * np.arange(height) + 1) / height - 1).astype(np.float32).reshape(1, -1, 1, 1)
    add("Add", ["x.across4", constant("x.none", np.zeros_like(down))], "x.grid_across")
    nothing = add("Mul", ["x.across4", constant("x.zero", np.float32(0))], "x.nothing")
    add("Add", [nothing, constant("x.down", down)], "x.grid_down")
    add("Concat", ["x.grid_across", "x.grid_down"], "x.grid", axis=3)
    return add("GridSample", ["x", "x.grid"], "x.patch", mode="bilinear", padding_mode="border", align_corners=0)


def settings(source: Path) -> dict[str, Any]:
    """What `inference.yml` says; what stands under `alpr` is ours, and PaddleX passes it over."""
    card = load_card(source)
    width, height = PATCH_SIZE_WH
    return {
        "Global": {"model_name": MODEL_NAME},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"RecResizeImg": {"image_shape": [3, height, width]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": list(ALPHABET)},
        "alpr": {"made_of": card.model_id, "margin": list(card.fields["input"]["margin"])},
    }


def export(source: Path, folder: Path) -> None:
    """Write the folder.

    Raises:
        ValueError: see `to_paddle`.
        ModelError: the card is missing or wrong.
    """
    model = onnx.load(source)
    to_paddle(model)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / GRAPH)
    (folder / SETTINGS).write_text(yaml.safe_dump(settings(source), sort_keys=False), encoding="utf-8")


def main() -> None:
    """Export the shipped recogniser."""
    parser = argparse.ArgumentParser(description="Make a PaddleOCR model folder of the shipped recogniser.")
    parser.add_argument("--to", type=Path, required=True, help="folder to write; made if missing")
    parser.add_argument("--of", type=Path, default=MODEL, help="another recogniser than the shipped one")
    options = parser.parse_args()
    export(options.of, options.to)
    print(f"{options.to}: {(options.to / GRAPH).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

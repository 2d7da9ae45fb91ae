"""Rewrites an exported network so that it costs less and says the same.

`python -m training.squeeze` rewrites `models/detector.onnx` and `models/recogniser.onnx` where they are not yet, and
the SHA-256 on their cards. What is done, to what the exporter wrote:

* normalisation is one `DequantizeLinear` instead of `Cast`, `Sub` and `Div`: (pixel - zero) / 64, exact in float32;
* the detector's places of cells are slices of constants instead of sixty small nodes; score and corners are one
  product, scaled by its weights (powers of two: exact);
* the recogniser chooses its two rows before what follows them, not after, so that two are worked on instead of three.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import yaml
from onnx import ModelProto, NodeProto, helper, numpy_helper

from training.card import write_card

MODELS = Path("models")
TOLERANCE = 1e-4
"""Of probabilities and of shares of the canvas: float32 sums in another order."""
STEPS, CLASSES, BLANK = 40, 37, 0
STRIDES, REACH = (8, 16), 4.0
MOST_CELLS = 2048
"""Longest side of a canvas, in pixels."""
Array = npt.NDArray[np.generic] | np.generic


class Rewriting:
    """A graph that is being rewritten: finds nodes by their weights, adds nodes, drops what no output needs."""

    def __init__(self, model: ModelProto) -> None:
        self.graph = model.graph
        self.weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}

    def node_of(self, weight: str) -> NodeProto:
        """The node that a weight, named by the end of its name, goes into.

        Raises:
            ValueError: there is none: another architecture, or one already rewritten.
        """
        for node in self.graph.node:
            if any(name.endswith(weight) for name in node.input):
                return node
        raise ValueError(f"no node takes a weight {weight}")

    def maker_of(self, output: str) -> NodeProto:
        """The node that makes a value."""
        return next(node for node in self.graph.node if output in node.output)

    def parameters(self, node: NodeProto) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Weight and bias of a convolution."""
        return self.weights[node.input[1]], self.weights[node.input[2]]

    def constant(self, name: str, value: Array) -> str:
        """Add a constant; gives its name."""
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """Append a node with one output; gives the output's name."""
        self.graph.node.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def take_over(self, old: str, new: str) -> None:
        """What took the old value takes the new one."""
        for node in self.graph.node:
            for place, name in enumerate(node.input):
                if name == old:
                    node.input[place] = new

    def finish(self) -> None:
        """Drop nodes and constants that no output needs, and order the rest."""
        makers = {output: node for node in self.graph.node for output in node.output}
        ordered: list[NodeProto] = []
        done: set[str] = set()

        def visit(value: str) -> None:
            node = makers.get(value)
            if node is None or node.output[0] in done:
                return
            done.update(node.output)
            for name in node.input:
                visit(name)
            ordered.append(node)

        for output in self.graph.output:
            visit(output.name)
        used = {name for node in ordered for name in node.input}
        kept = [tensor for tensor in self.graph.initializer if tensor.name in used]
        del self.graph.node[:], self.graph.initializer[:], self.graph.value_info[:]
        self.graph.node.extend(ordered)
        self.graph.initializer.extend(kept)


def normalise(rewriting: Rewriting, first: NodeProto, zero: int) -> None:
    """Make what comes before the first convolution `(pixel - zero) / 64` by one node."""
    pixels = rewriting.graph.input[0].name
    rewriting.add("Transpose", [pixels], "planes", perm=[0, 3, 1, 2])
    scale = rewriting.constant("pixel_scale", np.float32(1 / 64))
    zero_point = rewriting.constant("pixel_zero", np.uint8(zero))
    first.input[0] = rewriting.add("DequantizeLinear", ["planes", scale, zero_point], "normalised")


def squeeze_detector(model: ModelProto) -> None:
    """Rewrite a detector as exported by `training.export_detector`, in place."""
    rewriting = Rewriting(model)
    normalise(rewriting, rewriting.node_of("net.stem.0.weight"), 114)
    rows = [_cells(rewriting, stride) for stride in STRIDES]
    rewriting.add("Concat", rows, "rows", axis=1)
    parts = rewriting.constant("row_parts", np.array([1, 8], np.int64))
    rewriting.graph.node.append(
        helper.make_node("Split", ["rows", parts], ["logit", "corners"], name="row_split", axis=2)
    )
    rewriting.add("Sigmoid", ["logit"], "confidence")
    rewriting.graph.node.remove(rewriting.maker_of("plates"))
    rewriting.add("Concat", ["confidence", "corners"], "plates", axis=2)
    rewriting.finish()


def _cells(rewriting: Rewriting, stride: int) -> str:
    """(1, n, 9) logit and corners of the cells of one grid, in canvas pixels."""
    score = rewriting.node_of(f"net.head{stride}.score.weight")
    offsets = rewriting.node_of(f"net.head{stride}.offsets.weight")
    (score_w, score_b), (offsets_w, offsets_b) = rewriting.parameters(score), rewriting.parameters(offsets)
    reach = np.float32(REACH * stride)
    weight = np.concatenate([score_w, offsets_w * reach])[:, :, 0, 0].T
    bias = np.concatenate([score_b, offsets_b * reach])
    rewriting.add("Transpose", [score.input[0]], f"features{stride}", perm=[0, 2, 3, 1])
    cells = rewriting.constant(f"head{stride}.weight", weight)
    rewriting.add("MatMul", [f"features{stride}", cells], f"cells{stride}")
    centres = ((np.arange(MOST_CELLS // stride) + 0.5) * stride - 0.5).astype(np.float32)
    across, down = np.zeros((2, len(centres), 9), np.float32)
    across[:, 1::2], down[:, 2::2] = centres[:, None], centres[:, None]
    x = rewriting.constant(f"across{stride}", across[None, None])
    y = rewriting.constant(f"down{stride}", (down + bias)[None, :, None])
    start = rewriting.constant(f"start{stride}", np.array([0], np.int64))
    for axis, grid in ((1, y), (2, x)):
        # A slice along one axis, as long as the map is there.
        rewriting.add("Shape", [f"cells{stride}"], f"size{stride}.{axis}", start=axis, end=axis + 1)
        at = rewriting.constant(f"axis{stride}.{axis}", np.array([axis], np.int64))
        rewriting.add("Slice", [grid, start, f"size{stride}.{axis}", at], f"grid{stride}.{axis}")
    rewriting.add("Add", [f"grid{stride}.1", f"grid{stride}.2"], f"grid{stride}")
    rewriting.add("Add", [f"cells{stride}", f"grid{stride}"], f"placed{stride}")
    flat = rewriting.constant(f"flat{stride}", np.array([1, -1, 9], np.int64))
    return rewriting.add("Reshape", [f"placed{stride}", flat], f"rows{stride}")


def squeeze_recogniser(model: ModelProto) -> None:
    """Rewrite a recogniser as exported by `training.export_recogniser`, in place."""
    rewriting = Rewriting(model)
    normalise(rewriting, rewriting.node_of("recogniser.body.0.0.weight"), 128)
    _choose_rows(rewriting)
    classify = rewriting.node_of("recogniser.classify.weight")
    judged = rewriting.maker_of(rewriting.maker_of(classify.input[0]).input[0])  # what is seen, and what is likely
    grammar = rewriting.node_of("recogniser.grammar.3.weight")
    (seen,) = (name for name in judged.input if name != grammar.output[0])
    rewriting.add("Transpose", [seen], "seen", perm=[0, 2, 3, 1])
    rewriting.add("Transpose", [grammar.input[0]], "likely_features", perm=[0, 2, 3, 1])
    likely = _product(rewriting, "likely_features", grammar, "likely")
    rewriting.add("Relu", [rewriting.add("Add", ["seen", likely], "judged")], "judged_relu")
    logits = _product(rewriting, "judged_relu", classify, "logits")
    rewriting.add("Softmax", [logits], "step_probabilities", axis=-1)
    flat = rewriting.constant("flat", np.array([0, 2 * STEPS, CLASSES], np.int64))
    rewriting.add("Reshape", ["step_probabilities", flat], "both_rows")
    blank = np.zeros((1, 1, CLASSES), np.float32)
    blank[..., BLANK] = 1
    is_first = (np.arange(2 * STEPS) < STEPS).reshape(1, -1, 1)
    outer = rewriting.constant("outer_axes", np.array([1, 2], np.int64))
    rewriting.add("Unsqueeze", ["has_two", outer], "has_two_steps")
    rewriting.add("Or", ["has_two_steps", rewriting.constant("is_first", is_first)], "is_read")
    rewriting.graph.node.remove(rewriting.maker_of("char_probabilities"))
    blank_row = rewriting.constant("blank_row", blank)
    rewriting.add("Where", ["is_read", "both_rows", blank_row], "char_probabilities")
    rewriting.finish()


def _choose_rows(rewriting: Rewriting) -> None:
    """Only the rows that will be told go on: (N, 96, 2, 40), of three."""
    rows, context = rewriting.node_of("recogniser.rows.0.weight"), rewriting.node_of("recogniser.context.0.weight")
    weight, bias = rewriting.parameters(rows)
    order = np.arange(len(bias)).reshape(-1, 3).T.ravel()  # channel c of row r was c * 3 + r
    rows.input[1] = rewriting.constant("rows.weight", weight[order])
    rows.input[2] = rewriting.constant("rows.bias", bias[order])
    (relu,) = (node for node in rewriting.graph.node if rows.output[0] in node.input)
    rewriting.add("Transpose", [relu.output[0]], "readers", perm=[0, 2, 3, 1])
    thirds = rewriting.constant("thirds", np.full(3, len(bias) // 3, np.int64))
    rewriting.graph.node.append(
        helper.make_node("Split", ["readers", thirds], ["whole", "upper", "lower"], name="reader_split", axis=3)
    )
    rewriting.add("Greater", ["two_lines", rewriting.constant("half", np.float32(0.5))], "has_two")
    inner = rewriting.constant("inner_axes", np.array([1, 2, 3], np.int64))
    rewriting.add("Unsqueeze", ["has_two", inner], "has_two_maps")
    rewriting.add("Where", ["has_two_maps", "upper", "whole"], "first_row")
    rewriting.add("Concat", ["first_row", "lower"], "chosen", axis=1)
    context.input[0] = rewriting.add("Transpose", ["chosen"], "chosen_rows", perm=[0, 3, 1, 2])


def _product(rewriting: Rewriting, features: str, convolution: NodeProto, name: str) -> str:
    """A 1×1 convolution as a product, where the channels come last already."""
    weight, bias = rewriting.parameters(convolution)
    rewriting.add("MatMul", [features, rewriting.constant(f"{name}.weight", weight[:, :, 0, 0].T)], f"{name}.product")
    return rewriting.add("Add", [f"{name}.product", rewriting.constant(f"{name}.bias", bias)], name)


_STEPS_OF = {"detector": squeeze_detector, "recogniser": squeeze_recogniser}


def is_squeezed(model: ModelProto) -> bool:
    """Whether a network went through this already."""
    return any(tensor.name == "pixel_zero" for tensor in model.graph.initializer)


def squeeze(path: Path, task: str) -> float:
    """Rewrite a file in place, unless it is so already.

    Args:
        path: as one of the exporters wrote it.
        task: "detector" or "recogniser".

    Returns:
        The greatest difference between what the two say of noise: probabilities, or shares of the canvas.

    Raises:
        RuntimeError: that difference is above TOLERANCE; the file stays as it was.
        ValueError: another architecture.
    """
    model = onnx.load(path)
    if is_squeezed(model):
        return 0.0
    before = path.read_bytes()
    _STEPS_OF[task](model)
    onnx.checker.check_model(model, full_check=True)
    after = model.SerializeToString(deterministic=True)
    worst = max(_difference(before, after, batch) for batch in _noise(task))
    if worst > TOLERANCE:
        raise RuntimeError(f"{path}: rewritten it says something else, by {worst:.2g}; not written")
    path.write_bytes(after)
    return worst


def _noise(task: str) -> list[npt.NDArray[np.uint8]]:
    shapes = [(1, 288, 512, 3), (1, 384, 384, 3)] if task == "detector" else [(1, 48, 160, 3), (5, 48, 160, 3)]
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, np.uint8) for shape in shapes]


def _difference(before: bytes, after: bytes, batch: npt.NDArray[np.uint8]) -> float:
    outputs = []
    for encoded in (before, after):
        session = ort.InferenceSession(encoded, providers=["CPUExecutionProvider"])
        outputs.append(session.run(None, {session.get_inputs()[0].name: batch}))
    scale = max(1.0, float(max(np.abs(output).max() for output in outputs[0])))
    return max(float(np.abs(a - b).max()) for a, b in zip(*outputs, strict=True)) / scale


def squeeze_shipped(task: str) -> None:
    """Rewrite a shipped file, and the hash on its card; nothing where it is so already."""
    path = MODELS / f"{task}.onnx"
    worst = squeeze(path, task)
    card = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))
    del card["sha256"]
    write_card(path.with_suffix(".yaml"), card)
    print(f"{path}: {len(onnx.load(path).graph.node)} nodes, differs by {worst:.2g}")


def main() -> None:
    """Rewrite the shipped files."""
    argparse.ArgumentParser(
        description="Make the shipped networks cheaper without changing what they say."
    ).parse_args()
    for task in _STEPS_OF:
        squeeze_shipped(task)


if __name__ == "__main__":
    main()

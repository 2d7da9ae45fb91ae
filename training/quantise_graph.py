"""What a network's graph goes through around its quantisation; knows nothing of pictures.

Before: pixels are taken in groups, and enlarging is copying, so that the int8 kernels gather less and copy more.
After: where values are only moved (chosen, copied, transposed), they are moved as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, helper

from training.squeeze import Rewriting

PIXELS = "normalised"
"""What `training.squeeze` calls the first convolution's input."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the graph that only moves values: from the value at its start to the one at its end."""

    start: str
    end: str


def prepare(model: ModelProto) -> list[Passage]:
    """Rewrite a squeezed network for quantisation, in place; it says the same.

    Returns:
        Where it only moves values: what is at a passage's end has the range of what is at its start.
    """
    rewriting = Rewriting(model)
    _group_pixels(rewriting)
    passages = [_copy_instead(rewriting, node) for node in model.graph.node if node.op_type == "Resize"]
    if any("chosen_rows" in node.output for node in model.graph.node):
        passages.append(Passage(rewriting.maker_of("readers").input[0], "chosen_rows"))
    rewriting.finish()
    return passages


def operators(model: ModelProto) -> tuple[list[str], list[str]]:
    """Which nodes to quantise, and which to leave in float32.

    The convolutions and what lies between them; not the heads, which decide about probabilities and pixels.
    """
    graph = model.graph
    made_by = {output: node for node in graph.node for output in node.output}
    chosen = [node for node in graph.node if node.op_type == "Conv"]
    for node in graph.node:
        # An activation of a convolution or of a sum, and a sum that an activation follows.
        if node.op_type == "Relu" and made_by[node.input[0]].op_type in {"Conv", "Add"} and _is_in_body(graph, node):
            before = made_by[node.input[0]]
            chosen += [node] if before.op_type == "Conv" else [before, node]
    names = {node.name for node in chosen}
    return sorted(names), sorted(node.name for node in graph.node if node.name not in names)


def _is_in_body(graph: object, relu: NodeProto) -> bool:
    takers = [node for node in graph.node if relu.output[0] in node.input]  # type: ignore[attr-defined]
    return all(node.op_type in {"Conv", "Add", "Transpose", "AveragePool"} for node in takers)


def move_bytes(model: ModelProto, passages: list[Passage]) -> None:
    """Take the detour by float32 out of the passages, in place."""
    for passage in passages:
        _shorten(model, passage)
    Rewriting(model).finish()


def _shorten(model: ModelProto, passage: Passage) -> None:
    nodes = model.graph.node
    (ending,) = (node for node in nodes if node.op_type == "QuantizeLinear" and node.input[0] == passage.end)
    (starting,) = (node for node in nodes if node.op_type == "QuantizeLinear" and node.input[0] == passage.start)
    floats = [
        node.output[0] for node in nodes if node.op_type == "DequantizeLinear" and node.input[0] == starting.output[0]
    ]
    within = _between(model, set(floats), passage.end)
    for node in within:
        for place, name in enumerate(node.input):
            if name in floats:
                node.input[place] = starting.output[0]
    _rename_inputs(model, ending.output[0], passage.end)


def _between(model: ModelProto, starts: set[str], end: str) -> list[NodeProto]:
    """The nodes on the ways from some values to another."""
    made_by = {output: node for node in model.graph.node for output in node.output}

    def comes_from(value: str) -> bool:
        return value in starts or (value in made_by and any(map(comes_from, made_by[value].input)))

    found: list[NodeProto] = []
    waiting = [end]
    while waiting:
        value = waiting.pop()
        if value not in starts and value in made_by and comes_from(value):
            found.append(made_by[value])
            waiting += made_by[value].input
    return found


def _rename_inputs(model: ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == old:
                node.input[place] = new


def _group_pixels(rewriting: Rewriting) -> None:
    """The first convolution takes as many pixels side by side as it strides, as channels."""
    first = next(node for node in rewriting.graph.node if node.input and node.input[0] == PIXELS)
    weight, _ = rewriting.parameters(first)
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in first.attribute}
    (down, group), (top, left, _, _) = attributes["strides"], attributes["pads"]
    transpose = rewriting.maker_of("planes")
    shape = rewriting.constant("group_shape", np.array([0, 0, -1, 3 * group], np.int64))
    transpose.input[0] = rewriting.add("Reshape", [transpose.input[0], shape], "groups")
    grouped = grouped_weight(weight, group, left)
    first.input[1] = rewriting.constant("first.weight", grouped)
    del first.attribute[:]
    told = {"kernel_shape": grouped.shape[2:], "strides": [down, 1], "pads": [top, min(left, 1), 0, 0]}
    first.attribute.extend(helper.make_attribute(name, list(value)) for name, value in told.items())


def grouped_weight(weight: npt.NDArray[np.float32], group: int, left: int) -> npt.NDArray[np.float32]:
    """A kernel over single pixels as one over groups of them, at a horizontal stride of one group.

    Args:
        weight: (O, C, kh, kw).
        group: pixels in a group.
        left: how many pixels left of the first group the kernel begins, fewer than a group.

    Returns:
        (O, group * C, kh, groups); where a group holds pixels that the kernel does not reach, zeros.
    """
    outputs, channels, height, width = weight.shape
    before = group - left if left else 0
    groups = -(-(before + width) // group)
    wide = np.zeros((outputs, channels, height, groups * group), np.float32)
    wide[..., before : before + width] = weight
    split = wide.reshape(outputs, channels, height, groups, group).transpose(0, 4, 1, 2, 3)
    return split.reshape(outputs, group * channels, height, groups)


def _copy_instead(rewriting: Rewriting, resize: NodeProto) -> Passage:
    """Enlarge twofold to the nearest by laying copies side by side, then below one another."""
    name = resize.output[0]
    rewriting.add("Transpose", [resize.input[0]], f"{name}.rows", perm=[0, 2, 3, 1])
    rewriting.add("Concat", [f"{name}.rows"] * 2, f"{name}.beside", axis=3)
    # (1, h, w, 2 C) is (1, h, 2 w, C); (1, h, 2 w C) twice is (1, 2 h, w, 2 C).
    line = rewriting.constant(f"{name}.line", np.array([0, 0, -1], np.int64))
    rewriting.add("Reshape", [f"{name}.beside", line], f"{name}.line_of")
    rewriting.add("Concat", [f"{name}.line_of"] * 2, f"{name}.below", axis=2)
    channels = _channels(rewriting, resize.input[0])
    rewriting.add("Shape", [f"{name}.line_of"], f"{name}.height", start=1, end=2)
    two = rewriting.constant(f"{name}.two", np.array([2], np.int64))
    rewriting.add("Mul", [f"{name}.height", two], f"{name}.height_twice")
    rest = rewriting.constant(f"{name}.rest", np.array([-1, channels], np.int64))
    one = rewriting.constant(f"{name}.one", np.array([1], np.int64))
    rewriting.add("Concat", [one, f"{name}.height_twice", rest], f"{name}.shape", axis=0)
    rewriting.add("Reshape", [f"{name}.below", f"{name}.shape"], f"{name}.enlarged")
    rewriting.graph.node.remove(resize)
    rewriting.add("Transpose", [f"{name}.enlarged"], name, perm=[0, 3, 1, 2])
    return Passage(resize.input[0], name)


def _channels(rewriting: Rewriting, value: str) -> int:
    weight, _ = rewriting.parameters(rewriting.maker_of(value))
    return int(weight.shape[0])

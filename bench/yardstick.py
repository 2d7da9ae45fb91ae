"""Makes `bench/yardstick.onnx`: the small net by whose time every other time is told. `python -m bench.yardstick`.

Four dense 3×3 convolutions of 32 channels with ReLU on 48×56 positions: 99 million multiply-adds in the shape that
the shipped models have, so that a core (or a busy machine) that is slower for the one is as much slower for the
others. Weights come from a fixed seed, are the same for all layers, and are stored as int8: the file is 10 kB. It
never changes: all budgets and all figures ever told are ratios to it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PATH = Path(__file__).with_name("yardstick.onnx")
LAYERS, CHANNELS, HEIGHT, WIDTH = 4, 32, 48, 56
MMAC = LAYERS * CHANNELS * CHANNELS * 9 * HEIGHT * WIDTH / 1e6


def yardstick() -> onnx.ModelProto:
    """The net: `x` (1, 32, 48, 56) float32 in, `y` (1, 32, 1, 1) float32 out."""
    rng = np.random.default_rng(20260101)
    weights = rng.integers(-127, 128, (CHANNELS, CHANNELS, 3, 3), dtype=np.int8)
    # Keeps the spread of a layer's outputs near that of its inputs: nothing grows, nothing becomes denormal.
    scale = np.float32(np.sqrt(2 / (CHANNELS * 9)) / 73.3)
    nodes = [
        helper.make_node("Cast", ["w8"], ["w32"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["w32", "scale"], ["w"]),
    ]
    name = "x"
    for layer in range(LAYERS):
        nodes.append(helper.make_node("Conv", [name, "w"], [f"c{layer}"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        name = f"r{layer}"
    nodes.append(helper.make_node("GlobalAveragePool", [name], ["y"]))
    graph = helper.make_graph(
        nodes,
        "yardstick",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, 1, 1])],
        [numpy_helper.from_array(weights, "w8"), numpy_helper.from_array(np.array(scale), "scale")],
    )
    return helper.make_model(graph, producer_name="alpr", ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def card(encoded: bytes) -> str:
    """The card that `alpr.models` asks for beside every model."""
    shape = [1, CHANNELS, HEIGHT, WIDTH]
    return (
        "# Made by `python -m bench.yardstick`, together with the model.\n"
        "name: yardstick\nversion: 1\ntask: yardstick\nfile: yardstick.onnx\n"
        f"sha256: {hashlib.sha256(encoded).hexdigest()}\n"
        f"input: {{name: x, dtype: float32, shape: {shape}}}\n"
        f"outputs: {{y: [1, {CHANNELS}, 1, 1]}}\n"
        f"mmac: {MMAC:.1f}\n"
    )


if __name__ == "__main__":
    model = yardstick()
    onnx.checker.check_model(model, full_check=True)
    encoded = model.SerializeToString(deterministic=True)
    PATH.write_bytes(encoded)
    PATH.with_suffix(".yaml").write_text(card(encoded), encoding="utf-8")

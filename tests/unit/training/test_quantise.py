"""Making networks cheaper: what is rewritten says the same, and variants are compared in pairs. Needs onnx."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("torch")

import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from alpr.system.shipped import shipped
from alpr.types import FloatArray
from training.quantise import quantise
from training.quantise_graph import grouped_weight, prepare
from training.quantise_pairs import Pair, Pairs, pair
from training.squeeze import is_squeezed, squeeze

MODELS = shipped("models")


@pytest.mark.parametrize(("left", "width", "group"), [(0, 4, 4), (1, 3, 2), (0, 2, 2), (1, 4, 2)])
def test_a_kernel_over_groups_sees_what_it_saw_over_pixels(left: int, width: int, group: int) -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((2, 3, 3, width)).astype(np.float32)
    line = rng.standard_normal((3, 5, 24)).astype(np.float32)
    grouped = grouped_weight(weight, group, left)
    groups = line.reshape(3, 5, 24 // group, group).transpose(3, 0, 1, 2).reshape(3 * group, 5, -1)
    padded_line = np.pad(line, ((0, 0), (0, 0), (left, 8)))
    padded_groups = np.pad(groups, ((0, 0), (0, 0), (min(left, 1), 8)))
    for place in range(24 // group):
        expected = _at(weight, padded_line[:, 1:4, place * group :])
        assert _at(grouped, padded_groups[:, 1:4, place:]) == pytest.approx(expected, abs=1e-4)


def _at(weight: FloatArray, window: FloatArray) -> list[float]:
    return [float((kernel * window[..., : kernel.shape[-1]]).sum()) for kernel in weight]


@pytest.mark.parametrize("task", ["detector", "recogniser"])
def test_the_shipped_networks_are_squeezed_and_prepared_say_the_same(task: str) -> None:
    model = onnx.load(MODELS / f"{task}.onnx")
    assert is_squeezed(model)
    assert squeeze(MODELS / f"{task}.onnx", task) == 0  # and squeezing again changes nothing
    before = model.SerializeToString()
    assert prepare(model)
    shape = (1, 64, 96, 3) if task == "detector" else (2, 48, 160, 3)
    batch = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    batch[:, 20:40, 10:80:7] = 0
    name = model.graph.input[0].name
    one, other = (
        ort.InferenceSession(encoded, providers=["CPUExecutionProvider"]).run(None, {name: batch})
        for encoded in (before, model.SerializeToString())
    )
    for a, b in zip(one, other, strict=True):
        assert np.abs(a - b).max() < 1e-3


def test_what_has_no_known_shape_is_not_squeezed(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    other = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [other])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    with pytest.raises(ValueError, match="no node takes a weight"):
        squeeze(path, "detector")
    with pytest.raises(ValueError, match=r"training\.squeeze"):
        quantise(path, tmp_path / "int8.onnx", [])


def test_quantised_anew_it_stays_near_and_computes_in_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, 256, (1, 48, 160, 3), np.uint8) for _ in range(4)]
    for batch in batches:
        batch[:, 12:36, 20:140:9] = 10
    target = tmp_path / "recogniser.int8.onnx"
    quantise(MODELS / "recogniser.onnx", target, batches)
    quantised = onnx.load(target)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    convolutions = [node for node in quantised.graph.node if node.op_type == "Conv"]
    assert len(convolutions) >= 8
    eights = [name for name, value in weights.items() if value.dtype == np.int8 and value.ndim == 4]
    assert len(eights) == len(convolutions)
    assert target.stat().st_size < 0.6 * (MODELS / "recogniser.onnx").stat().st_size
    outputs = [
        ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"patches": batches[0]})
        for path in (MODELS / "recogniser.onnx", target)
    ]
    assert np.abs(outputs[0][2] - outputs[1][2]).max() < 0.2


def test_pairs_count_what_one_loses_and_the_other_gains() -> None:
    row = pair("reads", [True] * 6 + [False] * 4, [False] * 5 + [True] * 2 + [False] * 3)
    assert row == Pair("reads", 10, both=1, lost=5, gained=1)
    assert row.p_value == pytest.approx(2 * 7 / 64)  # 0 or 1 heads of 6 coins, either way
    assert Pair("reads", 9, 9, 0, 0).p_value == 1
    pairs = Pairs((row,), ())
    assert pairs.lost_share == pytest.approx(0.4)
    (told,) = pairs.scores()
    assert (told["value"], told["float32"], told["lost"], told["gained"]) == (0.2, 0.6, 5, 1)
    assert "lost   5  gained   1" in pairs.table()

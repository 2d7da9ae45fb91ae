"""The shape of the code: who may import whom (design, section 2), and one importer for each outside world."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "alpr"

# Each row may import from the rows above it, never from below; rooms of one row do not import each other.
LAYERS = [
    {"types", "errors", "clock", "decoding", "durable", "machine", "printable", "regular", "sensors", "shipped"},
    {
        "geometry",
        "plates",
        "metrics",
        "exporter",
        "figures",
        "models",
        "draw",
        "sqlite",
        "config",
        "dispositions",
        "alerts",
    },
    {"capture", "detect", "ocr", "track", "hotlist", "link", "evaluation", "forward"},
    {
        "looks",
        "reader",
        "film",
        "pipeline",
        "vitals",
        "device_metrics",
        "edge_report",
        "edge_settings",
        "edge_telling",
        "updates",
        "update_thread",
    },
    {"edge", "collector", "web", "demo", "bench", "doctor"},
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
FLAT = {0, 1, 3}  # rows whose rooms are single modules that may build on each other

ONLY_IMPORTERS = {
    "onnxruntime": {"models", "cli"},  # `alpr doctor` asks it what it can do
    "zmq": {"link"},
    "pydantic": {"config", "bench"},
    "yaml": {"config", "models", "demo", "cli", "evaluation", "bench"},
    "paddleocr": {"ocr"},
    "prometheus_client": {"exporter", "figures", "device_metrics", "collector"},
    "segno": {"cli"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in RANK, f"{room} has no place in the layers: give it one"
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] != "alpr" or len(parts) == 1 or parts[1] == room:
            continue
        other = parts[1]
        assert RANK[other] < RANK[room] or (RANK[other] == RANK[room] and RANK[room] in FLAT), (
            f"{path.relative_to(ROOT)} imports {name}: {other} is not below {room}"
        )


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_outside_world_has_one_importer(path: Path) -> None:
    for name in imports_of(path):
        allowed = ONLY_IMPORTERS.get(name.split(".")[0])
        assert allowed is None or room_of(path) in allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_cameras_are_opened_in_one_room_only() -> None:
    users = {room_of(path) for path in modules() if "cv2.VideoCapture" in path.read_text(encoding="utf-8")}
    assert users == {"capture"}


def test_nothing_of_the_product_imports_training_or_tests() -> None:
    outside = {"training", "tests", "bench", "torch", "PIL", "onnx"}
    found = {name for path in modules() for name in imports_of(path) if name.split(".")[0] in outside}
    assert not found


def test_importing_alpr_is_cheap() -> None:
    script = "import sys, alpr; assert not {'cv2', 'onnxruntime', 'numpy', 'zmq', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)

"""The shape of the code (docs/architecture.md): who may import whom, and one importer for each outside world."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "alpr"

# Each row may import from the rows above it, never from below, nor from its own row.
LAYERS = [
    {"types", "errors", "clock"},
    {"plates", "plate_formats"},
    {"geometry", "draw", "system"},
    {"config", "dispositions", "models", "link.protocol", "hotlist.rules", "web", "position"},
    {
        "capture",
        "detect",
        "ocr",
        "track",
        "evaluation",
        "forward",
        "journal",
        "privacy",
        "link.keys",
        "hotlist.entries",
        "view",
    },
    {"link.client", "link.server", "hotlist.store", "hotlist.tuning", "events"},
    {"hotlist.files", "hotlist.match", "reading", "pipeline"},
    {"hotlist.updates", "edge_page"},
    {"stick"},
    {"edge", "collector.store"},
    {"collector.audit", "collector.health"},
    {"collector.access", "collector.hotlists"},
    {"collector.service"},
    {"demo", "bench", "doctor"},
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

# What these families share is in the rows above them all: a hotlist knows no link, a camera no hotlist.
FAMILIES = [
    {"capture"},
    {"detect", "ocr", "reading"},
    {"track"},
    {
        "hotlist.rules",
        "hotlist.entries",
        "hotlist.store",
        "hotlist.files",
        "hotlist.match",
        "hotlist.updates",
        "hotlist.tuning",
    },
    {"journal", "link.protocol", "link.keys", "link.client", "link.server"},
    {"forward"},
    {"view"},
    {"evaluation"},
    {"config"},
]
FAMILY = {room: number for number, rooms in enumerate(FAMILIES) for room in rooms}
DIVIDED = {"hotlist", "link", "collector"}  # packages of packages, each of which is a room of its own

ONLY_IMPORTERS = {
    "onnxruntime": {"models"},
    "zmq": {"link.client", "link.server", "link.keys"},
    "pydantic": {"config", "bench"},
    "yaml": {"system", "config", "demo"},
    "paddleocr": {"ocr"},
    "prometheus_client": {"system", "edge", "collector.service"},
    "segno": {"cli"},
    "starlette": {"web", "edge_page"},
    "uvicorn": {"web"},
    "jinja2": {"web"},
    "argon2": {"web"},
    "pyrage": {"stick"},
    "av": {"capture"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a module, by its path within alpr."""
    first = parts[0].removesuffix(".py")
    return f"{first}.{parts[1]}" if first in DIVIDED and len(parts) > 1 and parts[1] != "__init__.py" else first


def room_of_file(path: Path) -> str:
    return room_of(path.relative_to(PACKAGE).parts)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = room_of_file(path)
    if path == PACKAGE / "__init__.py":
        return
    if room in DIVIDED:
        assert path.name == "__init__.py", f"{room} is divided into rooms: move {path.name} into one"
        assert not list(imports_of(path)), f"{room}/__init__.py only says what lives there"
        return
    assert room in RANK, f"{room} has no place in the layers: give it one"
    for name in imports_of(path):
        parts = tuple(name.split("."))
        if parts[0] != "alpr" or len(parts) == 1 or (other := room_of(parts[1:])) == room:
            continue
        assert RANK[other] < RANK[room], f"{path.relative_to(ROOT)} imports {name}: {other} is not below {room}"
        assert other not in FAMILY or FAMILY.get(room, FAMILY[other]) == FAMILY[other], (
            f"{path.relative_to(ROOT)} imports {name}: what {room} and {other} share belongs in a row above both"
        )


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_outside_world_has_one_importer(path: Path) -> None:
    for name in imports_of(path):
        allowed = ONLY_IMPORTERS.get(name.split(".")[0])
        assert allowed is None or room_of_file(path) in allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_cameras_are_opened_in_one_room_only() -> None:
    users = {room_of_file(path) for path in modules() if "cv2.VideoCapture" in path.read_text(encoding="utf-8")}
    assert users == {"capture"}


def test_nothing_of_the_product_imports_training_or_tests() -> None:
    outside = {"training", "tests", "bench", "torch", "PIL", "onnx"}
    found = {name for path in modules() for name in imports_of(path) if name.split(".")[0] in outside}
    assert not found


def test_importing_alpr_is_cheap() -> None:
    script = "import sys, alpr; assert not {'cv2', 'onnxruntime', 'numpy', 'zmq', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_commands_that_look_at_the_collector_load_neither_arrays_nor_sockets() -> None:
    """`alpr search` and `alpr hits` are typed by people who wait: a start takes 0.25 s, not twice that."""
    script = (
        "import sys, alpr.cli.search, alpr.cli.hits, alpr.collector.access.access, alpr.collector.access.search\n"
        "slow = {'numpy', 'zmq', 'sqlite_utils', 'cryptography', 'pydantic', 'cv2'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

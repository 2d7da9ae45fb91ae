"""The wheel that is installed holds what the program needs, and nothing else; it works away from a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

import alpr

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_models_samples_types_and_licences(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("models", "samples"):
        for path in (ROOT / folder).iterdir():
            assert f"alpr/_{folder}/{path.name}" in names
    info = next(name for name in names if name.endswith("METADATA")).partition("/")[0]
    assert {"alpr/py.typed", f"{info}/licenses/LICENSE", f"{info}/licenses/models/LICENSE.md"} <= names


def test_it_holds_every_module_and_no_test_trainer_or_cache(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "alpr").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert not [name for name in names if {"tests", "training", "__pycache__"} & set(Path(name).parts)]


def test_it_holds_the_files_of_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for room in ("web", "edge_page"):
        for kind in ("static", "templates"):
            paths = [path for path in (ROOT / "alpr" / room / kind).rglob("*") if path.is_file()]
            assert paths
            assert {str(path.relative_to(ROOT)) for path in paths} <= names


def test_its_metadata_states_version_licence_and_author(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        name = next(name for name in packed.namelist() if name.endswith("METADATA"))
        metadata = HeaderParser().parsestr(packed.read(name).decode())
    assert metadata["Version"] == alpr.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"]
    assert metadata["Keywords"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_it_reads_its_own_sample_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import alpr, cv2, pathlib; home = pathlib.Path(alpr.__file__).parent;"
        "film = cv2.VideoCapture(str(home / '_samples' / 'clip.mp4')); film.set(cv2.CAP_PROP_POS_FRAMES, 36);"
        "print(home, [str(seen.text) for seen in alpr.PlateReader().read(film.read()[1])])"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    run = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith(str(tmp_path / "site"))
    assert run.stdout.strip().endswith("']"), f"nothing was read: {run.stdout}"

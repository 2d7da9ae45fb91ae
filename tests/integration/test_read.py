"""`alpr read` on whatever people give it: a line for each file, in order, and the rest go on."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image as Pillow

from alpr.cli import cli
from alpr.system.shipped import shipped

Maker = Callable[[Path, np.ndarray], object]


def first_frame_with_plates() -> np.ndarray:
    """A frame of the sample clip in which a plate is near."""
    truth = [json.loads(line) for line in (shipped("samples") / "clip.truth.jsonl").read_text().splitlines()]
    nearest = max(truth[0]["corners"], key=lambda seen: seen["corners"][1][0] - seen["corners"][0][0])
    film = cv2.VideoCapture(str(shipped("samples") / "clip.mp4"))
    film.set(cv2.CAP_PROP_POS_FRAMES, nearest["frame"])
    image = film.read()[1]
    film.release()
    return np.asarray(image)


def pillow(mode: str, suffix_options: dict[str, object] | None = None) -> Maker:
    def make(path: Path, image: np.ndarray) -> None:
        Pillow.fromarray(image[:, :, ::-1]).convert(mode).save(path, **(suffix_options or {}))

    return make


def truncated(path: Path, image: np.ndarray) -> None:
    encoded = cv2.imencode(".jpg", image)[1].tobytes()
    path.write_bytes(encoded[: len(encoded) // 3])


def sixteen_bit(path: Path, image: np.ndarray) -> None:
    cv2.imwrite(str(path), image.astype(np.uint16) * 257)


def rotated_by_exif(path: Path, image: np.ndarray) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise for viewing
    turned = np.ascontiguousarray(np.rot90(image)[:, :, ::-1])
    Pillow.fromarray(turned).save(path, exif=exif)


def huge(path: Path, image: np.ndarray) -> None:
    cv2.imwrite(str(path), cv2.resize(image, (12000, 9000), interpolation=cv2.INTER_NEAREST))


READABLE: dict[str, Maker] = {
    "plain.jpg": pillow("RGB"),
    "grey.jpg": pillow("L"),
    "cmyk.jpg": pillow("CMYK"),
    "alpha.png": pillow("RGBA"),
    "palette.png": pillow("P"),
    "deep.png": sixteen_bit,
    "turned.jpg": rotated_by_exif,
    "one.png": lambda path, _: pillow("RGB")(path, np.zeros((1, 1, 3), np.uint8)),
    "cut.jpg": truncated,
}
UNREADABLE: dict[str, Maker] = {
    "empty.jpg": lambda path, _: path.write_bytes(b""),
    "text.jpg": lambda path, _: path.write_text("no picture at all"),
    "missing.jpg": lambda _path, _image: None,
}


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["read", *words], catch_exceptions=False)


def rows_of(answer: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return first_frame_with_plates()


@pytest.mark.slow
def test_two_hundred_mixed_pictures_give_a_line_each(tmp_path: Path, scene: np.ndarray) -> None:
    makers = [*READABLE.items(), *UNREADABLE.items()]
    small = cv2.resize(scene, (640, 360), interpolation=cv2.INTER_AREA)
    files = []
    for count in range(200):
        name, make = makers[count % len(makers)]
        path = tmp_path / f"{count:03d}-{name}"
        make(path, small)
        files.append(str(path))
    random.Random(1).shuffle(files)
    answer = run("--json", *files)
    rows = rows_of(answer)
    assert [row["image"] for row in rows] == files
    for file, row in zip(files, rows, strict=True):
        assert ("error" in row) == (Path(file).name.partition("-")[2] in UNREADABLE), row
    assert answer.exit_code == 1


@pytest.mark.parametrize("name", READABLE)
def test_every_kind_of_picture_has_its_upright_size(tmp_path: Path, scene: np.ndarray, name: str) -> None:
    READABLE[name](tmp_path / name, scene)
    answer = run("--json", str(tmp_path / name))
    (row,) = rows_of(answer)
    assert answer.exit_code == 0
    assert (row["width"], row["height"]) == ((1, 1) if name == "one.png" else (scene.shape[1], scene.shape[0]))


@pytest.mark.parametrize("name", ["plain.jpg", "grey.jpg", "cmyk.jpg", "alpha.png", "deep.png", "turned.jpg"])
def test_the_plate_is_read_in_every_kind(tmp_path: Path, scene: np.ndarray, name: str) -> None:
    READABLE["plain.jpg"](tmp_path / "reference.png", scene)
    READABLE[name](tmp_path / name, scene)
    reference, row = rows_of(run("--json", str(tmp_path / "reference.png"), str(tmp_path / name)))
    assert [read["plate"] for read in reference["reads"]]  # type: ignore[attr-defined]
    assert row["reads"][0]["plate"] == reference["reads"][0]["plate"]  # type: ignore[index]


def test_a_huge_picture_is_read(tmp_path: Path, scene: np.ndarray) -> None:
    huge(tmp_path / "huge.jpg", scene)
    (row,) = rows_of(run("--json", str(tmp_path / "huge.jpg")))
    assert (row["width"], row["height"]) == (12000, 9000)
    assert row["reads"]


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_says_why_in_one_line(tmp_path: Path, scene: np.ndarray, name: str) -> None:
    UNREADABLE[name](tmp_path / name, scene)
    answer = run("--json", str(tmp_path / name))
    (row,) = rows_of(answer)
    assert answer.exit_code == 1
    assert len(str(row["error"])) > 10
    assert "\n" not in str(row["error"])


def test_annotated_copies_are_written_beside_each_other(tmp_path: Path, scene: np.ndarray) -> None:
    files = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / "same.jpg")
        READABLE["plain.jpg"](files[-1], scene)
    assert run("--json", "--draw", str(tmp_path / "out"), *map(str, files)).exit_code == 0
    copies = sorted((tmp_path / "out").iterdir())
    assert [copy.name for copy in copies] == ["same-2.jpg", "same.jpg"]
    drawn = np.asarray(cv2.imread(str(copies[0])))
    assert drawn.shape == scene.shape
    assert np.abs(drawn.astype(int) - scene).max() > 100


def test_a_folder_gives_its_pictures(tmp_path: Path, scene: np.ndarray) -> None:
    for name in ("b.jpg", "a.png"):
        READABLE["plain.jpg"](tmp_path / name, scene)
    (tmp_path / "notes.txt").write_text("not a picture")
    assert [Path(str(row["image"])).name for row in rows_of(run("--json", str(tmp_path)))] == ["a.png", "b.jpg"]


def test_a_folder_tells_of_each_picture_that_it_leaves_out(tmp_path: Path, scene: np.ndarray) -> None:
    READABLE["plain.jpg"](tmp_path / "b.jpg", scene)
    (tmp_path / "a.tga").write_bytes(b"\0" * 40)
    (tmp_path / "notes.txt").write_text("not a picture")
    answer = run("--json", str(tmp_path))
    rows = rows_of(answer)
    assert [Path(str(row["image"])).name for row in rows] == ["a.tga", "b.jpg"]
    assert ["error" in row for row in rows] == [True, False]
    assert "notes.txt" in answer.stderr
    assert answer.exit_code == 1


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    answer = run("--json", str(tmp_path))
    (row,) = rows_of(answer)
    assert row["folder"] == str(tmp_path)
    assert "no pictures or videos here" in str(row["error"])
    assert answer.exit_code == 1


def test_more_pages_than_one_are_told(tmp_path: Path) -> None:
    pages = [Pillow.fromarray(np.full((40, 60, 3), shade, np.uint8)) for shade in (10, 120)]
    pages[0].save(tmp_path / "fax.tiff", save_all=True, append_images=pages[1:])
    answer = run("--json", str(tmp_path / "fax.tiff"))
    (row,) = rows_of(answer)
    assert str(row["incomplete"]).startswith("the first of 2 pages")
    assert answer.exit_code == 1

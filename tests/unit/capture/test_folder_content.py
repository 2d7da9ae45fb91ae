"""No picture of a folder is left out silently; HEIC; more pages than one."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from alpr.capture.folder import ImageFolderSource
from alpr.capture.folder_content import look_into
from alpr.capture.picture_size import stated_size
from alpr.capture.pictures import load_picture, read_picture
from alpr.errors import ImageError, SourceOpenError
from tests.conftest import FakeClock, an_image


def jpeg() -> bytes:
    return cv2.imencode(".jpg", an_image())[1].tobytes()


def heic(image: np.ndarray, **options: object) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    encoded = io.BytesIO()
    pillow_heif.from_pillow(Pil.fromarray(image[..., ::-1])).save(encoded, quality=95, **options)
    return encoded.getvalue()


def test_every_file_of_a_folder_is_something(tmp_path: Path) -> None:
    for name in ("a.jpg", "B.JPG", "c", "d.jpeg.txt", "e.mp4"):
        (tmp_path / name).write_bytes(jpeg())
    (tmp_path / "f.tga").write_bytes(b"\0" * 40)
    (tmp_path / "g.nef").write_bytes(b"II*\0")
    (tmp_path / "h").write_bytes(b"\0\0\0\x0cJXL \r\n\x87\n")
    (tmp_path / "notes.txt").write_text("BM is how a bitmap begins, and this is none")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / ".hidden.jpg").write_bytes(jpeg())
    (tmp_path / "inner").mkdir()
    content = look_into(tmp_path)
    assert [path.name for path in content.files] == ["B.JPG", "a.jpg", "c", "d.jpeg.txt", "e.mp4"]
    assert [path.name for path, _ in content.unsupported] == ["f.tga", "g.nef", "h"]
    assert all("are not supported; convert it" in why for _, why in content.unsupported)
    assert (content.others, content.folders) == (("empty", "notes.txt"), ("inner",))
    assert content.left_out() == ("2 files (empty, notes.txt) no picture or video; 1 folder (inner) not looked into")


def test_a_folder_source_says_what_it_leaves_out(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.jpg", "c"):
        (tmp_path / name).write_bytes(jpeg())
    (tmp_path / "b.tga").write_bytes(b"\0" * 40)
    (tmp_path / "d.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    source = ImageFolderSource("cam", tmp_path, clock=clock)
    assert [frame.seq for frame in source.frames()] == [0, 2]
    assert source.skipped == 2
    assert source.problem == "b.tga and 1 more could not be read; the log says why"
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert [Path(error.split(": ")[0]).name for error in errors] == ["b.tga", "d.mp4"]
    assert "give it as a camera of its own" in errors[1]


@pytest.mark.parametrize("name", ["", "b.tga", "notes.txt", "d.mp4"])
def test_a_folder_without_a_readable_picture_is_no_source(tmp_path: Path, clock: FakeClock, name: str) -> None:
    if name:
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypisom")
    with pytest.raises(SourceOpenError, match="no pictures here"):
        next(ImageFolderSource("cam", tmp_path, clock=clock).frames())


def test_a_heic_picture_is_read_upright(tmp_path: Path) -> None:
    image = np.zeros((48, 96, 3), np.uint8)
    image[:, :48] = (250, 20, 20)
    (tmp_path / "phone.heic").write_bytes(heic(image))
    seen = load_picture(tmp_path / "phone.heic")
    assert seen.shape == image.shape
    assert np.abs(seen.astype(int) - image)[8:40, 8:40].mean() < 12
    exif = Pil.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    (tmp_path / "turned.heic").write_bytes(heic(image, exif=exif.tobytes()))
    turned = load_picture(tmp_path / "turned.heic")
    assert turned.shape == (96, 48, 3)
    assert turned[8:40, 8:40, 0].mean() > 200


def test_without_its_library_a_heic_picture_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "phone.heic").write_bytes(heic(an_image()))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match="pip install 'alpr\\[heic\\]'"):
        load_picture(tmp_path / "phone.heic")


@pytest.mark.parametrize("kept", [40, 200, 0.5, 0.9])
def test_a_damaged_heic_picture_is_an_image_error_of_one_line(tmp_path: Path, kept: float) -> None:
    whole = heic(an_image())
    (tmp_path / "cut.heic").write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(ImageError) as raised:
        load_picture(tmp_path / "cut.heic")
    assert "\n" not in str(raised.value)


def test_a_heic_picture_that_states_too_much_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    encoded = bytearray(heic(an_image()))
    at = encoded.index(b"ispe") + 8
    encoded[at : at + 8] = (60_000).to_bytes(4, "big") * 2
    size = stated_size(bytes(encoded))
    assert size is not None
    assert (size.kind, size.pixels) == ("HEIC", 60_000**2)
    (tmp_path / "bomb.heic").write_bytes(encoded)
    with pytest.raises(ImageError, match="need more memory"):
        load_picture(tmp_path / "bomb.heic")


def several(path: Path, kind: str) -> None:
    pages = [Pil.fromarray(np.full((40, 60, 3), shade, np.uint8)) for shade in (10, 120, 240)]
    pages[0].save(path, kind, save_all=True, append_images=pages[1:])


@pytest.mark.parametrize("kind", ["tiff", "png", "webp"])
def test_of_several_pages_the_first_is_read_and_the_rest_are_told(tmp_path: Path, kind: str) -> None:
    several(tmp_path / f"pages.{kind}", kind)
    picture = read_picture(tmp_path / f"pages.{kind}")
    assert picture.image.shape == (40, 60, 3)
    assert picture.incomplete.startswith("the first of 3 pages")
    Pil.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / f"one.{kind}", kind)
    assert read_picture(tmp_path / f"one.{kind}").incomplete == ""


def test_directories_of_a_tiff_that_go_round_in_a_circle_end(tmp_path: Path) -> None:
    several(tmp_path / "pages.tiff", "tiff")
    encoded = bytearray((tmp_path / "pages.tiff").read_bytes())
    first = int.from_bytes(encoded[4:8], "little")
    end = first + 2 + 12 * int.from_bytes(encoded[first : first + 2], "little")
    encoded[end : end + 4] = first.to_bytes(4, "little")
    size = stated_size(bytes(encoded))
    assert size is not None
    assert size.pages == 1

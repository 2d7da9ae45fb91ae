"""`alpr camera test`: what a camera sends, how plates show, and what to change, against cameras that are known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.system.shipped import shipped
from tests.http_camera import HttpCamera

pytestmark = pytest.mark.slow


def scene(number: int = 322) -> np.ndarray:
    clip = cv2.VideoCapture(str(shipped("samples") / "clip.mp4"))
    for _ in range(number):
        clip.grab()
    image = clip.read()[1]
    clip.release()
    return np.asarray(image, np.uint8)


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def look_at(camera: str, *words: str) -> Result:
    return CliRunner().invoke(cli, ["camera", "test", camera, *words])


def test_a_camera_is_measured_and_its_picture_kept(tmp_path: Path) -> None:
    picture = tmp_path / "camera.jpg"
    with HttpCamera([jpeg(scene())], fps=20) as camera:
        answer = look_at(camera.url, "--seconds", "2", "--json", "--picture", str(picture))
    assert answer.exit_code == 0, answer.stderr
    row = json.loads(answer.stdout)
    assert row["sizes"] == [[1280, 720]]
    assert 12 < row["fps"] < 22
    assert 0 <= row["lag_s"] < 1
    assert "LK73TNE" in row["plates"]
    assert 50 < row["plate_width_px"] < 250
    assert row["view"] is None
    assert row["coding"] == "mjpeg"
    drawn = np.asarray(cv2.imread(str(picture)))
    assert drawn.shape == (720, 1280, 3)


def test_distant_plates_lead_to_advice_with_the_width() -> None:
    image = scene()
    far = np.full_like(image, 90)
    small = cv2.resize(image, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)
    far[: small.shape[0], : small.shape[1]] = small
    with HttpCamera([jpeg(far)], fps=20) as camera:
        row = json.loads(look_at(camera.url, "--seconds", "2", "--json").stdout)
    assert row["plate_width_px"] < 75
    assert any(
        "zoom in" in sentence and f"{row['plate_width_px']:.0f} px wide" in sentence for sentence in row["advice"]
    )


@pytest.mark.parametrize(
    ("image", "fps", "told"),
    [
        (np.zeros((720, 1280, 3), np.uint8), 20, "the picture is black"),
        (np.full((720, 1280, 3), 90, np.uint8), 4, "frames a second are few"),
        (np.full((240, 320, 3), 90, np.uint8), 20, "main stream"),
        (np.full((240, 320, 3), 90, np.uint8), 20, "no plate was seen"),
    ],
    ids=["black", "slow", "small", "no plate"],
)
def test_what_is_wrong_is_said_in_a_sentence(image: np.ndarray, fps: int, told: str) -> None:
    with HttpCamera([jpeg(image)], fps=fps) as camera:
        row = json.loads(look_at(camera.url, "--seconds", "2", "--json").stdout)
    assert any(told in sentence for sentence in row["advice"]), row["advice"]


def test_a_camera_that_is_not_there_is_named_without_its_password() -> None:
    answer = look_at("http://admin:hunter2@127.0.0.1:9/video")
    assert answer.exit_code == 1
    told = str(answer.exception)
    assert "127.0.0.1:9" in told
    assert "hunter2" not in told + answer.output


def test_a_camera_of_the_configuration_goes_by_its_id(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    with HttpCamera([jpeg(scene())], fps=20) as camera:
        cameras = [{"id": "gate", "url": camera.url}]
        path.write_text(yaml.safe_dump({"device": {"name": "t", "data_dir": "data"}, "cameras": cameras}))
        assert look_at("gate", "-c", str(path), "--seconds", "1").exit_code == 0
    answer = look_at("yard", "-c", str(path))
    assert answer.exit_code == 2
    assert "there are: gate" in answer.stderr

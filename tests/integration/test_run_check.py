"""`alpr run --check` refuses what a start refuses, and opens the cameras unless it is told not to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import yaml
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.system.run_lock import run_lock
from tests.conftest import an_image
from tests.http_camera import HttpCamera


@pytest.fixture
def camera() -> Iterator[HttpCamera]:
    with HttpCamera([cv2.imencode(".jpg", an_image())[1].tobytes()]) as camera:
        yield camera


def check(folder: Path, *urls: str, words: tuple[str, ...] = ()) -> Result:
    path = folder / "edge.yaml"
    cameras = [{"id": f"cam{number}", "url": url} for number, url in enumerate(urls)]
    path.write_text(yaml.safe_dump({"device": {"name": "test", "data_dir": "data"}, "cameras": cameras}))
    return CliRunner().invoke(cli, ["run", "-c", str(path), "--check", *words])


def test_a_camera_that_gives_frames_is_in_order(tmp_path: Path, camera: HttpCamera) -> None:
    answer = check(tmp_path, camera.url)
    assert (answer.exit_code, answer.stderr.splitlines()[0]) == (0, "camera cam0: 320×240")
    assert "all in order" in answer.stderr


def test_an_absent_camera_fails_the_check_unless_the_cameras_are_left_alone(
    tmp_path: Path, camera: HttpCamera
) -> None:
    urls = (camera.url, "http://127.0.0.1:9/video", "no-such-film.mp4")
    answer = check(tmp_path, *urls)
    assert answer.exit_code == 1
    assert "camera cam0: 320×240" in answer.stderr
    assert "alpr: camera cam1" in answer.stderr
    assert "no-such-film.mp4" in answer.stderr
    assert "2 of 3 cameras give no frame" in answer.stderr
    answer = check(tmp_path, *urls, words=("--no-cameras",))
    assert answer.exit_code == 0


def test_a_mistyped_address_is_refused_as_a_start_refuses_it(tmp_path: Path) -> None:
    for words in ((), ("--no-cameras",)):
        answer = check(tmp_path, "rstp://192.0.2.1/stream", words=words)
        assert answer.exit_code == 1
        assert "rstp://192.0.2.1/stream" in str(answer.exception or answer.stderr)


def test_a_check_beside_a_run_says_so_and_leaves_its_journal_alone(tmp_path: Path, camera: HttpCamera) -> None:
    with run_lock(tmp_path / "data"):
        answer = check(tmp_path, camera.url)
    assert answer.exit_code == 0
    assert f"runs on {tmp_path / 'data'} now" in answer.stderr
    assert not (tmp_path / "data" / "journal.sqlite").exists()

"""The demonstration does the main job, and says so loudly where it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.demo import Tally, play, set_up
from alpr.system.shipped import shipped


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_demo_reads_hits_and_delivers() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "alpr.cli", "demo"], capture_output=True, text=True, check=False, timeout=150
    )
    assert demo.returncode == 0, demo.stdout[-2000:] + demo.stderr[-2000:]
    said = demo.stdout
    for words in ("edge        read", "collector   read", "edge        HIT", "collector   HIT", "p50", "alpr search"):
        assert words in said, words


@pytest.mark.timeout(120)
def test_a_clip_without_plates_fails(tmp_path: Path) -> None:
    samples, folder = tmp_path / "samples", tmp_path / "stage"
    samples.mkdir()
    folder.mkdir()
    shutil.copy(shipped("samples") / "hotlist.csv", samples)
    film = cv2.VideoWriter(str(samples / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
    for _ in range(25):
        film.write(np.full((240, 320, 3), 90, np.uint8))
    film.release()
    tally = Tally()
    assert list(play(set_up(folder, samples), tally))[-1].row["event"] == "summary"
    assert tally.failures() == ["no plate was read", "no hit was raised", "no hit arrived at the collector"]

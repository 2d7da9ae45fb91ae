"""The sample clip as a swinging and shaking camera on a vehicle sees it: each pass is one right read all the same."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.integration.test_edge import SAMPLES, run_edge, write_config

FRAMES = range(0, 300)


def swinging(folder: Path) -> Path:
    """The clip, swinging by 80 px 1.5 times a second and shaking by 6."""
    clip = cv2.VideoCapture(str(SAMPLES / "clip.mp4"))
    film = folder / "swinging.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 25, (1280, 720))
    rng = np.random.default_rng(1)
    for number in FRAMES:
        image = np.asarray(clip.read()[1], np.uint8)
        x, y = 80 * math.sin(2 * math.pi * 1.5 * number / 25) + rng.normal(0, 6), rng.normal(0, 6)
        moved = np.array([[1, 0, x], [0, 1, y]], np.float32)
        writer.write(cv2.warpAffine(image, moved, (1280, 720), borderMode=cv2.BORDER_REFLECT_101))
    clip.release()
    writer.release()
    return film


@pytest.mark.slow
def test_each_pass_of_a_clip_from_a_swinging_camera_is_one_right_read(tmp_path: Path) -> None:
    camera = {"id": "car", "url": str(swinging(tmp_path)), "on_vehicle": True}
    report, heard = run_edge(write_config(tmp_path, cameras=[camera]))
    truth = [json.loads(line) for line in (SAMPLES / "clip.truth.jsonl").read_text().splitlines()]
    whole = [each["text"] for each in truth if each["last_frame"] < FRAMES.stop]
    texts = heard.final_texts()
    assert len(texts) == len(set(texts))
    assert set(whole) <= set(texts) <= {each["text"] for each in truth}
    assert not report.unread, "pieces of passes that were lost"

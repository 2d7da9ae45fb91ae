"""The real clips and photographs: every frame, of the size and at the times that their labels say."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from alpr.capture.feed import Feed
from alpr.capture.feeds import Feeds
from alpr.capture.opening import open_source
from alpr.capture.pictures import is_video, load_picture
from alpr.clock import SystemClock
from alpr.errors import ImageError

pytestmark = pytest.mark.realdata

CLIPS = [
    "aiguy_license_plate.mp4",
    "danhtran_lp.gif",
    "ecuador_q1.mp4",
    "ecuador_qq.mov",
    "keshav_demo1.mp4",
    "marcoom_test.mp4",
    "parkpow_cars.mp4",
]


@pytest.mark.parametrize("name", CLIPS)
def test_every_frame_of_a_real_clip_arrives(name: str, shared_data: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = (shared_data / "clips" / "labels.jsonl").read_text().splitlines()
    label = next(label for label in map(json.loads, lines) if label["file"] == name)
    path = shared_data / "clips" / name
    assert is_video(path)
    clock = SystemClock()
    times, sizes, seqs = [], set(), []
    with Feeds([Feed(open_source("cam", str(path), clock=clock), clock=clock)]) as feeds:
        while not feeds.is_done:
            if (frame := feeds.next_frame(1)) is not None:
                times.append(frame.monotonic_ns / 1e9)
                sizes.add(f"{frame.image.shape[1]}x{frame.image.shape[0]}")
                seqs.append(frame.seq)
    assert abs(len(seqs) - label["frames"]) <= 2
    assert seqs == list(range(len(seqs)))
    assert sizes == {label["resolution"]}
    assert all(later > earlier for earlier, later in pairwise(times))
    assert times[-1] - times[0] == pytest.approx((len(times) - 1) / label["fps"], rel=0.02, abs=0.1)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_real_photographs_of_every_folder_load(shared_data: Path) -> None:
    pictures = [path for path in shared_data.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    assert pictures
    sample = sorted(pictures)[:: max(1, len(pictures) // 60)]
    failed = []
    for path in sample:
        try:
            assert load_picture(path).ndim == 3
        except ImageError as error:
            failed.append(str(error))
    assert failed == []

"""The sample clip: drawn the same for a seed, and what is committed is what its truth says."""

from __future__ import annotations

import csv
import json
from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from alpr.plates import differing_positions, normalise
from alpr.system.shipped import shipped
from alpr.types import Image
from training.clip import a_scene, frame_of, frames_of
from training.clip_more import FILMS, casts_of, rained_on
from training.clip_truth import passes
from training.exposure import Scene, camera_at, in_view
from training.traffic import DAY, NIGHT, leaving, turning_off
from training.vehicles import plate_in_picture

SCALE, SEED = 0.2, 7
CLIP = shipped("samples") / "clip.mp4"


@cache
def small(part: str) -> Scene:
    return a_scene(part, SEED, SCALE)


@pytest.fixture(params=["day", "night"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return small(str(request.param))


@pytest.fixture(scope="module")
def truth() -> list[dict[str, Any]]:
    lines = CLIP.with_suffix(".truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def film() -> list[Image]:
    """Every frame at half its size."""
    capture = cv2.VideoCapture(str(CLIP))
    frames: list[Image] = []
    while True:
        is_read, frame = capture.read()
        if not is_read:
            return frames
        frames.append(np.asarray(cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8))


@pytest.mark.slow
def test_a_seed_draws_the_same_frame_whatever_was_drawn_before(scene: Scene) -> None:
    number = scene.first_frame + 40
    first = frame_of(scene, SEED, number)
    frame_of(scene, SEED, number + 1)
    assert first.shape == (144, 256, 3)
    assert np.array_equal(first, frame_of(scene, SEED, number))
    assert not np.array_equal(first, frame_of(scene, SEED + 1, number))
    assert np.array_equal(frame_of(scene, SEED, scene.first_frame), next(frames_of(scene, SEED, 2, 1)))


@pytest.mark.slow
def test_a_seed_draws_the_same_scene_again() -> None:
    number = small("night").first_frame + 40
    again = frame_of(a_scene("night", SEED, SCALE), SEED, number)
    assert np.array_equal(again, frame_of(small("night"), SEED, number))


@pytest.mark.slow
def test_night_is_dark_and_day_is_not() -> None:
    day, night = small("day"), small("night")
    assert frame_of(day, SEED, 0).mean() > 80
    assert frame_of(night, SEED, night.first_frame).mean() < 60


def test_a_plate_is_drawn_where_the_truth_says(scene: Scene) -> None:
    """Another plate on the same vehicle changes the picture inside the corners and (but for glare) nowhere else."""
    found = passes(scene, SCALE)[0]
    frame = found.first_frame + len(found.corners) - 1
    blank = [
        (cast, vehicle if cast is not found.cast else _with_black_plate(vehicle)) for cast, vehicle in scene.traffic
    ]
    other = Scene(**{**{name: getattr(scene, name) for name in Scene.__slots__}, "traffic": tuple(blank)})
    a, b = frame_of(scene, SEED, frame), frame_of(other, SEED, frame)
    changed = np.abs(a.astype(int) - b.astype(int)).max(axis=2) > 24
    rows, columns = np.nonzero(changed)
    corners = found.corners[-1]
    assert rows.size > 0
    low, high = corners.min(axis=0), corners.max(axis=0)
    assert np.allclose([columns.min(), rows.min()], low, atol=2.5)
    assert np.allclose([columns.max(), rows.max()], high, atol=2.5)


def _with_black_plate(vehicle: Any) -> Any:
    return type(vehicle)(
        **{
            **{name: getattr(vehicle, name) for name in type(vehicle).__slots__},
            "plate": np.zeros_like(vehicle.plate),
        }
    )


def test_every_readable_plate_of_the_cast_has_a_pass(scene: Scene) -> None:
    """A plate that is wide enough in any frame belongs to a vehicle of the truth."""
    told = {found.cast.text for found in passes(scene, SCALE)}
    wide = set()
    for frame in range(scene.first_frame, scene.first_frame + scene.frames, 3):
        for cast, vehicle, pose in in_view(scene, frame):
            corners = plate_in_picture(vehicle, pose, camera_at(scene, frame))
            if corners is None or (corners < 0).any() or (corners > np.array(scene.camera.size_wh) - 1).any():
                continue
            if np.linalg.norm(corners[1] - corners[0]) > 66 * SCALE:
                wide.add(cast.text)
    assert wide <= told
    assert len(told) >= 3


def test_a_starting_vehicle_does_not_run_backwards() -> None:
    start = leaving(8.0, at_s=5.0, speed_m_s=2.0, accelerates=1.0)
    depths = [pose.z for t in np.arange(0, 8, 0.25) if (pose := start.pose_at(float(t))) is not None]
    assert all(b >= a for a, b in pairwise(depths))
    assert depths[0] == depths[4] == pytest.approx(6.0)


def test_who_turns_off_turns_by_more_than_20_degrees() -> None:
    headings = [
        p.heading for t in np.arange(8, 13, 0.1) if (p := turning_off(9.6, 5.0).pose_at(float(t))) is not None
    ]
    assert np.pi - min(headings) > np.radians(20)
    assert max(abs(b - a) for a, b in pairwise(headings)) < np.radians(12)


def test_the_clip_is_what_it_says(film: list[Image]) -> None:
    capture = cv2.VideoCapture(str(CLIP))
    fps, count = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (1280, 720)
    assert len(film) == count
    assert count / fps >= 20
    assert sum(path.stat().st_size for path in CLIP.parent.iterdir()) < 6_000_000


def test_frames_come_at_a_steady_rate() -> None:
    capture = cv2.VideoCapture(str(CLIP))
    times: list[float] = []
    while capture.grab() and len(times) < 60:
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    assert np.allclose(np.diff(times), 1000 / capture.get(cv2.CAP_PROP_FPS), atol=1.0)


def test_the_truth_covers_what_is_claimed(truth: list[dict[str, Any]]) -> None:
    assert 8 <= len(truth) <= 12
    assert {line["text"] for line in truth} <= {cast.text.replace("/", "") for cast in (*DAY, *NIGHT)}
    assert sum(line["part"] == "day" for line in truth) >= 5
    assert sum(line["part"] == "night" for line in truth) >= 3
    assert {line["lines"] for line in truth} == {1, 2}
    assert len({line["region"] for line in truth}) >= 6
    meet = [
        (a["text"], b["text"])
        for a in truth
        for b in truth
        if a["text"] < b["text"] and a["first_frame"] <= b["last_frame"] and b["first_frame"] <= a["last_frame"]
    ]
    assert len(meet) >= 2


def test_some_plates_are_angled(truth: list[dict[str, Any]]) -> None:
    """Seen at an angle, a plate of known shape is narrower than it would be: cos(20°) = 0.94."""
    narrow = 0
    for line in truth:
        cast = next(c for c in (*DAY, *NIGHT) if c.text.replace("/", "") == line["text"])
        if line["lines"] == 2 or cast.region in ("BR", "US-CA"):
            continue
        a, b, c, d = (np.array(point) for point in line["corners"][-1]["corners"])
        across = (np.linalg.norm(b - a) + np.linalg.norm(c - d)) / (np.linalg.norm(d - a) + np.linalg.norm(c - b))
        narrow += bool(across < 0.94 * 520 / 110)
    assert narrow >= 3


def test_the_plates_can_be_seen(truth: list[dict[str, Any]], film: list[Image]) -> None:
    """Inside the corners there are light ground and dark characters, in every frame that is told."""
    for line in truth:
        for told in line["corners"]:
            corners = (np.array(told["corners"], np.float32) + 0.5) / 2 - 0.5
            width = float(np.linalg.norm(corners[1] - corners[0]))
            assert width >= 29
            grey = cv2.cvtColor(_flat(film[told["frame"]], corners), cv2.COLOR_BGR2GRAY)
            low, high = np.percentile(grey, (8, 85))
            assert high - low > 50, (line["text"], told["frame"], low, high)


def _flat(frame: Image, corners: npt.NDArray[np.floating]) -> Image:
    target = np.array([[0, 0], [103, 0], [103, 31], [0, 31]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    return np.asarray(cv2.warpPerspective(frame, matrix, (104, 32)), np.uint8)


def test_the_hotlist_meets_the_clip_as_its_readme_says(truth: list[dict[str, Any]]) -> None:
    passing = {line["text"]: line["region"] for line in truth}
    rows = list(csv.DictReader((CLIP.parent / "hotlist.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 12
    exact = [row for row in rows if normalise(row["plate"]) in passing]
    valid = [normalise(row["plate"]) for row in exact if not row["valid_to"]]
    expired = [normalise(row["plate"]) for row in exact if row["valid_to"] and row["valid_to"] < "2026"]
    assert valid == ["GH947TN", "LK73TNE"]
    assert expired == ["7306MVC"]
    assert all(passing[normalise(row["plate"])] == row["region"] for row in exact)
    others = {normalise(row["plate"]) for row in rows} - set(passing)
    near = [(a, b) for a in others for b in passing if len(a) == len(b) and len(differing_positions(a, b)) <= 2]
    assert near == [("W05183K", "WO5183K")]


def test_further_films_have_other_vehicles_and_rain_that_hides_nothing() -> None:
    for film in FILMS:
        casts = casts_of(film, np.random.default_rng(3))
        assert len(casts) == len({cast.text for cast in casts}) >= 3
        assert {cast.lines for cast in casts} == {2 if film.two_lines else 1}
        assert not {cast.text for cast in casts} & {cast.text for cast in (*DAY, *NIGHT)}
    picture = np.full((144, 256, 3), 60, np.uint8)
    picture[60:80, 100:160] = 220
    wet = rained_on(np.random.default_rng(1), picture)
    assert (wet != picture).any()
    assert wet[60:80, 100:160].mean() > wet[100:, :].mean() + 60

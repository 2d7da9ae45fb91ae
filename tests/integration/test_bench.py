"""`alpr bench`: the real pipeline on a workload, against a budget."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.bench.cameras import CameraCost, Road, camera_costs, rows, shipped_roads, short_of
from alpr.bench.reading import stage_name
from alpr.bench.run import FrameTimes, Yardstick, run_bench
from alpr.bench.verdict import (
    BenchReport,
    Budget,
    DeviceClass,
    StageReport,
    Taken,
    load_budget,
    over_budget,
    quantile,
    stage_report,
)
from alpr.errors import ConfigError, SourceError
from alpr.models.card import load_card
from alpr.reading.plate_reader import PlateReader
from alpr.system.machine import this_machine
from alpr.types import Detection, Image, PlateText
from tests.conftest import a_plate_text, some_corners

BENCH = Path(__file__).parents[2] / "bench"


class _TwoPlates:
    """Finds two plates in every picture."""

    model_id = "two@0"

    def detect(self, image: Image) -> list[Detection]:
        return [Detection(some_corners(20, 40), 0.9), Detection(some_corners(180, 40), 0.8)]


class _Fixed:
    """Reads the left one and the right one, always the same."""

    model_id = "fixed@0"
    patch_size_wh = (160, 48)
    margin = (0.05, 0.1)

    def recognise(self, patches: Sequence[Image]) -> list[PlateText]:
        return [a_plate_text("AB12CDE" if patch.mean() < 128 else "XY34ZZT", 0.99) for patch in patches]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    picture = np.full((240, 320, 3), 60, np.uint8)
    picture[:, 160:] = 200
    for _ in range(8):
        writer.write(picture)
    writer.release()
    return path


def test_every_stage_is_timed_against_the_yardstick(film: Path) -> None:
    report = run_bench(film, frames=20, warm_up=3, reader=PlateReader(_TwoPlates(), _Fixed()))
    assert (report.frames, report.plates_in_view, len(report.yardstick_ms)) == (20, 2.0, 20)
    stages = {stage.stage: stage for stage in report.stages}
    assert set(stages) == {
        *("decode", "detect", "recognise", "recognise, per plate", "track", "match", "keep"),
        *("frame", "frame, two plates read"),
    }
    assert stages["frame"].n == stages["detect"].n == 20
    assert 0 < stages["recognise"].n <= 20
    assert report.reads >= 2  # the film is 8 frames long: every round is a pass of its own
    for stage in stages.values():
        assert 0 < stage.p50_ms <= stage.p95_ms <= stage.p99_ms <= stage.max_ms
        assert stage.ratio > 0
    within = (stages[name].p50_ms for name in ("detect", "track"))
    assert stages["frame"].max_ms >= max(within)
    assert report.peak_rss_mb > 10
    assert json.loads(json.dumps(report.fields()))["stages"]["frame"]["n"] == 20


def test_readers_of_two_plates_are_timed_each_in_its_turn(film: Path) -> None:
    reader = PlateReader(_TwoPlates(), _Fixed())
    report = run_bench(film, frames=6, warm_up=2, reader=reader, variants={"one": reader, "other": reader})
    last = report.stages[-2:]
    assert [stage.stage for stage in last] == [stage_name("one"), stage_name("other")]
    assert all(stage.n == 6 and stage.ratio > 0 for stage in last)


def test_frames_without_two_plates_are_not_timed(film: Path) -> None:
    class _OnePlate(_TwoPlates):
        def detect(self, image: Image) -> list[Detection]:
            return super().detect(image)[:1]

    reader = PlateReader(_OnePlate(), _Fixed())
    report = run_bench(film, frames=3, warm_up=0, reader=reader, variants={"one": reader})
    assert stage_name("one") not in {stage.stage for stage in report.stages}


def test_a_workload_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.mp4"):
        run_bench(tmp_path / "none.mp4", frames=1, warm_up=0, reader=PlateReader(_TwoPlates(), _Fixed()))


def test_the_yardstick_never_changes() -> None:
    # All figures ever told are ratios to this very net.
    digest = hashlib.sha256((BENCH / "yardstick.onnx").read_bytes()).hexdigest()
    assert digest == "7945ecf5626d5872f00567381787f4b1497e081ec9ac95dadec170ff61b7c0e5"
    assert digest == load_card(BENCH / "yardstick.yaml").sha256
    yardstick = Yardstick()
    assert min(yardstick.cpu_ns() for _ in range(5)) > 100_000  # 99 million multiply-adds take their time


def test_frame_times_add_up_what_runs_twice_and_forget() -> None:
    times = FrameTimes()
    for _ in range(2):
        with times.measure("a"):
            pass
    with times.measure("b"), times.measure("c"):
        pass
    taken = times.take()
    assert list(taken) == ["a", "c", "b"]
    assert taken["b"].wall_ns >= taken["c"].wall_ns
    assert times.take() == {}


def test_ratio_is_the_median_of_pairs_not_the_ratio_of_medians() -> None:
    # The machine is three times as slow in the last two of five frames: the ratio does not see it.
    pairs = [(Taken(8e6, 6e6), 1e6)] * 3 + [(Taken(40e6, 18e6), 3e6)] * 2
    report = stage_report("detect", pairs)
    assert (report.n, report.p50_ms, report.max_ms, report.cpu_ms, report.ratio) == (5, 8.0, 40.0, 6.0, 6.0)


def test_what_a_frame_took_adds_up() -> None:
    assert Taken(5, 4) + Taken(1, 2) - Taken(3, 3) == Taken(3, 3)
    assert Taken(5, 4) / 2 == Taken(2.5, 2.0)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.1, 1), (0.5, 5), (0.51, 6), (0.99, 10), (1.0, 10)])
def test_quantile(share: float, expected: int) -> None:
    assert quantile(list(range(10, 0, -1)), share) == expected


def _report(**ratios: float) -> BenchReport:
    stages = tuple(StageReport(name, 10, 1.0, 1.0, 1.0, 1.0, 1.0, ratio) for name, ratio in ratios.items())
    return BenchReport("w", 10, 0, 2.0, 1, 0, (), (), 1, this_machine(), 50.0, (0.9, 1.0, 1.1), stages)


def test_over_budget_names_the_stage() -> None:
    budget = Budget(min_plates_in_view=1.9, ratios={"frame": 7.0, "detect": 4.0})
    assert over_budget(_report(frame=7.0, detect=3.9), budget) == []
    (told,) = over_budget(_report(frame=6.0, detect=4.1), budget)
    assert told.startswith("detect: 4.10 yardsticks, budget 4.00")
    assert over_budget(_report(frame=6.0), budget) == ["detect: did not run"]
    (told,) = over_budget(replace(_report(frame=1.0, detect=1.0), plates_in_view=1.2), budget)
    assert "only 1.20 plates found per frame" in told


def test_the_class_of_core_decides_which_budget_holds() -> None:
    slow = DeviceClass(name="slow", yardstick_ms=(0.5, 1.0), ratios={"frame": 3.0})
    fast = DeviceClass(name="fast", yardstick_ms=(0.1, 0.5), ratios={"frame": 9.0})
    budget = Budget(min_plates_in_view=0, ratios={"frame": 7.0, "detect": 4.0}, devices=(fast, slow))
    assert budget.limits(0.9) == {"frame": 3.0, "detect": 4.0}
    assert budget.limits(1.0) == {"frame": 7.0, "detect": 4.0}
    assert over_budget(_report(frame=5.0, detect=1.0), budget)[0].startswith("frame: 5.00 yardsticks, budget 3.00")


def test_a_budget_can_be_silent_about_stages() -> None:
    core = DeviceClass(name="core", yardstick_ms=(0.1, 9.0), ratios={"frame": 3.0, "b": 1.0})
    budget = Budget(min_plates_in_view=0, ratios={"frame": 7.0, "a": 1.0}, devices=(core,)).without(["a", "b"])
    assert budget.limits(1.0) == {"frame": 3.0}
    assert budget.limits(10.0) == {"frame": 7.0}


def test_the_committed_budget_is_the_one_that_was_set() -> None:
    budget = load_budget(BENCH / "budget.yaml")
    zen4 = budget.device(1.95)
    assert zen4 is not None
    assert (zen4.name, zen4.frame_ms) == ("x86 Zen 4 class core", 14)
    # The ratio that is checked comes to those milliseconds on a core in the middle of the class.
    assert zen4.ratios["frame"] * sum(zen4.yardstick_ms) / 2 <= 14.01
    assert all(budget.limits(yardstick_ms)["frame"] for yardstick_ms in (0.2, 0.9, 1.95, 20))
    assert all(stage_name("fp32") in budget.limits(yardstick_ms) for yardstick_ms in (0.2, 0.9, 1.95, 20))
    assert all(stage_name("int8") in device.ratios for device in budget.devices)


def test_a_bad_budget_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "budget.yaml"
    path.write_text("min_plates_in_view: 2\nratios:\n  frame: -1\nratio: {}\n")
    with pytest.raises(ConfigError) as caught:
        load_budget(path)
    assert [line.rpartition("budget.yaml:")[2] for line in str(caught.value).splitlines()] == [
        "3: ratios.frame: should be greater than 0, got -1",
        "4: ratio: unknown key, did you mean 'ratios'?",
    ]


def test_cameras_are_told_for_every_effort_with_the_passes_that_were_read_right(film: Path) -> None:
    road = Road("two plates", film, ("AB12CDE", "XY34ZZT"))
    costs = camera_costs([road], 16, PlateReader(_TwoPlates(), _Fixed()), lambda: 1_000_000)
    assert [cost.step for cost in costs] == [0, 2, 4, 6]
    for cost in costs:
        assert cost.frames >= 16
        assert 0 < cost.decode < cost.frame
        assert cost.times_decoding == pytest.approx(cost.frame / cost.decode)
        assert cost.cameras_a_core == pytest.approx(40.0 / cost.frame)
        assert cost.passes == 2 * 3
    assert costs[0].read == 6
    assert {"road", "step", "times_decoding", "cameras_a_core", "read"} <= set(rows(costs)[0])


def test_what_is_demanded_of_a_core_is_said_where_it_is_not_met() -> None:
    good = CameraCost("empty road", 0, 0, 100, 1.0, 1.2, 1.2, 9.0, 0, 0)
    busy = CameraCost("two plates", 2, 4, 100, 1.0, 4.0, 4.0, 4.1, 8, 8)
    assert short_of([good, busy], 1.3, 4.0) == []
    told = short_of([replace(good, times_decoding=1.4), replace(busy, cameras_a_core=3.9, read=7)], 1.3, 4.0)
    assert told == [
        "empty road: 1.40 × decoding, at most 1.3",
        "two plates: 3.9 cameras a core, at least 4",
        "two plates, step 4: 7 of 8 passes read right",
    ]


def test_the_scenes_of_the_bench_are_there() -> None:
    roads = shipped_roads(BENCH)
    assert [len(road.texts) for road in roads] == [0, 2, 6]
    for road in roads:
        film = cv2.VideoCapture(str(road.video))
        assert (film.get(cv2.CAP_PROP_FRAME_WIDTH), film.get(cv2.CAP_PROP_FPS)) == (1920, 25), road.name

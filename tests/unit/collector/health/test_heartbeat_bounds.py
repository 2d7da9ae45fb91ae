"""One device that invents names: its heartbeat, its alerts, the figures and the rows that come of them stay few."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from alpr.collector.health.board import HealthBoard, HealthLimits
from alpr.collector.health.heartbeat_bounds import MAX_CAMERAS, MAX_LISTS, within_bounds
from alpr.collector.health.monitor import HealthMonitor
from alpr.collector.health.store import HealthStore, read_alerts
from alpr.collector.hotlists.device_hotlists import DeviceHotlistStore, read_device_hotlists
from alpr.collector.service.metrics import CollectorMetrics, CollectorSnapshot
from alpr.events.device_alerts import DeviceAlert
from alpr.link.protocol.heartbeat_messages import (
    CameraHealth,
    ClockHealth,
    Heartbeat,
    ListHealth,
    OutboxHealth,
    Vitals,
)
from alpr.link.protocol.hotlist_messages import HotlistsHeld, RefusalReport
from tests.conftest import START, FakeClock

HONEST = Heartbeat(
    START,
    "alpr 1",
    OutboxHealth({"hit": 1, "read": 2}, 900, {"read": 3.0}, {"read/disk-full": 4}),
    Vitals(cameras=(CameraHealth("north", "running", 25.0, 9, 1),), hotlists=(ListHealth("stolen", 3, 60.0),)),
)


def an_inventive_heartbeat(beat: int = 0) -> Heartbeat:
    """As much as a message may hold, under names that nobody has used before."""
    names = [f"{beat} {number} ".ljust(200, "ä") for number in range(256)]
    many = {f"{beat} {number} ".ljust(200, "x"): number for number in range(9_000)}
    return Heartbeat(
        START,
        "s" * 200,
        OutboxHealth(many, 0, {name: float(age_s) for name, age_s in many.items()}, many),
        Vitals(
            cameras=tuple(CameraHealth(name, "running" * 20, 1.0, 1, 1, 0, 1.0, "e" * 4000) for name in names),
            hotlists=tuple(ListHealth(name, 1, 1e9) for name in names),
            last_error="e" * 4000,
        ),
        ClockHealth(9.0 if beat % 2 else 0.0, 0.0),
    )


def test_an_honest_heartbeat_is_as_it_was() -> None:
    assert within_bounds(HONEST) == HONEST


def test_an_inventive_one_is_cut_to_its_bounds() -> None:
    shown = within_bounds(an_inventive_heartbeat())
    assert (len(shown.vitals.cameras), len(shown.vitals.hotlists)) == (MAX_CAMERAS, MAX_LISTS)
    assert max(len(camera.last_error) for camera in shown.vitals.cameras) == 300
    assert {len(figures) for figures in (shown.outbox.waiting, shown.outbox.oldest_age_s, shown.outbox.lost)} == {64}
    assert max(map(len, shown.outbox.waiting)) == 100


@pytest.mark.parametrize("names", [("north", "north"), ("n" * 150, "n" * 160)])
def test_no_camera_and_no_list_stands_there_twice(names: tuple[str, str]) -> None:
    """Two series of one name made Prometheus refuse the figures of all devices."""
    cameras = tuple(CameraHealth(name, "running", 1.0, 1, 1) for name in names)
    lists = tuple(ListHealth(name, 1, 1.0) for name in names)
    shown = within_bounds(replace(HONEST, vitals=Vitals(cameras=cameras, hotlists=lists)))
    assert (len(shown.vitals.cameras), len(shown.vitals.hotlists)) == (1, 1)


class Figures(Collector):
    def __init__(self, metrics: CollectorMetrics) -> None:
        self._metrics = metrics

    def collect(self):  # type: ignore[no-untyped-def]
        return self._metrics()


def test_one_device_makes_no_scrape_of_ten_mebibytes(tmp_path: Path, clock: FakeClock) -> None:
    with closing(HealthStore(tmp_path / "health.db")) as store:
        monitor = HealthMonitor(
            store, HealthBoard(HealthLimits(), clock, {}), clock, lambda: {"edge"}, lambda _: None
        )
        for beat in range(50):
            monitor.heard("edge", an_inventive_heartbeat(beat))
            clock.advance(1)
            monitor.check()
        board = monitor.board
        metrics = CollectorMetrics(tmp_path)
        metrics.show(CollectorSnapshot(board.devices(), {"edge"}, 60.0, board.standing, {}, {}, {}))
    registry = CollectorRegistry()
    registry.register(Figures(metrics))
    scrape = generate_latest(registry)
    assert len(scrape) < 300_000
    seen = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(scrape.decode())
        for sample in family.samples
    ]
    assert len(seen) == len(set(seen))


@pytest.mark.slow
def test_one_device_raises_no_flood_of_alerts(tmp_path: Path, clock: FakeClock) -> None:
    """New names of lists with each heartbeat, and a clock that jumps, made 4,900 rows in 20 s."""
    told: list[DeviceAlert] = []
    path = tmp_path / "health.db"
    with closing(HealthStore(path)) as store:
        board = HealthBoard(HealthLimits(), clock, {})
        monitor = HealthMonitor(store, board, clock, lambda: {"edge", "other"}, told.append)
        for second in range(600):
            monitor.heard("edge", an_inventive_heartbeat(second))
            monitor.heard("other", replace(HONEST, vitals=Vitals(hotlists=(ListHealth("stolen", 3, 1e6),))))
            clock.advance(1)
            monitor.check()
        monitor.save()
    assert len(told) < 2 * (64 + 64 + 2 * 600 / 60 + 2)
    assert len(read_alerts(path)) < 64 + 64 + 2 * 600 / 60 + 2
    assert [alert.problem.subject for alert in told if alert.problem.device == "other"] == ["stolen"]


def test_what_could_not_be_raised_at_once_is_raised_later(clock: FakeClock) -> None:
    board = HealthBoard(HealthLimits(), clock, {})
    raised = 0
    for _ in range(200):
        board.heard("edge", within_bounds(an_inventive_heartbeat(0)))
        raised += sum(alert.is_raised for alert in board.check({"edge"}))
        clock.advance(1)
    assert raised == MAX_LISTS
    for _ in range(3):  # all names change: as many are over at once, the new ones begin one by one
        board.heard("edge", within_bounds(an_inventive_heartbeat(2)))
        board.check({"edge"})
        clock.advance(61)
    assert 2 <= len(board.standing) <= 6


def test_of_each_device_only_so_many_alerts_that_are_over_are_kept(tmp_path: Path, clock: FakeClock) -> None:
    from alpr.events.device_alerts import DeviceProblem, ProblemKind

    path = tmp_path / "health.db"
    with closing(HealthStore(path)) as store:
        for device, count in (("other", 5), ("edge", 1500)):
            for number in range(count):
                problem = DeviceProblem(device, ProblemKind.LIST_AGE, f"list {number}")
                store.save_alerts(
                    [DeviceAlert(problem, is_raised, clock.now(), "text") for is_raised in (True, False)]
                )
        store.save_alerts([DeviceAlert(DeviceProblem("edge", ProblemKind.CLOCK), True, clock.now(), "stands")])
        started_s = time.process_time()
        store.prune(clock.now(), {"edge", "other"})
        assert time.process_time() - started_s < 1
    kept = [alert.problem for alert in read_alerts(path)]
    assert len([problem for problem in kept if problem.device == "edge"]) == 1001
    assert len([problem for problem in kept if problem.device == "other"]) == 5
    assert kept[1].subject == "list 1499"


def test_history_of_one_device_stays_small(tmp_path: Path, clock: FakeClock) -> None:
    with closing(HealthStore(tmp_path / "health.db")) as store:
        monitor = HealthMonitor(
            store, HealthBoard(HealthLimits(), clock, {}), clock, lambda: {"edge"}, lambda _: None
        )
        for beat in range(20):
            monitor.heard("edge", an_inventive_heartbeat(beat))
            clock.advance(600)
            monitor.save()
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert size / 20 < 200_000  # × 432 rows of three days


def test_what_a_device_says_of_its_hotlists_stays_small(tmp_path: Path, clock: FakeClock) -> None:
    """A thousand refusals of 4,000 characters each, replaced several times a second, kept the disk busy."""
    path = tmp_path / "lists.db"
    refusals = tuple(RefusalReport("all", f"cause {n}", n, START, "m" * 4000) for n in range(1000))
    with closing(DeviceHotlistStore(path)) as store:
        for _ in range(5):
            store.note("edge", HotlistsHeld((), refusals), clock.now())
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 4_000_000
    [held] = read_device_hotlists(path)
    assert (held.refused, held.last_refusal) == (sum(range(1000)), "m" * 300)

"""What raises an alert at the collector and what clears it; what of a device's health is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alpr.clock import instant_from_micros
from alpr.collector.health.board import HealthBoard, HealthLimits
from alpr.collector.health.monitor import HealthMonitor
from alpr.collector.health.store import HISTORY_DAYS, HealthStore, read_alerts, read_latest
from alpr.collector.store.files import health_path, read_rows
from alpr.errors import StoreFull
from alpr.events.device_alerts import DeviceAlert, DeviceProblem, ProblemKind
from alpr.link.protocol.heartbeat_messages import (
    CameraHealth,
    ClockHealth,
    Heartbeat,
    ListHealth,
    OutboxHealth,
    Vitals,
)
from tests.conftest import START, FakeClock

LIMITS = HealthLimits(silent_after_s=60, clock_offset_s=1, list_age_s=3600)


def a_heartbeat(offset_s: float | None = None, uncertainty_s: float = 0.01, **list_ages_s: float) -> Heartbeat:
    lists = tuple(ListHealth(name, 7, age_s) for name, age_s in list_ages_s.items())
    clock = None if offset_s is None else ClockHealth(offset_s, uncertainty_s)
    return Heartbeat(
        START, "alpr test", OutboxHealth({"read": 3}, 900, {"read": 1.5}, {}), Vitals(hotlists=lists), clock
    )


@pytest.fixture
def board(clock: FakeClock) -> HealthBoard:
    return HealthBoard(LIMITS, clock, {})


def in_words(alerts: list[DeviceAlert]) -> list[tuple[str, str, str, bool]]:
    return [
        (alert.problem.device, alert.problem.kind.value, alert.problem.subject, alert.is_raised) for alert in alerts
    ]


def test_silence_raises_one_alert_and_a_sign_of_life_clears_it(board: HealthBoard, clock: FakeClock) -> None:
    board.heard("edge", a_heartbeat())
    clock.advance(60)
    assert board.check({"edge"}) == []
    clock.advance(1)
    [alert] = board.check({"edge"})
    assert in_words([alert]) == [("edge", "silent", "", True)]
    assert alert.text == "edge: nothing heard for 61 s"
    assert board.check({"edge"}) == []
    board.touched("edge")  # a batch is a sign of life too
    [alert] = board.check({"edge"})
    assert (alert.is_raised, alert.text, alert.at) == (False, "edge: heard again", clock.now())
    assert board.check({"edge"}) == []


def test_a_device_that_was_never_heard_is_not_silent(board: HealthBoard, clock: FakeClock) -> None:
    clock.advance(1000)
    assert board.check({"new"}) == []


def test_after_a_restart_devices_have_time_to_come_back(clock: FakeClock) -> None:
    board = HealthBoard(LIMITS, clock, {"edge": (a_heartbeat(), START - timedelta(days=1))})
    clock.advance(59)
    assert board.check({"edge"}) == []
    clock.advance(2)
    assert in_words(board.check({"edge"})) == [("edge", "silent", "", True)]


def test_an_alert_that_stood_before_a_restart_is_not_raised_again_but_cleared(clock: FakeClock) -> None:
    board = HealthBoard(LIMITS, clock, {}, [DeviceProblem("edge", ProblemKind.SILENT)])
    board.heard("edge", a_heartbeat())
    assert in_words(board.check({"edge"})) == [("edge", "silent", "", False)]


def test_a_restart_of_the_collector_clears_nothing_and_raises_nothing_twice(clock: FakeClock) -> None:
    known = {"edge": (a_heartbeat(stolen=4000), START - timedelta(days=1))}
    stood = [
        DeviceProblem("edge", ProblemKind.SILENT),
        DeviceProblem("edge", ProblemKind.LIST_AGE, "stolen"),
        DeviceProblem("gone", ProblemKind.SILENT),
    ]
    board = HealthBoard(LIMITS, clock, known, stood)
    assert in_words(board.check({"edge"})) == [("gone", "silent", "", False)]
    clock.advance(61)
    assert board.check({"edge"}) == []
    assert board.standing == set(stood[:2])
    board.heard("edge", a_heartbeat(stolen=10))
    assert in_words(board.check({"edge"})) == [("edge", "list-age", "stolen", False), ("edge", "silent", "", False)]
    clock.advance(61)
    assert in_words(board.check({"edge"})) == [("edge", "silent", "", True)]


def test_a_device_that_is_revoked_has_no_alerts(board: HealthBoard, clock: FakeClock) -> None:
    board.heard("edge", a_heartbeat())
    clock.advance(61)
    assert len(board.check({"edge"})) == 1
    [alert] = board.check(set())
    assert (alert.is_raised, alert.text) == (False, "edge: no longer on the allow-list")
    assert board.devices() == ()


@pytest.mark.parametrize(
    ("offset_s", "uncertainty_s", "is_raised"),
    [(0.99, 0.0, False), (1.02, 0.01, True), (-1.02, 0.01, True), (1.5, 0.6, False), (3600.0, 0.01, True)],
)
def test_a_clock_that_is_surely_wrong_raises_an_alert(
    board: HealthBoard, offset_s: float, uncertainty_s: float, is_raised: bool
) -> None:
    board.heard("edge", a_heartbeat(offset_s, uncertainty_s))
    alerts = board.check({"edge"})
    assert in_words(alerts) == ([("edge", "clock-offset", "", True)] if is_raised else [])
    assert all(("ahead of" if offset_s > 0 else "behind") in alert.text for alert in alerts)


def test_a_clock_at_the_limit_does_not_flap(board: HealthBoard) -> None:
    told = []
    for offset_s in (0.9, 1.1, 0.99, 1.05, 0.9, 0.7, 0.9):
        board.heard("edge", a_heartbeat(offset_s, 0))
        told += board.check({"edge"})
    assert [alert.is_raised for alert in told] == [True, False]


def test_each_list_that_is_too_old_raises_its_own_alert(board: HealthBoard) -> None:
    board.heard("edge", a_heartbeat(stolen=3601, wanted=10))
    [alert] = board.check({"edge"})
    assert in_words([alert]) == [("edge", "list-age", "stolen", True)]
    assert "revision 7) is 1.0 h old" in alert.text
    board.heard("edge", a_heartbeat(stolen=5, wanted=3700))
    assert in_words(board.check({"edge"})) == [
        ("edge", "list-age", "wanted", True),
        ("edge", "list-age", "stolen", False),
    ]


def test_a_list_grows_old_while_its_device_is_silent(board: HealthBoard, clock: FakeClock) -> None:
    board.heard("edge", a_heartbeat(stolen=3000))
    clock.advance(700)
    assert {alert.problem.kind for alert in board.check({"edge"})} == {ProblemKind.SILENT, ProblemKind.LIST_AGE}


def test_a_clock_that_is_set_at_the_collector_silences_nobody(board: HealthBoard, clock: FakeClock) -> None:
    board.heard("edge", a_heartbeat())
    clock._now += timedelta(hours=1)
    assert board.check({"edge"}) == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HealthStore]:
    with closing(HealthStore(health_path(tmp_path / "reads.db"))) as store:
        yield store


def test_the_last_heartbeat_is_kept_and_a_thin_history(store: HealthStore, tmp_path: Path) -> None:
    path = tmp_path / "reads.health.db"
    for minute in range(60):
        store.save_heartbeats({"edge": (a_heartbeat(minute / 100), START + timedelta(minutes=minute))})
    kept = read_latest(path)["edge"]
    assert kept.received_at == START + timedelta(minutes=59)
    assert kept.heartbeat == a_heartbeat(0.59)
    assert [at.minute for at in history(path, "edge")] == [0, 10, 20, 30, 40, 50]
    assert history(path, "other") == []


def test_history_ends_and_a_revoked_device_is_forgotten(store: HealthStore, tmp_path: Path) -> None:
    path = tmp_path / "reads.health.db"
    for name in ("edge", "gone"):
        for day in range(HISTORY_DAYS + 3):
            store.save_heartbeats({name: (a_heartbeat(), START + timedelta(days=day))})
    store.prune(START + timedelta(days=HISTORY_DAYS + 2), {"edge"})
    assert [at.day for at in history(path, "edge")] == [3, 4, 5, 6]
    assert set(read_latest(path)) == {"edge"}


def test_a_heartbeat_of_another_version_is_left_out(store: HealthStore, tmp_path: Path) -> None:
    store.save_heartbeats({"edge": (a_heartbeat(), START)})
    store._file._connection.execute("INSERT INTO latest VALUES ('new', 1, x'c0')")
    assert set(read_latest(tmp_path / "reads.health.db")) == {"edge"}


def history(path: Path, device: str) -> list[datetime]:
    rows = read_rows(path, "SELECT received_at FROM history WHERE device = ? ORDER BY slot", (device,))
    return [instant_from_micros(at_us) for (at_us,) in rows]


def a_monitor(store: HealthStore, clock: FakeClock, told: list[DeviceAlert]) -> HealthMonitor:
    kept = {name: (each.heartbeat, each.received_at) for name, each in store.latest().items()}
    board = HealthBoard(LIMITS, clock, kept, [alert.problem for alert in store.standing()])
    return HealthMonitor(store, board, clock, lambda: {"edge"}, told.append)


def test_alerts_are_told_and_kept_over_a_restart(store: HealthStore, clock: FakeClock, tmp_path: Path) -> None:
    told: list[DeviceAlert] = []
    monitor = a_monitor(store, clock, told)
    monitor.heard("edge", a_heartbeat())
    monitor.check()
    clock.advance(61)
    monitor.check()
    assert in_words(told) == [("edge", "silent", "", True)]
    [kept] = read_alerts(tmp_path / "reads.health.db")
    assert (kept.raised_at, kept.cleared_at) == (clock.now(), None)

    after = a_monitor(store, clock, told)
    clock.advance(61)
    after.check()
    assert len(told) == 1  # it stands already
    after.heard("edge", a_heartbeat())
    clock.advance(1)
    after.check()
    assert in_words(told)[1:] == [("edge", "silent", "", False)]
    [kept] = read_alerts(tmp_path / "reads.health.db")
    assert kept.cleared_at == clock.now()
    assert read_alerts(tmp_path / "reads.health.db", only_standing=True) == []


def test_a_full_disk_delays_what_is_kept_and_stops_nothing(
    clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class FullStore(HealthStore):
        is_full = True

        def save_heartbeats(self, heartbeats: object) -> None:
            if self.is_full:
                raise StoreFull("no room")
            super().save_heartbeats(heartbeats)  # type: ignore[arg-type]

    told: list[DeviceAlert] = []
    with closing(FullStore(tmp_path / "other.db")) as full:
        monitor = a_monitor(full, clock, told)
        monitor.heard("edge", a_heartbeat())
        monitor.save()
        assert "cannot be saved for now: no room" in caplog.text
        full.is_full = False
        clock.advance(6)
        monitor.save()
        assert set(full.latest()) == {"edge"}


def test_a_camera_that_shows_nothing_is_an_alert_until_it_shows_something(board: HealthBoard) -> None:
    def said(*view: str) -> Heartbeat:
        camera = CameraHealth("gate", "running", 25.0, 100, 0, view=view)
        return Heartbeat(START, "alpr test", OutboxHealth({}, 0, {}, {}), Vitals(cameras=(camera,)))

    board.heard("edge", said("black"))
    [alert] = board.check({"edge"})
    assert in_words([alert]) == [("edge", "camera-view", "gate", True)]
    assert alert.text.startswith("edge: camera gate: the picture is black: look for a covered lens")
    board.heard("edge", said("eclipsed"))  # as a newer device may say
    assert board.check({"edge"}) == []
    board.heard("edge", said())
    assert in_words(board.check({"edge"})) == [("edge", "camera-view", "gate", False)]

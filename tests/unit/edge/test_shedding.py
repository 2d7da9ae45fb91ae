"""The controller keeps every camera within its share, in order, and takes all of it up again."""

from __future__ import annotations

import itertools
import logging

import pytest

from alpr.edge.shedding import CALM, Shedding
from alpr.reading.effort import LADDER

# What a look costs at each step beside all that can be done; what skips frames saves most.
COSTS = (1.0, 0.8, 0.65, 0.6, 0.5, 0.3, 0.15)


def drive(shedding: Shedding, seconds: int, demands: dict[str, float], begin: int = 0) -> int:
    """Run cameras that would take so much of the thread each, were nothing shed; returns when it ended."""
    assert len(COSTS) == len(LADDER)
    for second in range(begin, begin + seconds):
        wanted = {
            camera_id: demand * COSTS[shedding.loads()[camera_id].step] for camera_id, demand in demands.items()
        }
        scale = min(1.0, 1.0 / max(sum(wanted.values()), 1e-9))  # no thread works more than all the time
        for camera_id, took in wanted.items():
            shedding.note(camera_id, round(took * scale * 1e9), round((second + 0.5) * 1e9))
        shedding.note(next(iter(demands)), 0, (second + 1) * 10**9)
    return begin + seconds


def steps(shedding: Shedding) -> dict[str, int]:
    return {camera_id: load.step for camera_id, load in shedding.loads().items()}


def test_nothing_is_shed_where_there_is_time() -> None:
    shedding = Shedding(["a", "b"], 0)
    drive(shedding, 60, {"a": 0.4, "b": 0.4})
    assert steps(shedding) == {"a": 0, "b": 0}
    assert shedding.effort("a") is LADDER[0]
    assert all(load.shed_s == 0 for load in shedding.loads().values())


def test_a_camera_within_its_share_gives_up_nothing_for_one_beyond_it() -> None:
    shedding = Shedding(["quiet", "busy"], 0)
    drive(shedding, 60, {"quiet": 0.2, "busy": 1.2})
    assert steps(shedding)["quiet"] == 0
    assert steps(shedding)["busy"] > 0
    load = shedding.loads()["busy"]
    assert load.sheds == LADDER[load.step].sheds
    assert load.shed_s > 30


def test_under_any_load_the_thread_ends_up_with_time_to_spare_and_every_camera_is_looked_at() -> None:
    shedding = Shedding([f"c{number}" for number in range(6)], 0)
    drive(shedding, 60, {f"c{number}": 0.9 for number in range(6)})
    assert sum(load.used for load in shedding.loads().values()) <= 0.9
    assert all(LADDER[step].look_after_s <= 0.4 for step in steps(shedding).values())
    assert max(steps(shedding).values()) - min(steps(shedding).values()) <= 1


def test_once_the_rush_is_over_everything_is_taken_up_again() -> None:
    shedding = Shedding(["a", "b"], 0)
    ended = drive(shedding, 30, {"a": 1.5, "b": 1.5})
    assert min(steps(shedding).values()) > 0
    drive(shedding, 120, {"a": 0.2, "b": 0.2}, ended)
    assert steps(shedding) == {"a": 0, "b": 0}


def test_a_load_that_lies_between_two_steps_makes_the_effort_swing_ever_less() -> None:
    shedding = Shedding(["a"], 0)
    told: list[int] = []
    second = 0
    for _ in range(600):
        second = drive(shedding, 1, {"a": 1.05}, second)
        told.append(steps(shedding)["a"])
    changes = [now for now, (a, b) in enumerate(itertools.pairwise(told)) if a != b]
    assert len([now for now in changes if now > 300]) <= 12


def test_the_frames_of_a_file_wait_and_are_never_shed() -> None:
    shedding = Shedding([], 0)
    for second in range(1, 20):
        shedding.note("film", 10**9, second * 10**9)
    assert shedding.effort("film") is LADDER[0]
    assert shedding.loads() == {}


def test_what_is_shed_is_said_once_in_words_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    shedding = Shedding(["gate"], 0)
    with caplog.at_level(logging.INFO, "alpr.edge.app"):
        ended = drive(shedding, 20, {"gate": 4.0})
        drive(shedding, 120, {"gate": CALM / 2}, ended)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings[0] == (
        "camera gate: too much for this processor: whole frames only every 0.08 s, in between the plates alone "
        "(step 1 of 6)"
    )
    assert len(warnings) == 2
    assert "one frame every 0.2 s" in warnings[1]
    assert caplog.records[-1].getMessage() == "camera gate: nothing is shed any more"

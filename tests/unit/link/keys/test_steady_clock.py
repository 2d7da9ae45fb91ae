"""Time that does not go back: what has ended stays ended."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.errors import LinkError
from alpr.link.keys.allowlist import AllowList, Device, enrol, replace_key
from alpr.link.keys.claims import ClaimDesk, issue
from alpr.link.keys.curve_keys import new_key_pair
from alpr.link.keys.steady_clock import SteadyClock, highest_time, time_path
from tests.conftest import START, FakeClock


def stepped(by_s: float) -> FakeClock:
    """The clock of a machine that was started anew, and set."""
    return FakeClock(START + timedelta(seconds=by_s))


def step(clock: FakeClock, by_s: float) -> None:
    clock._now += timedelta(seconds=by_s)


def test_it_goes_with_the_clock_and_never_back(tmp_path: Path, clock: FakeClock) -> None:
    steady = SteadyClock(tmp_path / "time", clock)
    assert steady.now() == START
    clock.advance(10)
    step(clock, -3600)
    assert steady.now() == START + timedelta(seconds=10)
    clock.advance(5)
    assert steady.now() == START + timedelta(seconds=15)  # it does not stand still either
    step(clock, 7200)
    assert steady.now() == clock.now()


@pytest.mark.parametrize("steps_s", [-1, -3600, -86_400 * 365])
def test_an_expired_code_is_not_revived_by_a_clock_that_steps_back(
    tmp_path: Path, clock: FakeClock, steps_s: float
) -> None:
    allowed, key = tmp_path / "allowed", new_key_pair().public
    issue(allowed, "gate", key, START + timedelta(hours=1), START)
    desk = ClaimDesk(allowed, clock)
    assert desk.refusal(key) == ""
    clock.advance(3601)
    assert desk.refusal(key) == "expired code"
    step(clock, steps_s)
    assert desk.refusal(key) == "expired code"
    assert ClaimDesk(allowed, stepped(0)).refusal(key) == "expired code"  # nor by a restart with it


def test_a_code_that_nobody_tried_while_it_ended_is_not_revived_either(tmp_path: Path, clock: FakeClock) -> None:
    allowed, key = tmp_path / "allowed", new_key_pair().public
    issue(allowed, "gate", key, START + timedelta(hours=1), START)
    desk = ClaimDesk(allowed, clock)
    clock.advance(3601)
    desk.refresh()  # once a second, while a collector runs
    assert ClaimDesk(allowed, stepped(0)).refusal(key) == "expired code"


def test_a_replaced_key_is_not_revived(tmp_path: Path, clock: FakeClock) -> None:
    allowed, old, new = tmp_path / "allowed", new_key_pair().public, new_key_pair().public
    enrol(allowed, Device("gate", old))
    replace_key(allowed, "gate", old, new, START + timedelta(days=1), START)
    listed = AllowList(allowed, clock)
    assert listed.keys == {old, new}
    clock.advance(86_401)
    listed.refresh()
    step(clock, -86_400 * 30)
    for each in (listed, AllowList(allowed, stepped(0))):
        assert each.keys == {new}
        assert each.name_of(old) is None
        assert each.name_of(new) == "gate"


def test_a_clock_that_was_far_ahead_once_stops_neither_new_codes_nor_the_end_of_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    allowed, first, second = tmp_path / "allowed", new_key_pair().public, new_key_pair().public
    issue(allowed, "gate", first, START + timedelta(hours=1), START)
    ClaimDesk(allowed, stepped(86_400 * 3650))
    clock = stepped(0)
    now = highest_time(allowed, clock.now())
    assert now == START + timedelta(days=3650)
    issue(allowed, "gate", second, now + timedelta(hours=1), now)
    with caplog.at_level(logging.ERROR):
        desk = ClaimDesk(allowed, clock)
    assert "behind the highest time seen" in caplog.text
    assert desk.refusal(second) == ""
    clock.advance(3601)
    assert desk.refusal(second) == "expired code"


def test_what_has_ended_has_ended_though_that_cannot_be_kept(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise LinkError("disk full")

    steady = SteadyClock(tmp_path / "time", clock)
    clock.advance(10)
    with monkeypatch.context() as patch:
        patch.setattr("alpr.link.keys.steady_clock.rewrite", full)
        assert steady.has_passed(START + timedelta(seconds=5))
        step(clock, -100)
        assert steady.has_passed(START + timedelta(seconds=5))
        assert len(caplog.records) == 1
    assert steady.has_passed(START + timedelta(seconds=5))
    assert highest_time(tmp_path / "allowed", START) == START  # another list's
    assert (tmp_path / "time").exists()


def test_an_instant_that_has_not_come_is_not_over(tmp_path: Path, clock: FakeClock) -> None:
    steady = SteadyClock(tmp_path / "time", clock)
    assert not steady.has_passed(START + timedelta(seconds=1))
    assert not (tmp_path / "time").exists()


def test_a_file_that_holds_no_instant_is_no_beginning(tmp_path: Path, clock: FakeClock) -> None:
    time_path(tmp_path / "allowed").write_text("soon\n")
    with pytest.raises(LinkError, match="not an instant"):
        SteadyClock(time_path(tmp_path / "allowed"), clock)

"""View alarms on drawn pictures: each is raised by what it is for, and by nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest

from alpr.types import Image
from alpr.view.alarms import ViewAlarm
from alpr.view.sample import take_sample
from alpr.view.usual_view import UsualView
from alpr.view.view_watch import ViewWatch
from tests.drawn_days import Street, blurred, dazzled, splashed

NOON = Street(1).picture(12.0)
BLACK = np.zeros_like(NOON)


class Watcher:
    """Shows pictures to a watch, one every two seconds, and notes when alarms begin and end."""

    def __init__(self, watch: ViewWatch | None = None) -> None:
        self.watch = watch or ViewWatch()
        self.seconds = 0.0
        self.told: list[tuple[ViewAlarm, bool]] = []

    def show(self, pictures: Iterable[Image], every_s: float = 2.0) -> None:
        for picture in pictures:
            sample = take_sample(picture, round(self.seconds * 1e9))
            self.told += [(change.alarm, change.is_raised) for change in self.watch.take(sample)]
            self.seconds += every_s

    def show_for(self, seconds: float, picture: Callable[[], Image], every_s: float = 2.0) -> None:
        self.show((picture() for _ in range(int(seconds / every_s))), every_s)


@pytest.fixture(scope="module")
def street() -> Street:
    return Street(0)


def noisy(image: Image, rng: np.random.Generator, spread: float = 2.0) -> Image:
    return np.clip(image + rng.normal(0, spread, image.shape[:2])[:, :, None], 0, 255).astype(np.uint8)


def test_a_black_picture_is_black_from_the_first_frame_and_an_alarm_after_seconds() -> None:
    watcher = Watcher()
    watcher.show([BLACK])
    assert watcher.watch.shows_nothing is ViewAlarm.BLACK  # never "running", not even for a moment
    assert watcher.told == []
    watcher.show_for(8, lambda: BLACK)
    assert watcher.told == [(ViewAlarm.BLACK, True)]


@pytest.mark.parametrize("level", [0, 16, 30])
def test_a_covered_lens_is_black_with_its_noise(street: Street, level: int) -> None:
    watcher, rng = Watcher(), np.random.default_rng(0)
    watcher.show_for(60, lambda: street.picture(12.0))
    assert watcher.watch.shows_nothing is None
    watcher.show_for(10, lambda: noisy(np.full_like(NOON, level), rng))
    assert watcher.told == [(ViewAlarm.BLACK, True)]
    watcher.show_for(30, lambda: street.picture(12.0))
    assert watcher.told == [(ViewAlarm.BLACK, True), (ViewAlarm.BLACK, False)]


def test_one_dark_frame_is_no_alarm(street: Street) -> None:
    watcher = Watcher()
    for _ in range(10):
        watcher.show_for(10, lambda: street.picture(12.0))
        watcher.show([BLACK])
    assert watcher.told == []


def test_a_road_without_lamps_becomes_black_late_in_the_dusk_and_not_with_each_headlamp() -> None:
    watcher, dark = Watcher(), Street(0, lamps=False)
    hours = np.arange(17.7, 19.2, 30 / 3600)
    watcher.show((dark.picture(hour) for hour in hours if hour < 18.4), every_s=30)
    assert watcher.told == []
    watcher.show((dark.picture(hour) for hour in hours if hour >= 18.4), every_s=30)
    assert watcher.told == [(ViewAlarm.BLACK, True)]  # nothing can be seen, and it is said
    for _ in range(5):  # a vehicle every five minutes ends no alarm and raises none
        watcher.show([dark.picture(22.0, vehicle_at=0.5)])
        watcher.show_for(300, lambda: dark.picture(22.0), every_s=30)
    assert watcher.told == [(ViewAlarm.BLACK, True)]


def test_a_camera_that_reads_plates_in_the_dark_is_not_called_black() -> None:
    watcher, dark = Watcher(), Street(0, lamps=False)
    watcher.show_for(20, lambda: dark.picture(22.0))
    assert watcher.told == [(ViewAlarm.BLACK, True)]
    assert [change.is_raised for change in watcher.watch.note_read()] == [False]
    watcher.show_for(3600, lambda: dark.picture(22.0), every_s=60)
    assert watcher.told == [(ViewAlarm.BLACK, True)]
    assert watcher.watch.reads_in_dark
    again = Watcher(ViewWatch(reads_in_dark=True))  # after a restart in the same night
    again.show_for(1200, lambda: dark.picture(22.0), every_s=60)
    assert again.told == []
    assert again.watch.shows_nothing is None


def test_its_lens_covered_by_day_it_is_black_all_the_same(street: Street) -> None:
    watcher = Watcher(ViewWatch(reads_in_dark=True))
    watcher.show_for(60, lambda: street.picture(12.0))
    watcher.show_for(10, lambda: BLACK)
    assert watcher.told == [(ViewAlarm.BLACK, True)]


def test_a_picture_that_stands_still_is_frozen_and_moves_again(street: Street) -> None:
    watcher = Watcher()
    watcher.show_for(20, lambda: street.picture(12.0))
    watcher.show_for(40, lambda: NOON)
    assert watcher.told == [(ViewAlarm.FROZEN, True)]
    assert watcher.watch.shows_nothing is ViewAlarm.FROZEN
    watcher.show_for(4, lambda: street.picture(12.0))
    assert watcher.told == [(ViewAlarm.FROZEN, True), (ViewAlarm.FROZEN, False)]


def test_a_frozen_picture_whose_clock_goes_on_is_frozen() -> None:
    def with_clock(second: int) -> Image:
        picture = NOON.copy()
        cv2.putText(picture, f"2026-11-28 07:{second // 60:02}:{second % 60:02}", (8, 20), 0, 0.5, (255, 255, 255))
        return picture

    watcher = Watcher()
    watcher.show(with_clock(second) for second in range(40))
    assert watcher.told == [(ViewAlarm.FROZEN, True)]


def test_an_empty_street_by_night_is_not_frozen(street: Street) -> None:
    watcher = Watcher()
    watcher.show_for(80, lambda: street.picture(2.0))
    assert watcher.told == []


def test_sun_in_the_lens_blinds_and_a_flash_does_not(street: Street) -> None:
    watcher = Watcher()
    watcher.show_for(20, lambda: street.picture(12.0))
    watcher.show_for(10, lambda: dazzled(street.picture(12.0)))
    watcher.show_for(60, lambda: street.picture(12.0))
    assert watcher.told == []
    watcher.show_for(40, lambda: dazzled(street.picture(12.0)))
    assert watcher.told == [(ViewAlarm.BLINDED, True)]
    assert watcher.watch.shows_nothing is ViewAlarm.BLINDED


@pytest.mark.parametrize("hour", [12.0, 23.0])
def test_a_lens_out_of_focus_is_blurred_by_day_and_night(street: Street, hour: float) -> None:
    watcher = Watcher()
    watcher.show_for(20, lambda: street.picture(hour))
    watcher.show_for(70, lambda: blurred(street.picture(hour)))
    assert watcher.told == [(ViewAlarm.BLURRED, True)]
    assert watcher.watch.shows_nothing is None  # plates close by may still be read: it runs, with an alarm
    watcher.show_for(70, lambda: street.picture(hour))
    assert watcher.told == [(ViewAlarm.BLURRED, True), (ViewAlarm.BLURRED, False)]


@pytest.fixture(scope="module")
def settled() -> UsualView:
    """What a camera has learnt of the street in some minutes at noon."""
    watcher, street = Watcher(), Street(0)
    watcher.show_for(400, lambda: street.picture(12.0), every_s=5)
    assert watcher.told == []
    return watcher.watch.scene


@pytest.mark.parametrize("turned", [(16, 0), (0, -14), (100, 60)])
def test_a_camera_that_was_turned_has_moved_until_it_is_turned_back(
    street: Street, settled: UsualView, turned: tuple[int, int]
) -> None:
    watcher = Watcher(ViewWatch(copy.deepcopy(settled)))
    watcher.show_for(90, lambda: street.picture(12.0, turned=turned), every_s=5)
    assert watcher.told == [(ViewAlarm.MOVED, True)]
    assert watcher.watch.shows_nothing is None
    watcher.show_for(90, lambda: street.picture(12.0), every_s=5)
    assert watcher.told == [(ViewAlarm.MOVED, True), (ViewAlarm.MOVED, False)]


def test_a_new_view_can_be_accepted(street: Street, settled: UsualView) -> None:
    watcher = Watcher(ViewWatch(copy.deepcopy(settled)))
    watcher.show_for(90, lambda: street.picture(12.0, turned=(100, 60)), every_s=5)
    assert [change.alarm for change in watcher.watch.accept()] == [ViewAlarm.MOVED]
    watcher.show_for(120, lambda: street.picture(12.0, turned=(100, 60)), every_s=5)
    assert watcher.told == [(ViewAlarm.MOVED, True)]
    watcher.show_for(90, lambda: street.picture(12.0), every_s=5)
    assert watcher.told == [(ViewAlarm.MOVED, True), (ViewAlarm.MOVED, True)]


def test_a_vehicle_before_the_camera_for_half_a_minute_has_not_moved_it(street: Street, settled: UsualView) -> None:
    watcher = Watcher(ViewWatch(copy.deepcopy(settled)))
    watcher.show_for(40, lambda: np.full_like(NOON, 90) // 2 + street.picture(12.0, turned=(60, 0)) // 2, every_s=5)
    watcher.show_for(60, lambda: street.picture(12.0, vehicle_at=0.9), every_s=5)
    assert watcher.told == []


def test_a_camera_in_a_vehicle_has_not_moved(street: Street, settled: UsualView) -> None:
    watcher = Watcher(ViewWatch(copy.deepcopy(settled), is_moving=True))
    watcher.show_for(90, lambda: street.picture(12.0, turned=(100, 60)), every_s=5)
    assert watcher.told == []


def test_black_does_not_say_that_the_camera_is_turned_back(street: Street, settled: UsualView) -> None:
    watcher = Watcher(ViewWatch(copy.deepcopy(settled)))
    watcher.show_for(90, lambda: street.picture(12.0, turned=(100, 60)), every_s=5)
    watcher.show_for(90, lambda: BLACK, every_s=5)
    assert watcher.told == [(ViewAlarm.MOVED, True), (ViewAlarm.BLACK, True)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_drops_or_dirt_on_the_lens_obscure_it_after_some_minutes(
    street: Street, settled: UsualView, seed: int
) -> None:
    watcher = Watcher(ViewWatch(copy.deepcopy(settled)))
    watcher.show_for(500, lambda: splashed(street.picture(12.0), seed=seed), every_s=20)
    assert watcher.told == []  # a lorry that waits does as much
    watcher.show_for(200, lambda: splashed(street.picture(12.0), seed=seed), every_s=20)
    assert watcher.told == [(ViewAlarm.OBSCURED, True)]
    watcher.show_for(200, lambda: street.picture(12.0), every_s=20)
    assert watcher.told == [(ViewAlarm.OBSCURED, True), (ViewAlarm.OBSCURED, False)]


def test_what_is_learnt_is_not_learnt_from_a_faulty_picture(street: Street, settled: UsualView) -> None:
    watcher = Watcher(ViewWatch(copy.deepcopy(settled)))
    known = watcher.watch.scene.baselines["bright grey"].samples
    watcher.show_for(90, lambda: blurred(street.picture(12.0)), every_s=5)
    assert watcher.watch.scene.baselines["bright grey"].samples == known


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("seed", "is_cloudy"), [(0, False), (1, True)])
def test_a_day_with_dusk_and_dawn_raises_no_alarm_and_each_fault_after_it_does(seed: int, is_cloudy: bool) -> None:
    street, watcher, rng = Street(seed), Watcher(), np.random.default_rng(seed)
    dusk, dawn = np.arange(17.5, 19.2, 30 / 3600), np.arange(28.5, 30.5, 30 / 3600)
    parts = (np.arange(11, 17.5, 0.05), dusk, np.arange(19.2, 28.5, 0.05), dawn, np.arange(30.5, 36, 0.05))
    for hour in np.concatenate(parts):
        watcher.seconds = hour * 3600
        vehicle_at = float(rng.uniform()) if rng.uniform() < 0.3 else None
        cloud = float(rng.uniform()) if is_cloudy else 0.0
        watcher.show([street.picture(hour % 24, vehicle_at=vehicle_at, cloud=cloud)], every_s=10)
    assert watcher.told == []
    for spoil, alarm, seconds in (
        (splashed, ViewAlarm.OBSCURED, 800),
        (blurred, ViewAlarm.BLURRED, 100),
        (dazzled, ViewAlarm.BLINDED, 100),
        (np.zeros_like, ViewAlarm.BLACK, 100),
    ):
        watcher.told.clear()
        watcher.show_for(seconds, lambda spoil=spoil: spoil(street.picture(12.0)), every_s=10)  # type: ignore[misc]
        assert watcher.told == [(alarm, True)]
        watcher.show_for(200, lambda: street.picture(12.0), every_s=10)
        assert watcher.told == [(alarm, True), (alarm, False)]

"""Fitting what looks and text say of a place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alpr.evaluation import PlateLabel, SceneLabel
from alpr.types import Detection
from tests.conftest import some_corners
from training.fit_plate_evidence import Place, examples, fit


def a_place(x: float, scores: float = 1.0, text: float = 0.0) -> Place:
    return Place(Detection(some_corners(x=x), 0.5), scores, text)


def a_scene(*plates_at: float, unlabelled_at: tuple[float, ...] = ()) -> SceneLabel:
    def box(x: float) -> list[float]:
        return [x, 100, x + 100, 125]

    return SceneLabel(
        image=Path("scene.jpg"),
        region="",
        source="",
        plates=tuple(PlateLabel(np.array(box(x), np.float32), None, None) for x in plates_at),
        unlabelled=np.array([box(x) for x in unlabelled_at], np.float32).reshape(-1, 4),
    )


def test_plates_are_told_from_the_rest_and_what_is_neither_is_left_out() -> None:
    places = [a_place(105), a_place(300), a_place(160), a_place(500), a_place(100, scores=0.5)]
    told = examples(a_scene(100, unlabelled_at=(500,)), places)
    assert [(place.detection.corners[0, 0], is_plate) for place, is_plate in told] == [(105, True), (300, False)]


def test_where_no_plate_is_labelled_nothing_is_one() -> None:
    assert [is_plate for _, is_plate in examples(a_scene(), [a_place(100)])] == [False]


def test_the_fit_finds_the_weights_that_made_the_examples() -> None:
    rng = np.random.default_rng(3)
    told = []
    for _ in range(6000):
        scores, text = float(rng.normal(0, 3)), float(rng.uniform())
        chance = 1 / (1 + np.exp(2.0 - 1.2 * scores - 1.5 * text))
        told.append((a_place(0, scores, text), bool(rng.uniform() < chance)))
    evidence = fit(told)
    assert evidence.bias == pytest.approx(-2.0, abs=0.25)
    assert evidence.score == pytest.approx(1.2, abs=0.12)
    assert evidence.text == pytest.approx(1.5, abs=0.35)

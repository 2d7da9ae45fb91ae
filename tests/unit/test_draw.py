"""Annotated copies."""

from __future__ import annotations

import numpy as np
import pytest

from alpr.draw import annotate
from tests.conftest import an_image, an_observation


def test_the_picture_itself_is_not_touched() -> None:
    image = an_image(640, 480)
    before = image.copy()
    drawn = annotate(image, [an_observation()])
    assert (image == before).all()
    assert (drawn != image).any()


def test_a_plate_is_outlined_where_it_is() -> None:
    drawn = annotate(an_image(640, 480), [an_observation(x=300, y=300)])
    edge = drawn[298:303, 320:380].reshape(-1, 3).astype(int)
    assert (np.abs(edge - an_image()[0, 0]).sum(axis=1) > 60).any()


def test_no_plate_leaves_the_picture_as_it_is() -> None:
    assert (annotate(an_image(), []) == an_image()).all()


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (40, 30), (4000, 20)])
@pytest.mark.parametrize("at", [(0, 0), (-50, -50), (3000, 3000)])
def test_odd_sizes_and_places_are_survived(size: tuple[int, int], at: tuple[int, int]) -> None:
    image = an_image(*size)
    assert annotate(image, [an_observation(x=at[0], y=at[1])]).shape == image.shape


def test_two_labels_do_not_cover_each_other() -> None:
    one = annotate(an_image(900, 500), [an_observation("AAA111", 400, 200)])
    both = annotate(an_image(900, 500), [an_observation("AAA111", 400, 200), an_observation("BBB222", 420, 205)])
    label = (slice(150, 194), slice(380, 520))
    assert (one[label] == both[label]).mean() > 0.9

"""`alpr read` tells places in the pixels of the file, whatever it was reduced to."""

from __future__ import annotations

from typing import Any

import numpy as np

from alpr.capture.pictures import Picture
from alpr.cli.read import _in_full_size


def test_corners_of_a_reduced_picture_are_those_of_the_file() -> None:
    picture = Picture(np.zeros((1501, 2001, 3), np.uint8), 4001, 3001)
    row: Any = {"plate": "AB12", "corners": [[0.0, 0.0], [2001.0, 0.0], [2001.0, 1501.0], [0.0, 1501.0]]}
    assert _in_full_size(row, picture)["corners"] == [(0, 0), (4001, 0), (4001, 3001), (0, 3001)]


def test_corners_of_a_whole_picture_stay() -> None:
    picture = Picture(np.zeros((15, 20, 3), np.uint8), 20, 15)
    row: Any = {"corners": [(1.3, 2.7)]}
    assert _in_full_size(row, picture)["corners"] == [(1.3, 2.7)]

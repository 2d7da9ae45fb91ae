"""Reading labels.jsonl: one line per picture, either a whole scene or the crop of one plate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from alpr.errors import DecodeError, LabelError
from alpr.geometry import bounding_box
from alpr.plates import normalise, unwritten_letters
from alpr.system.decoding import decoded
from alpr.system.regular_files import read_regular
from alpr.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PlateLabel:
    """One plate in a scene."""

    box: FloatArray
    """(4,) x1, y1, x2, y2 in pixels."""
    text: str | None
    """Normalised; None where nobody could or did read it."""
    lines: int | None = None

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return float(self.box[2] - self.box[0])


@dataclass(frozen=True, slots=True, eq=False)
class SceneLabel:
    """A photograph or frame with its plates."""

    image: Path
    region: str
    source: str
    plates: tuple[PlateLabel, ...]
    unlabelled: FloatArray
    """(m, 4) boxes of what may be plates too: a detection there is neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class CropLabel:
    """The crop of one plate with its text."""

    image: Path
    region: str
    source: str
    text: str
    """Normalised: what A–Z and 0–9 cannot write (京) is dropped; "" where the label says that there is none."""
    lines: int | None
    is_latin: bool
    """True where nothing had to be dropped."""


class _PlateRow(msgspec.Struct):
    corners: list[tuple[float, float]] | None = None
    box: tuple[float, float, float, float] | None = None
    text: str | None = None
    lines: int | None = None


class _Row(msgspec.Struct):
    image: str
    split: str = ""
    region: str | None = None
    source: str = ""
    plates: list[_PlateRow] | None = None
    unlabelled: list[tuple[float, float, float, float]] = []
    text: str | None = None
    lines: int | None = None


_MOST_BYTES = 256 << 20

Boxes: TypeAlias = Mapping[str, list[tuple[float, float, float, float]]]
"""A picture's name as in the labels → boxes x1, y1, x2, y2."""


def load_labels(
    path: Path, *, split: str = "", source: str = "", unlabelled: Boxes | None = None
) -> list[SceneLabel | CropLabel]:
    """Read the labels of one split.

    Args:
        path: of the labels.jsonl; pictures are meant from its folder.
        split: keep the rows of this split and those that name none; "" keeps all.
        source: keep the rows of this source only; "" keeps all.
        unlabelled: of scenes, beside those that the labels name themselves.

    Raises:
        LabelError: the file cannot be read or a line is not a label; names the line.
    """
    try:
        lines = read_regular(path, _MOST_BYTES).splitlines()
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    decoder = msgspec.json.Decoder(_Row)
    labels: list[SceneLabel | CropLabel] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = decoded(decoder, line)
            if (split and row.split not in {"", split}) or (source and row.source != source):
                continue
            row.unlabelled += (unlabelled or {}).get(row.image, [])
            labels.append(_scene(path, row) if row.plates is not None else _crop(path, row))
        except (DecodeError, ValueError) as error:
            raise LabelError(f"{path}:{number}: {error}") from error
    return labels


_boxes = msgspec.json.Decoder(dict[str, list[tuple[float, float, float, float]]])


def load_boxes(path: Path) -> Boxes:
    """Read `{"image": [[x1, y1, x2, y2], ...]}`: plates that a person has seen and no label names.

    Args:
        path: of the JSON file.

    Raises:
        LabelError: the file cannot be read or says something else.
    """
    try:
        return decoded(_boxes, read_regular(path, _MOST_BYTES))
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except DecodeError as error:
        raise LabelError(f"{path}: {error}; it must hold pictures' names and their boxes") from error


def _scene(path: Path, row: _Row) -> SceneLabel:
    return SceneLabel(
        image=path.parent / row.image,
        region=row.region or "",
        source=row.source,
        plates=tuple(map(_plate, row.plates or ())),
        unlabelled=np.array(row.unlabelled, np.float32).reshape(-1, 4),
    )


def _plate(row: _PlateRow) -> PlateLabel:
    if row.box is not None:
        box = np.array(row.box, np.float32)
    elif row.corners is not None and len(row.corners) == 4:
        box = bounding_box(np.array(row.corners, np.float32))
    else:
        raise ValueError("a plate needs its box or its four corners")
    if not (np.isfinite(box).all() and box[0] < box[2] and box[1] < box[3]):
        raise ValueError(f"a plate's box must be x1 < x2, y1 < y2, got {box.tolist()}")
    return PlateLabel(box, normalise(row.text) or None if row.text else None, row.lines)


def _crop(path: Path, row: _Row) -> CropLabel:
    text = normalise(row.text or "")
    if not text and row.text != "":
        raise ValueError(
            "a label needs `plates` (a scene) or a `text` with letters or digits (the crop of one plate; "
            '"" where there is no plate text)'
        )
    return CropLabel(
        image=path.parent / row.image,
        region=row.region or "",
        source=row.source,
        text=text,
        lines=row.lines,
        is_latin=not unwritten_letters(row.text or ""),
    )

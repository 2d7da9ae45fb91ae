"""Scores of labels and readings small enough to work out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from alpr.errors import LabelError
from alpr.evaluation import (
    CropLabel,
    CropResult,
    PlateLabel,
    SceneLabel,
    SceneResult,
    Seen,
    TextPair,
    crop_rows,
    load_labels,
    match_boxes,
    scene_rows,
    score_detections,
    score_texts,
)
from alpr.types import FloatArray


def _box(x: float, y: float, width: float, height: float = 20) -> FloatArray:
    return np.array([x, y, x + width, y + height], np.float32)


def _scene(plates: list[tuple[FloatArray, str | None]], seen: list[Seen], **other: object) -> SceneResult:
    unlabelled = np.array(other.get("unlabelled", []), np.float32).reshape(-1, 4)
    labelled = tuple(PlateLabel(box, text) for box, text in plates)
    label = SceneLabel(Path("a.jpg"), str(other.get("region", "NL")), "src", labelled, unlabelled)
    return SceneResult(label, tuple(seen))


def _crop(truth: str, read: str, confidence: float = 1.0, **other: object) -> CropResult:
    label = CropLabel(
        Path("a.jpg"), str(other.get("region", "NL")), "src", truth, 1, is_latin=bool(other.get("is_latin", True))
    )
    return CropResult(label, read, confidence, width=int(str(other.get("width", 100))))


def _row(rows: list[dict[str, object]], group: str, name: str) -> dict[str, object]:
    (found,) = [row for row in rows if (row["group"], row["name"]) == (group, name)]
    return found


def test_texts() -> None:
    score = score_texts(
        [
            TextPair("AB12", "AB12", 0.95),
            TextPair("AO1I", "A01I", 0.95),  # one character off, and none when O=0 and I=1
            TextPair("XY99", "XY9", 0.45),  # one left out
            TextPair("XY99", "", 0.05),  # four left out
        ]
    )
    assert (score.n, score.exact, score.exact_merged) == (4, 1, 2)
    assert score.char_accuracy == pytest.approx(1 - 6 / 16)
    # Bins: 0.9-1.0 holds two, one right: |1 - 1.9|; 0.4-0.5 one wrong: 0.45; 0-0.1 one wrong: 0.05.
    assert score.calibration_error == pytest.approx((0.9 + 0.45 + 0.05) / 4)


def test_no_texts_and_texts_longer_than_the_truth() -> None:
    assert score_texts([]).n == 0
    assert score_texts([]).char_accuracy == 0.0
    assert score_texts([TextPair("A", "XXXXXX", 1.0)]).char_accuracy == 0.0
    assert score_texts([TextPair("A", "A", 1.0)]).calibration_error == 0.0


def test_matching_takes_the_best_overlap_and_each_box_once() -> None:
    labelled = np.stack([_box(0, 0, 100), _box(30, 0, 100)])
    seen = np.stack([_box(28, 0, 100), _box(500, 0, 100)])
    assert match_boxes(labelled, seen) == [None, 0]
    assert match_boxes(labelled[:1], np.zeros((0, 4), np.float32)) == [None]
    assert match_boxes(np.zeros((0, 4), np.float32), seen) == []


@pytest.mark.parametrize(("shift", "expected"), [(33, 0), (34, None)])
def test_the_threshold_is_half_the_union(shift: float, expected: int | None) -> None:
    # Two boxes 100 wide shifted by s overlap in (100 - s) / (100 + s): one half at s = 33.3.
    assert match_boxes(_box(0, 0, 100)[None], _box(shift, 0, 100)[None]) == [expected]


def test_detections() -> None:
    plate, other = _box(0, 0, 100), _box(200, 0, 70)
    results = [
        _scene(
            [(plate, None), (other, None)],
            [
                Seen(_box(2, 0, 100), "A", 0.9),
                Seen(_box(-4, 0, 100), "A", 0.8),  # the same plate again
                Seen(_box(400, 0, 50), "B", 0.9),  # no label, but marked as perhaps a plate
                Seen(_box(600, 0, 50), "C", 0.9),  # nothing there
            ],
            unlabelled=[_box(400, 0, 52)],
        ),
        _scene([], [Seen(_box(0, 0, 10), "D", 0.5)]),
        _scene([], []),
    ]
    score = score_detections(results)
    assert (score.images, score.plates, score.found, score.false) == (3, 2, 1, 3)
    assert (score.recall, score.false_per_image) == (0.5, 1.0)
    assert (score_detections([]).recall, score_detections([]).false_per_image) == (0.0, 0.0)


def test_scene_rows_by_region_and_plate_width() -> None:
    narrow, wide = _box(0, 0, 50), _box(200, 0, 160)
    results = [
        _scene([(narrow, "AB1"), (wide, "AB1")], [Seen(wide, "AB1", 0.9)], region="NL"),
        _scene([(wide, "CD2")], [Seen(wide, "CD3", 0.9), Seen(narrow, "", 0.9)], region="DE"),
    ]
    rows = scene_rows(results)
    whole = _row(rows, "all", "all")
    assert (whole["plates"], whole["found"], whole["recall"], whole["false_per_image"]) == (3, 2, 0.6667, 0.5)
    assert (whole["texts"], whole["exact"]) == (3, 1)  # a plate that was not found is a text not read
    assert (_row(rows, "region", "DE")["recall"], _row(rows, "region", "NL")["recall"]) == (1.0, 0.5)
    narrowest, widest = _row(rows, "width", "< 60 px"), _row(rows, "width", ">= 150 px")
    assert (narrowest["plates"], narrowest["recall"], narrowest["exact"]) == (1, 0.0, 0)
    assert (widest["plates"], widest["recall"], widest["exact"]) == (2, 1.0, 1)
    assert _row(rows, "width", "60 px and wider")["plates"] == 2
    assert len({tuple(row) for row in rows}) == 1  # all rows have the same columns


def test_crop_rows() -> None:
    rows = crop_rows(
        [
            _crop("AB12", "AB12", region="NL", width=79),
            _crop("A0", "AO", region="NL", width=80),
            _crop("A123", "A1X3", region="CN", is_latin=False),
        ]
    )
    assert [(row["group"], row["name"]) for row in rows] == [
        ("all", "all"),
        ("script", "Latin"),
        ("region", "CN"),
        ("region", "NL"),
        ("width (Latin)", "< 80 px"),
        ("width (Latin)", "80-128 px"),
    ]
    assert (rows[0]["texts"], rows[0]["exact"], rows[0]["merged"]) == (3, 1, 2)
    assert (rows[1]["texts"], rows[1]["exact_share"], rows[1]["merged_share"]) == (2, 0.5, 1.0)
    assert crop_rows([]) == []


def _labels(folder: Path, *rows: object) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_labels_of_both_kinds(tmp_path: Path) -> None:
    path = _labels(
        tmp_path,
        {"image": "a.jpg", "split": "dev", "region": "CN", "text": "京A-12345", "lines": None, "more": 1},
        "",
        {
            "image": "b/c.jpg",
            "split": "dev",
            "region": "NL",
            "plates": [
                {"corners": [[10, 5], [50, 0], [50, 20], [10, 25]], "box": None, "text": "ab 1"},
                {"corners": None, "box": [1, 2, 3, 4.5], "text": None},
            ],
            "unlabelled": [[0, 0, 5, 5]],
        },
        {"image": "d.jpg", "split": "train", "text": "X"},
        {"image": "e.jpg", "text": "NOSPLIT"},
    )
    crop, scene, always = load_labels(path, split="dev")
    assert isinstance(crop, CropLabel)
    assert isinstance(scene, SceneLabel)
    assert isinstance(always, CropLabel)
    assert (crop.text, crop.is_latin, crop.lines, always.is_latin) == ("A12345", False, None, True)
    assert scene.image == tmp_path / "b/c.jpg"
    assert [plate.box.tolist() for plate in scene.plates] == [[10, 0, 50, 25], [1, 2, 3, 4.5]]
    assert [plate.text for plate in scene.plates] == ["AB1", None]
    assert scene.unlabelled.shape == (1, 4)
    assert len(load_labels(path)) == 4
    assert load_labels(path, source="x") == []


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        {"split": "dev"},
        {"image": "a.jpg"},
        {"image": "a.jpg", "text": "-"},
        {"image": "a.jpg", "plates": [{"text": "A"}]},
        {"image": "a.jpg", "plates": [{"box": [5, 5, 5, 9]}]},
        {"image": "a.jpg", "plates": [{"box": [1, 2, 3]}]},
        {"image": "a.jpg", "plates": [{"corners": [[1, 2]]}]},
    ],
)
def test_a_bad_label_names_its_line(tmp_path: Path, row: object) -> None:
    path = _labels(tmp_path, {"image": "a.jpg", "text": "A1"}, row)
    with pytest.raises(LabelError, match=r"labels.jsonl:2: "):
        load_labels(path)


def test_no_labels_file(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="No such file"):
        load_labels(tmp_path / "none.jsonl")

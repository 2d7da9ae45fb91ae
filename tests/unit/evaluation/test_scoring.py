"""Scores of labels and readings small enough to work out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpr.errors import LabelError
from alpr.evaluation import (
    CropLabel,
    CropResult,
    Faint,
    PlateLabel,
    SceneLabel,
    SceneResult,
    Seen,
    comparison_rows,
    crop_rows,
    curve_rows,
    load_boxes,
    load_labels,
    match_boxes,
    scene_rows,
    score_detections,
    score_texts,
)
from alpr.evaluation.causes import Cause, cause_of, count_causes, count_confusions
from alpr.evaluation.compare import compare
from alpr.evaluation.failures import failures
from alpr.evaluation.statistics import poisson, wilson
from alpr.types import FloatArray
from tests.conftest import an_outcome


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
            an_outcome("AB12", "AB12", 0.95),
            an_outcome("AO1I", "A01I", 0.95),  # one character off, and none when O=0 and I=1
            an_outcome("XY99", "XY9", 0.45),  # one left out
            an_outcome("XY99", "", 0.05),  # four left out
            an_outcome(None, "ZZZ", 0.99),  # nobody knows
        ]
    )
    assert (score.n, score.exact, score.exact_merged) == (4, 1, 2)
    assert (score.chars, score.chars_right) == (16, 10)
    assert score.char_accuracy == pytest.approx(1 - 6 / 16)
    # Bins: 0.9-1.0 holds two, one right: |1 - 1.9|; 0.4-0.5 one wrong: 0.45; 0-0.1 one wrong: 0.05.
    assert score.calibration_error == pytest.approx((0.9 + 0.45 + 0.05) / 4)
    # Characters: eight at 0.95, seven right: |7 - 7.6|; three at 0.45, all right: |3 - 1.35|.
    assert score.char_calibration_error == pytest.approx((0.6 + 1.65) / 11)


def test_no_texts_and_texts_longer_than_the_truth() -> None:
    assert score_texts([]).n == 0
    assert score_texts([]).char_accuracy == 0.0
    assert score_texts([an_outcome("A", "BCDEFG", 1.0)]).char_accuracy == 0.0
    assert score_texts([an_outcome("A", "A", 1.0)]).calibration_error == 0.0


def test_a_plate_that_was_not_found_is_not_read_and_claims_nothing() -> None:
    score = score_texts([replace(an_outcome("A", ""), is_found=False, confidence=0.0), an_outcome("", "", 0.9)])
    assert (score.n, score.exact, score.chars) == (2, 1, 1)
    assert score.calibration_error == pytest.approx(0.1)
    assert sum(b.n for b in score.text_bins) == 1


@pytest.mark.parametrize(
    ("truth", "read", "cause"),
    [
        ("AB123", "AB123", None),
        ("AB123", "A8I23", Cause.LOOK_ALIKE),
        ("AB123", "AB12", Cause.MISSED_AT_AN_END),
        ("AB123", "B123", Cause.MISSED_AT_AN_END),
        ("AB123", "B12", Cause.MISSED_AT_AN_END),
        ("AB123", "A123", Cause.MISSED_INSIDE),
        ("AB123", "A12", Cause.MISSED_INSIDE),
        ("AB123", "XAB123", Cause.EXTRA),
        ("AB123", "AB1X23", Cause.EXTRA),
        ("AB123", "AW123", Cause.OTHER),
        ("AB123", "A81234", Cause.OTHER),
        ("AB123", "", Cause.NOTHING_READ),
        ("", "TDI", Cause.INVENTED),
        ("", "", None),
    ],
)
def test_causes(truth: str, read: str, cause: Cause | None) -> None:
    assert cause_of(truth, read) == cause
    assert cause_of(truth, read, is_found=False) == Cause.NOT_FOUND


def test_causes_and_confusions_are_counted() -> None:
    plates = [an_outcome("AB12", "A812"), an_outcome("AB12", "A8I2"), an_outcome("AB12", "AB1"), an_outcome()]
    assert count_causes([*plates, an_outcome(None, "X")]) == {Cause.LOOK_ALIKE: 2, Cause.MISSED_AT_AN_END: 1}
    assert count_confusions([*plates, an_outcome("AB12", "ZZZZ")]) == {("B", "8"): 2, ("1", "I"): 1, ("2", ""): 1}


def test_intervals() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert (wilson(0, 20)[0], wilson(20, 20)[1]) == (0.0, 1.0)
    # Exact (Garwood): 0 gives up to 3.69, 10 gives 4.80 to 18.39.
    assert poisson(0, 1) == pytest.approx((0.0, 3.69), abs=0.03)
    assert poisson(10, 2) == pytest.approx((2.40, 9.195), abs=0.01)
    assert poisson(3, 0) == (0.0, float("inf"))


def test_readers_are_compared_on_the_same_plates() -> None:
    first = [an_outcome("A1", "A1"), an_outcome("A2", "A2"), an_outcome("A3", "A3"), an_outcome("A4", "X")]
    second = [an_outcome("A1", "A1"), an_outcome("A2", "X"), an_outcome("A3", "X"), an_outcome("A4", "A4")]
    paired = compare(first, second)
    assert (paired.n, paired.first, paired.second, paired.only_first, paired.only_second) == (4, 3, 2, 2, 1)
    assert paired.p_value == 1.0
    row = comparison_rows(first, second)[0]
    assert (row["group"], row["exact"], row["other_exact"], row["only_first"]) == ("all", 3, 2, 2)
    with pytest.raises(ValueError, match="same plates"):
        compare(first, second[::-1])


def test_the_curve_over_the_threshold() -> None:
    plate = _box(0, 0, 100)
    result = _scene([(plate, None)], [])
    faint = (Faint(plate, 0.62), Faint(_box(300, 0, 50), 0.31), Faint(_box(2, 0, 100), 0.22))
    rows = {row["threshold"]: row for row in curve_rows([replace(result, faint=faint)])}
    assert [(rows[t]["recall"], rows[t]["false_per_image"]) for t in (0.2, 0.3, 0.6, 0.65)] == [
        (1.0, 2.0),
        (1.0, 1.0),
        (1.0, 0.0),
        (0.0, 0.0),
    ]
    assert curve_rows([result]) == []


def test_failures_come_most_confident_first() -> None:
    plate, other = _box(0, 0, 100), _box(300, 0, 100)
    scene = _scene([(plate, "AB12"), (other, None)], [Seen(plate, "AB1", 0.7), Seen(_box(600, 0, 50), "TDI", 0.8)])
    found = failures([scene], [_crop("A0", "AO", 0.9), _crop("A0", "A0", 0.99)])
    assert [(failure.cause, failure.read) for failure in found] == [
        (Cause.LOOK_ALIKE, "AO"),
        (Cause.NO_PLATE, "TDI"),
        (Cause.MISSED_AT_AN_END, "AB1"),
        (Cause.NOT_FOUND, ""),
    ]


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
    assert (whole["recall_low"], whole["recall_high"]) == (0.2077, 0.9385)
    assert whole["false_read"] == 0  # in the second scene nothing was read where no plate is
    assert len({tuple(row) for row in rows}) == 1  # all rows have the same columns


def test_crop_rows() -> None:
    rows = crop_rows(
        [
            _crop("AB12", "AB12", region="NL", width=79),
            _crop("A0", "AO", region="NL", width=80),
            _crop("A123", "A1X3", region="CN", is_latin=False),
            _crop("", "TDI"),
        ]
    )
    assert [(row["group"], row["name"]) for row in rows] == [
        ("all", "all"),
        ("script", "Latin"),
        ("no text", "all"),
        ("region", "CN"),
        ("region", "NL"),
        ("width", "60 px and wider"),
        ("width", "60-90 px"),
        ("width", "90-150 px"),
        ("crop width (Latin)", "< 80 px"),
        ("crop width (Latin)", "80-128 px"),
    ]
    assert (rows[0]["texts"], rows[0]["exact"], rows[0]["merged"]) == (3, 1, 2)
    assert (rows[1]["texts"], rows[1]["exact_share"], rows[1]["merged_share"]) == (2, 0.5, 1.0)
    assert (rows[0]["exact_low"], rows[0]["exact_high"]) == (0.0615, 0.7923)
    assert (rows[2]["texts"], rows[2]["exact"], rows[2]["char_accuracy"]) == (1, 0, None)
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
        {"image": "f.jpg", "text": "", "split": "bait"},
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
    assert len(load_labels(path)) == 5
    (bait,) = (row for row in load_labels(path, split="bait") if row.image.name == "f.jpg")
    assert isinstance(bait, CropLabel)
    assert bait.text == ""
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


def test_plates_that_a_person_has_seen_are_not_false(tmp_path: Path) -> None:
    path = _labels(tmp_path, {"image": "a.jpg", "plates": [], "unlabelled": [[0, 0, 5, 5]]})
    boxes = tmp_path / "boxes.json"
    boxes.write_text('{"a.jpg": [[10, 10, 50, 20]], "b.jpg": []}')
    (scene,) = load_labels(path, unlabelled=load_boxes(boxes))
    assert isinstance(scene, SceneLabel)
    assert scene.unlabelled.tolist() == [[0, 0, 5, 5], [10, 10, 50, 20]]
    assert score_detections([SceneResult(scene, (Seen(_box(11, 10, 40, 10), "A", 0.9),))]).false == 0
    (again,) = load_labels(path)
    assert isinstance(again, SceneLabel)
    assert len(again.unlabelled) == 1
    boxes.write_text('{"a.jpg": [[10, 10]]}')
    with pytest.raises(LabelError, match="boxes"):
        load_boxes(boxes)
    with pytest.raises(LabelError, match="cannot be read"):
        load_boxes(tmp_path / "none.json")

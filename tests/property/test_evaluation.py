"""Scores keep within their bounds, and matching never uses a box twice, whatever is labelled and seen."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alpr.evaluation import PlateOutcome, match_boxes, score_texts
from alpr.evaluation.causes import cause_of
from alpr.evaluation.character_pairs import align
from alpr.evaluation.statistics import mcnemar, wilson
from alpr.geometry import box_iou
from alpr.plates import levenshtein
from alpr.types import FloatArray
from tests.conftest import an_outcome

_TEXTS = st.text(alphabet="AO0I1B", max_size=7)
_PLATES = st.lists(st.builds(an_outcome, _TEXTS.filter(bool), _TEXTS, st.floats(0, 1)), max_size=20)
_BOX = st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(20, 60), st.integers(5, 20))


def _boxes(rows: list[tuple[int, int, int, int]]) -> FloatArray:
    return np.array([(x, y, x + width, y + height) for x, y, width, height in rows], np.float32).reshape(-1, 4)


@given(plates=_PLATES)
def test_scores_are_shares(plates: list[PlateOutcome]) -> None:
    score = score_texts(plates)
    assert 0 <= score.exact <= score.exact_merged <= score.n == len(plates)
    assert 0 <= score.char_accuracy <= 1
    assert 0 <= score.calibration_error <= 1
    assert (score.char_accuracy == 1) == (score.exact == score.n > 0)


@given(labelled=st.lists(_BOX, max_size=6), seen=st.lists(_BOX, max_size=6))
def test_pairs_overlap_enough_and_none_is_left_that_could_be_made(
    labelled: list[tuple[int, int, int, int]], seen: list[tuple[int, int, int, int]]
) -> None:
    a, b = _boxes(labelled), _boxes(seen)
    pairs = match_boxes(a, b)
    used = [index for index in pairs if index is not None]
    overlap = box_iou(a, b)
    assert len(pairs) == len(labelled)
    assert len(used) == len(set(used))
    assert all(overlap[label, index] >= 0.5 for label, index in enumerate(pairs) if index is not None)
    for label, index in enumerate(pairs):
        if index is None:
            assert all(overlap[label, other] < 0.5 or other in used for other in range(len(seen)))


@given(truth=_TEXTS, read=_TEXTS)
def test_an_alignment_spells_both_texts_by_the_fewest_edits(truth: str, read: str) -> None:
    steps = align(truth, read)
    assert "".join(step.truth for step in steps) == truth
    assert "".join(step.read for step in steps) == read
    assert sum(step.truth != step.read for step in steps) == levenshtein(truth, read, 20)
    assert (cause_of(truth, read) is None) == (truth == read)


@given(part=st.integers(0, 500), more=st.integers(0, 500))
def test_an_interval_holds_its_share(part: int, more: int) -> None:
    low, high = wilson(part, part + more)
    assert 0 <= low <= high <= 1
    if part + more:
        assert low <= part / (part + more) <= high


@given(first=st.integers(0, 200), second=st.integers(0, 200))
def test_the_paired_test_knows_no_order(first: int, second: int) -> None:
    assert mcnemar(first, second) == mcnemar(second, first)
    assert 0 < mcnemar(first, second) <= 1

"""A histogram's quantiles against the exact ones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.system.stage_times import Histogram

_DURATIONS = st.lists(st.integers(100, 10**12), min_size=1, max_size=60)


@given(durations=_DURATIONS, share=st.floats(0, 1))
def test_quantile_is_within_two_percent_of_the_nearest_rank(durations: list[int], share: float) -> None:
    histogram = Histogram()
    for duration_ns in durations:
        histogram.add(duration_ns)
    exact_ms = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1] / 1e6
    assert histogram.quantile_ms(share) == pytest.approx(exact_ms, rel=0.02)


@given(left=_DURATIONS, right=_DURATIONS)
def test_merging_is_adding_all(left: list[int], right: list[int]) -> None:
    one, two, both = Histogram(), Histogram(), Histogram()
    for histogram, durations in ((one, left), (two, right), (both, left + right)):
        for duration_ns in durations:
            histogram.add(duration_ns)
    one.merge(two)
    assert one.latency() == both.latency()

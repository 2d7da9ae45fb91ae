"""Progress as whoever works reports it."""

from __future__ import annotations

from alpr.system.progress import ticking


def test_each_item_is_reported_once_it_is_done() -> None:
    told: list[float] = []
    for number, _ in enumerate(ticking("abcd", told.append)):
        assert len(told) == number
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert list(ticking("ab", None)) == ["a", "b"]

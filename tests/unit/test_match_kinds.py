"""Every kind of match goes over the wire and is told to people as what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alpr.cli.rows import row_of_hit
from alpr.cli.run import _line_of_hit
from alpr.collector.report import line_from_hit
from alpr.link.convert import hit_from_record, record_from_hit
from alpr.types import Hit, Match, MatchKind
from tests.records import a_hit, a_read


def met_as(kind: MatchKind, positions: tuple[int, ...] = ()) -> Hit:
    hit = a_hit(a_read())
    return replace(hit, match=Match(hit.match.entry, kind, positions, 0.5))


@pytest.mark.parametrize("kind", MatchKind)
def test_over_the_wire(kind: MatchKind) -> None:
    hit = met_as(kind, (0, 7))
    back = hit_from_record(record_from_hit(hit))
    assert (back.match.kind, back.match.differing_positions) == (kind, (0, 7))


@pytest.mark.parametrize("kind", [kind for kind in MatchKind if kind is not MatchKind.EXACT])
def test_no_approximate_match_is_shown_as_exact(kind: MatchKind) -> None:
    hit = met_as(kind)  # without any differing position
    assert row_of_hit(hit)["match"] == kind.value
    for line in (_line_of_hit(hit), line_from_hit("edge", record_from_hit(hit))):
        assert f"({kind.value}, " in line
        assert "exact" not in line


def test_an_exact_match_is() -> None:
    assert "(exact, p=0.50)" in _line_of_hit(met_as(MatchKind.EXACT))

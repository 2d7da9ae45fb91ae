"""Hits as the page has them: their order, their words, their characters, and the decisions on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from alpr.edge_page.board import MOST_HITS, Board
from alpr.edge_page.cards import card_of, percent, sound_of
from alpr.edge_page.deciding import disposition_from, instant_from_clock
from alpr.edge_page.messages import HitNews
from alpr.edge_page.muting import Mute
from alpr.edge_page.pairing import Box, box_at, pair
from alpr.edge_page.supervisor import _news
from alpr.errors import DispositionError
from alpr.link.protocol.messages import DispositionRecord
from alpr.types import Hit, MatchKind, Verdict
from tests.conftest import FakeClock
from tests.page_world import a_shown_hit, a_shown_read, an_entry

NOW = datetime(2026, 11, 28, 0, 2, tzinfo=timezone(timedelta(hours=1)))


def news_of(
    number: int, priority: int = 3, alert: str = "told", plate: str = "AB12CDE", seconds: float = 0
) -> HitNews:
    hit = a_shown_hit(a_shown_read(number, plate), an_entry(plate, priority))
    return _news(replace(hit, raised_at=hit.raised_at + timedelta(seconds=seconds)), alert, None)


def a_decision(news: HitNews, number: int = 1) -> DispositionRecord:
    return DispositionRecord(f"{number:032x}", news.hit.hit_id, "correct", "none", "anna", datetime.now(UTC))


def test_the_most_urgent_waits_first_and_of_equals_the_newest() -> None:
    board = Board()
    order = [news_of(1, 3, seconds=1), news_of(2, 1, seconds=2), news_of(3, 3, seconds=3), news_of(4, 2, seconds=4)]
    for news in order:
        board.take(news)
    assert [known.hit.hit_id for known in board.queue] == [order[at].hit.hit_id for at in (1, 3, 2, 0)]


@pytest.mark.parametrize("alert", ["muted", "queue-full", "repeat", "past"])
def test_what_was_held_back_waits_for_nobody_and_is_in_the_history(alert: str) -> None:
    board = Board()
    board.take(news_of(1, alert=alert))
    assert board.queue == []
    assert len(board.latest) == 1


def test_another_pass_of_a_vehicle_that_waits_is_on_its_card() -> None:
    board = Board()
    first = board.take(news_of(1))
    board.take(news_of(2, alert="repeat"))
    board.take(news_of(3, alert="repeat", plate="OTHER12"))
    known = board.find(first.hit.hit_id)
    assert known is not None
    assert [seen.camera_id for seen in known.again] == ["north"]


def test_a_correction_keeps_the_pictures_and_that_it_was_told() -> None:
    read = a_shown_read(1, "AB12CDE")
    hit = a_shown_hit(read, an_entry())
    board = Board()
    board.take(_news(hit, "told", read))
    known = board.take(_news(replace(hit, plate_text="AB12CDF"), "update", None))
    assert known.waits
    assert known.patch_jpeg == read.patch_jpeg
    assert known.hit.plate == "AB12CDF"


def test_a_decision_counts_once_whoever_tells_of_it() -> None:
    board = Board()
    news = news_of(1)
    board.take(news)
    assert board.decided(a_decision(news)) is not None
    assert board.decided(a_decision(news)) is None
    assert board.queue == []


def test_what_is_remembered_is_bounded_and_what_waits_goes_last() -> None:
    board = Board()
    first = news_of(0)
    board.take(first)
    for number in range(1, MOST_HITS + 50):
        board.take(news_of(number, alert="muted"))
    assert len(board.latest) == MOST_HITS
    assert board.find(first.hit.hit_id) is not None


@pytest.mark.parametrize(
    ("read", "listed", "differing"),
    [
        ("AB12CDE", "AB12CDE", []),
        ("W05183K", "WO5183K", [("0", "O")]),
        ("AB12CD", "AB12CDE", [("", "E")]),
        ("AAB12CDE", "AB12CDE", [("A", "")]),
        ("AB12CDE", "AB??CDE", []),
        ("AB12CDE", "AB*", []),
        ("AB12CDE", "*DE", []),
        ("XB12CDE", "AB*", [("X", "A")]),
        ("", "AB", [("", "A"), ("", "B")]),
    ],
)
def test_a_read_is_laid_over_the_list(read: str, listed: str, differing: list[tuple[str, str]]) -> None:
    pairs = pair(read, listed)
    assert "".join(each.read for each in pairs) == read
    assert [(each.read, each.listed) for each in pairs if each.differs] == differing


def test_a_character_is_outlined_where_it_is_and_nowhere_where_that_is_not_known() -> None:
    assert box_at((), 0) is None
    assert box_at((0.5,), 3) is None
    box = box_at((0.25, 0.5, 0.75), 1)
    assert box is not None
    assert box.x < 80 < box.x + box.width
    assert (box.y, box.height) == (1.0, 46.0)
    assert box_at((0.25, 1.25), 1) == Box(31.2, 25.0, 17.6, 22.0)  # the lower of two lines


def test_the_card_says_what_differs_and_how_sure_the_reader_was() -> None:
    read = a_shown_read(1, "W05183K")
    hit = a_shown_hit(read, an_entry("WO5183K", 1), MatchKind.LOOK_ALIKE)
    board = Board()
    card = card_of(board.take(_news(hit, "told", read)))
    (differing,) = card.differing
    assert (differing.pair.read, differing.pair.listed) == ("0", "O")
    assert (differing.probability, differing.listed_probability) == ("95 %", "< 1 %")
    assert differing.box is not None
    assert card.kind == "Look-alike: 1 character differs"
    assert not card.is_sure


def test_probabilities_of_another_revision_are_not_shown_with_a_hit() -> None:
    read = a_shown_read(1, "W05183K")
    hit = a_shown_hit(read, an_entry("WO5183K", 1), MatchKind.LOOK_ALIKE, plate_text="W05133K")
    card = card_of(Board().take(_news(hit, "told", read)))
    assert {each.probability for each in card.differing} == {""}
    assert {each.box for each in card.differing} == {None}


def test_an_old_list_and_conditions_that_were_not_checked_are_said() -> None:
    read = a_shown_read(1, "AB12CDE")
    hit = a_shown_hit(read, an_entry(), list_age_s=90_000.0, list_max_age_s=3600.0)
    unsure = replace(hit, match=replace(hit.match, unchecked=("position", "of-the-future")))
    card = card_of(Board().take(_news(unsure, "told", read)))
    assert card.warnings[0] == "List is 25 h old: verify by radio"
    assert [warning.startswith("Not checked") for warning in card.warnings] == [False, True, True]


@pytest.mark.parametrize(("colour", "shown"), [("", "red"), ("blue", "blue"), ("#00ff00", "red"), ("x y", "red")])
def test_a_card_has_one_of_the_known_colours(colour: str, shown: str) -> None:
    read = a_shown_read(1, "AB12CDE")
    assert (
        card_of(Board().take(_news(a_shown_hit(read, an_entry(priority=1, colour=colour)), "told", read))).colour
        == shown
    )


@pytest.mark.parametrize(
    ("priority", "named", "sound"),
    [
        (1, "", "urgent"),
        (2, "", "high"),
        (4, "", "low"),
        (1, "none", "none"),
        (4, "Urgent", "urgent"),
        (2, "siren", "high"),
    ],
)
def test_the_sound_is_the_entrys_or_its_prioritys(priority: int, named: str, sound: str) -> None:
    read = a_shown_read(1, "AB12CDE")
    assert sound_of(_news(a_shown_hit(read, an_entry(priority=priority, sound=named)), "told", read).hit) == sound


def test_nothing_looks_surer_than_it_is() -> None:
    assert [percent(share) for share in (1.0, 0.9999, 0.5, 0.0001, 0.0)] == [
        "100 %",
        "> 99 %",
        "50 %",
        "< 1 %",
        "0 %",
    ]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", None), ("00:01", NOW.replace(minute=1)), ("0:00", NOW.replace(minute=0)),
        ("2358", NOW.replace(hour=23, minute=58) - timedelta(days=1)),
    ],
)  # fmt: skip
def test_a_time_of_day_is_the_last_one(text: str, at: datetime | None) -> None:
    assert instant_from_clock(text, NOW) == at


@pytest.mark.parametrize("text", ["00:03", "11:59", "24:00", "12:60", "noon", "1", "12:3x", "١٢:٠٠"])
def test_a_time_that_is_none_or_still_to_come_is_refused(text: str) -> None:
    with pytest.raises(DispositionError):
        instant_from_clock(text, NOW)


def test_a_form_that_says_nothing_known_is_no_decision() -> None:
    for form in ({}, {"verdict": "guilty"}, {"verdict": "correct", "action": "shoot"}):
        with pytest.raises(DispositionError):
            disposition_from(form, "id", "anna", NOW)
    with pytest.raises(DispositionError, match="500 characters"):
        disposition_from({"verdict": "dismissed", "reason": "x" * 501}, "id", "anna", NOW)


def test_who_decides_is_who_is_signed_in_whatever_the_form_says() -> None:
    made = disposition_from({"verdict": "misread", "true_text": "AB12", "by": "bert"}, "id", "anna", NOW)
    assert (made.by, made.verdict, made.true_text, made.reason) == ("anna", Verdict.MISREAD, "AB12", "")


def test_what_is_most_urgent_is_never_muted_and_a_mute_ends(clock: FakeClock) -> None:
    mute = Mute(clock, never_muted=1)
    mute.begin(0, 30)
    assert [mute.is_silent(priority) for priority in (1, 2, 5)] == [False, True, True]
    mute.begin(3, 30)
    assert [mute.is_silent(priority) for priority in (1, 2, 3)] == [False, False, True]
    clock.advance(30 * 60 + 1)
    assert not mute.is_silent(5)
    mute.begin(2, 1e12)
    assert mute.left_s <= 12 * 3600


def test_a_hit_says_what_it_is_of() -> None:
    hit: Hit = a_shown_hit(a_shown_read(1, "AB12CDE"), an_entry(category="wanted person"))
    assert card_of(Board().take(_news(hit, "told", None))).title == "wanted person"

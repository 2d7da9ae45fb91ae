"""What of a read may go on: by its hits, and by what is withdrawn of them."""

from __future__ import annotations

from dataclasses import replace

from alpr.privacy.policy import Keeping, PrivacyPolicy, ReadParting
from alpr.privacy.read_privacy import ReadPrivacy
from tests.conftest import FakeClock
from tests.records import a_hit, a_read


def test_a_read_without_a_hit_goes_nowhere_but_is_counted(clock: FakeClock) -> None:
    privacy = ReadPrivacy(PrivacyPolicy(Keeping.NONE), clock)
    listed, other = a_read(1), a_read(2, "XY98ZZZ")
    hit = a_hit(listed)
    permitted = privacy.permit([listed, other], [hit])
    assert (permitted.reads, permitted.hits, permitted.unkept_passes) == ([listed], [hit], 1)
    assert privacy.counts == {"with-hit": 1, "without-hit": 1}


def test_all_is_kept_where_nothing_else_is_said(clock: FakeClock) -> None:
    reads = [a_read(1), a_read(2, "XY98ZZZ")]
    assert tuple(ReadPrivacy(PrivacyPolicy(), clock).permit(reads, [])) == (reads, [], 0)


def test_a_later_revision_of_a_pass_with_a_hit_goes_on_though_its_hit_is_not_repeated() -> None:
    parting = ReadParting()
    first, last = a_read(1, is_final=False), a_read(1, revision=1)
    assert parting.part([first], [a_hit(first)]).reads == [first]
    assert parting.part([last], []).reads == [last]


def test_a_corrected_text_that_is_on_no_list_is_in_neither_the_read_nor_the_withdrawal() -> None:
    parting = ReadParting()
    misread = a_read(1, is_final=False)
    hit = a_hit(misread)
    parting.part([misread], [hit])
    corrected = a_read(1, "AB12CDF", revision=1)
    withdrawn = replace(hit, is_withdrawn=True, plate_text="AB12CDF", read_revision=1)
    parted = parting.part([corrected], [withdrawn])
    assert (parted.reads, parted.without) == ([], [corrected])
    (only,) = parted.hits
    assert (only.is_withdrawn, only.plate_text) == (True, "")


def test_a_pass_that_gets_its_hit_by_a_correction_goes_on_from_then(clock: FakeClock) -> None:
    privacy = ReadPrivacy(PrivacyPolicy(Keeping.MINUTES), clock)
    first, last = a_read(1, "AB12CDF", is_final=False), a_read(1, revision=1)
    assert privacy.permit([first], []).reads == []
    assert privacy.permit([last], [a_hit(last)]).reads == [last]
    assert privacy.recent is not None
    assert len(privacy.recent) == 0


def test_a_past_hit_releases_the_read_once_and_its_later_revisions(clock: FakeClock) -> None:
    privacy = ReadPrivacy(PrivacyPolicy(Keeping.MINUTES), clock)
    first, last = a_read(1, is_final=False), a_read(1, revision=1)
    privacy.permit([first], [])
    assert privacy.release([a_hit(first)]) == (first,)
    assert privacy.release([a_hit(first)]) == ()
    assert privacy.permit([last], []).reads == [last]


def test_minutes_are_over_by_the_steady_clock(clock: FakeClock) -> None:
    privacy = ReadPrivacy(PrivacyPolicy(Keeping.MINUTES, minutes=3), clock)
    recent = privacy.recent
    assert recent is not None
    privacy.permit([a_read(1)], [])
    clock.advance(179)
    assert [text for _, text in recent.texts(0, 10)] == ["AB12CDE"]
    clock.advance(1)
    privacy.forget_old()
    assert (len(recent), recent.texts(0, 10), privacy.release([a_hit(a_read(1))])) == (0, [], ())


def test_reads_in_memory_are_bounded_and_a_revision_replaces_the_one_before(clock: FakeClock) -> None:
    privacy = ReadPrivacy(PrivacyPolicy(Keeping.MINUTES), clock)
    recent = privacy.recent
    assert recent is not None
    recent._most_bytes = 3 * (4096 + 2000)
    for number in range(5):
        privacy.permit([a_read(number, picture_bytes=1000)], [])
    assert len(recent) == 3
    privacy.permit([a_read(4, "NEWER1", picture_bytes=1000, revision=1)], [])
    assert sorted(text for _, text in recent.texts(0, 10)) == ["AB12CDE", "AB12CDE", "NEWER1"]
    (key,) = [key for key, text in recent.texts(0, 10) if text == "NEWER1"]
    assert [read.plate.text for read in recent.reads(key)] == ["NEWER1"]

"""Token buckets: a burst, then so many a second, each peer and kind by itself."""

from __future__ import annotations

from alpr.link.server.rates import Rate, Rates
from tests.conftest import FakeClock


def test_a_burst_and_then_so_many_a_second(clock: FakeClock) -> None:
    rates = Rates({"hello": Rate(burst=3, per_s=0.5)}, clock)
    assert [rates.allows("edge", "hello") for _ in range(5)] == [True, True, True, False, False]
    clock.advance(2)
    assert [rates.allows("edge", "hello") for _ in range(2)] == [True, False]
    clock.advance(1e6)
    assert [rates.allows("edge", "hello") for _ in range(4)] == [True, True, True, False]


def test_no_peer_and_no_kind_spends_what_is_anothers(clock: FakeClock) -> None:
    rates = Rates({"hello": Rate(1, 0.1), "claim": Rate(1, 0.1)}, clock)
    assert rates.allows("edge", "hello")
    assert not rates.allows("edge", "hello")
    assert rates.allows("edge", "claim")
    assert rates.allows("other", "hello")


def test_a_kind_without_a_limit_is_always_allowed(clock: FakeClock) -> None:
    rates = Rates({"hello": Rate(1, 0.1)}, clock)
    assert all(rates.allows("edge", "batch") for _ in range(1000))


def test_ever_new_peers_take_no_more_memory(clock: FakeClock) -> None:
    rates = Rates({"hello": Rate(1, 0.1)}, clock)
    for number in range(30_000):
        rates.allows(f"peer {number}", "hello")
    assert len(rates._left) == 10_000
    assert not rates.allows("peer 29999", "hello")


def test_work_that_was_done_is_owed_up_to_a_burst(clock: FakeClock) -> None:
    rates = Rates({"refusal": Rate(burst=10, per_s=1.0)}, clock)
    rates.spend("a", "refusal", 1000)
    assert not rates.has_any("a", "refusal")
    assert rates.has_any("b", "refusal")
    clock.advance(10.5)
    assert not rates.has_any("a", "refusal")
    clock.advance(1.0)
    assert rates.has_any("a", "refusal")

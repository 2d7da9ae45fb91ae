"""Claim codes as text, their file, and who is let in as what."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.errors import LinkError
from alpr.link.keys.allowlist import AllowList, Device, enrol, revoke
from alpr.link.keys.claim_code import ClaimCode, claim_code_from_text, new_claim_code
from alpr.link.keys.claims import ClaimDesk, claims_path, issue, read_claims, revoke_codes
from alpr.link.keys.curve_keys import new_key_pair
from alpr.link.server.handshake_policy import HANDSHAKES, TRIES, WINDOW_S, HandshakePolicy, network_of
from tests.conftest import START, FakeClock

SERVER = new_key_pair().public
CODE = new_claim_code("tcp://collector.example.org:5577", SERVER)


@pytest.mark.parametrize("endpoint", ["tcp://a.example:1", "tcp://192.0.2.7:65535", "tcp://[2001:db8::7]:5577"])
def test_a_code_says_what_was_put_in(endpoint: str) -> None:
    code = new_claim_code(endpoint, SERVER)
    assert claim_code_from_text(code.text) == code
    assert claim_code_from_text(f" {code.text.lower()} \n".replace("-", " ")) == code


def test_a_code_fits_the_small_alphabet_of_qr_codes_and_never_shows_its_secret_otherwise() -> None:
    assert set(CODE.text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    assert CODE.secret.hex() not in repr(CODE)
    assert "secret" not in repr(CODE)


def test_two_codes_have_nothing_in_common_but_the_collector() -> None:
    other = new_claim_code(CODE.endpoint, CODE.server_key)
    assert other.secret != CODE.secret
    assert other.keys.public != CODE.keys.public


@given(st.integers(0, len(CODE.text) - 1), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567018"))
def test_one_wrong_letter_is_noticed(position: int, letter: str) -> None:
    wrong = CODE.text[:position] + letter + CODE.text[position + 1 :]
    if wrong.replace("-", "") != CODE.text.replace("-", ""):
        with pytest.raises(LinkError):
            claim_code_from_text(wrong)


@pytest.mark.parametrize("text", ["", "ALPR1", "ALPR1-", "ALPR1-AAAA", CODE.text[:-3], CODE.text[6:], "https://x"])
def test_what_is_no_code_is_no_code(text: str) -> None:
    with pytest.raises(LinkError):
        claim_code_from_text(text)


@given(st.text(max_size=200))
def test_no_text_makes_anything_else_than_a_code_or_an_error(text: str) -> None:
    for candidate in (text, f"ALPR1-{text}"):
        with suppress(LinkError):
            assert isinstance(claim_code_from_text(candidate), ClaimCode)


@pytest.mark.parametrize("endpoint", ["collector:5577", "tcp://*:5577", "tcp://a:0", "tcp://a:65536", "tcp://a b:1"])
def test_an_address_that_no_device_can_reach_gets_no_code(endpoint: str) -> None:
    with pytest.raises(LinkError, match="tcp://host:port"):
        new_claim_code(endpoint, SERVER)


def test_lines_that_make_no_sense_are_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "allowed.claims"
    key = new_key_pair().public
    good = f"a {key} open 2026-01-03T12:00:00Z"
    path.write_text(f"{good}\nb {key} maybe 2026-01-03T12:00:00Z\nc {key} open soon\nc short open 2026\n\n")
    assert [line.line() for line in read_claims(path)] == [good]


def test_the_first_code_makes_an_empty_list_to_start_with(tmp_path: Path) -> None:
    issue(tmp_path / "allowed", "a", new_key_pair().public, START + timedelta(hours=1), START)
    assert AllowList(tmp_path / "allowed").names == set()


def test_codes_of_long_ago_leave_the_file(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    for number, now in enumerate((START, START + timedelta(days=40))):
        issue(allowed, f"d{number}", new_key_pair().public, now + timedelta(hours=48), now)
    assert [line.name for line in read_claims(claims_path(allowed))] == ["d1"]
    assert revoke_codes(tmp_path / "other", "d1", START) == 0


def a_gate(folder: Path, clock: FakeClock) -> tuple[HandshakePolicy, Path]:
    allowed = folder / "allowed"
    allowed.touch()
    return HandshakePolicy(AllowList(allowed, clock), ClaimDesk(allowed, clock), clock), allowed


def test_a_device_that_is_gone_is_noticed_only_where_it_was_let_in(tmp_path: Path, clock: FakeClock) -> None:
    policy, allowed = a_gate(tmp_path, clock)
    here, elsewhere = new_key_pair().public, new_key_pair().public
    enrol(allowed, Device("here", here))
    enrol(allowed, Device("elsewhere", elsewhere))
    assert policy.gone() == set()
    assert policy.refusal(here, "192.0.2.1") == ""
    revoke(allowed, "elsewhere", START)
    assert policy.gone() == set()
    revoke(allowed, "here", START)
    assert policy.gone() == {here}
    assert policy.gone() == set()
    assert policy.refusal(here, "192.0.2.1") == "refused key"


def test_a_code_that_ends_takes_its_connection_with_it(tmp_path: Path, clock: FakeClock) -> None:
    policy, allowed = a_gate(tmp_path, clock)
    key = new_key_pair().public
    issue(allowed, "a", key, START + timedelta(hours=1), START)
    assert (policy.refusal(key, "192.0.2.1"), policy.is_claim(key)) == ("", True)
    assert policy.gone() == set()
    clock.advance(3600)
    assert policy.gone() == {key}
    assert (policy.refusal(key, "192.0.2.1"), policy.is_claim(key)) == ("expired code", False)


def test_tries_are_counted_by_address_and_forgotten_after_a_while(tmp_path: Path, clock: FakeClock) -> None:
    policy, _ = a_gate(tmp_path, clock)
    stranger = new_key_pair().public
    reasons = [policy.refusal(stranger, "192.0.2.1") for _ in range(TRIES + 1)]
    assert set(reasons[:-1]) == {"refused key"}
    assert reasons[-1] == "too many tries"
    assert policy.refusal(stranger, "192.0.2.2") == "refused key"
    clock.advance(WINDOW_S + 1)
    assert policy.refusal(stranger, "192.0.2.1") == "refused key"


def test_the_memory_for_addresses_is_bounded(tmp_path: Path, clock: FakeClock) -> None:
    policy, _ = a_gate(tmp_path, clock)
    for number in range(5000):
        policy.refusal("x" * 40, f"198.51.{number // 256}.{number % 256}")
    assert len(policy._refused) == 4096


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("what", "what"),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_used_code_is_let_in_once_more_until_its_device_has_come(tmp_path: Path, clock: FakeClock) -> None:
    policy, allowed = a_gate(tmp_path, clock)
    code, device = new_key_pair().public, new_key_pair().public
    issue(allowed, "a", code, START + timedelta(hours=48), START)
    desk = ClaimDesk(allowed, clock)
    assert desk.redeem(code, device) == "a"
    assert policy.gone() == set()  # reads the files
    assert policy.refusal(code, "192.0.2.1") == ""  # its answer was lost on the way
    assert policy.refusal(device, "192.0.2.1") == ""
    assert policy.refusal(code, "192.0.2.1") == "used code"
    assert policy.gone() == {code}


def test_a_used_code_is_over_after_ten_minutes_whether_its_device_came_or_not(
    tmp_path: Path, clock: FakeClock
) -> None:
    policy, allowed = a_gate(tmp_path, clock)
    code = new_key_pair().public
    issue(allowed, "a", code, START + timedelta(hours=48), START)
    ClaimDesk(allowed, clock).redeem(code, new_key_pair().public)
    clock.advance(599)
    assert policy.refusal(code, "192.0.2.1") == ""
    clock.advance(1)
    assert policy.refusal(code, "192.0.2.1") == "used code"


def test_one_devices_handshakes_are_limited_in_rate(tmp_path: Path, clock: FakeClock) -> None:
    """Two thousand handshakes a second with one stolen key held up the acks of all others by seconds."""
    policy, allowed = a_gate(tmp_path, clock)
    here, other = new_key_pair().public, new_key_pair().public
    enrol(allowed, Device("here", here))
    enrol(allowed, Device("other", other))
    policy.gone()
    reasons = [policy.refusal(here, "192.0.2.1") for _ in range(HANDSHAKES.burst + 1)]
    assert reasons == [""] * HANDSHAKES.burst + ["too many connections"]
    assert policy.refusal(other, "192.0.2.1") == ""
    clock.advance(1)
    assert policy.refusal(here, "192.0.2.1") == ""


def test_nobody_is_let_in_while_the_list_cannot_be_read(tmp_path: Path, clock: FakeClock) -> None:
    policy, allowed = a_gate(tmp_path, clock)
    key = new_key_pair().public
    enrol(allowed, Device("here", key))
    policy.gone()
    assert policy.refusal(key, "192.0.2.1") == ""
    allowed.unlink()
    policy.gone()
    clock.advance(2)
    assert policy.gone() == set()
    assert policy.refusal(key, "192.0.2.1") == "list unreadable"
    enrol(allowed, Device("here", key))
    assert policy.gone() == set()
    assert policy.refusal(key, "192.0.2.1") == ""


def test_no_code_is_good_while_the_codes_cannot_be_read(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the revoking of a code that cannot be read."""
    policy, allowed = a_gate(tmp_path, clock)
    code = new_key_pair().public
    issue(allowed, "a", code, START + timedelta(hours=48), START)
    assert policy.refusal(code, "192.0.2.1") == ""
    revoke_codes(allowed, "a", START)
    with monkeypatch.context() as patch:
        patch.setattr("alpr.system.locked_file.read_text", _unreadable)
        assert policy.refusal(code, "192.0.2.1") == "codes unreadable"
        with pytest.raises(LinkError):
            ClaimDesk(allowed, clock).redeem(code, new_key_pair().public)
    assert policy.refusal(code, "192.0.2.1") == "revoked code"


def _unreadable(*_: object) -> str:
    raise LinkError("too many open files")

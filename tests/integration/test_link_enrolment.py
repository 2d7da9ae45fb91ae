"""Being let in with a claim code: once, by the right collector, for claiming only; and every way of being refused."""

from __future__ import annotations

import re
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
import zmq

from alpr.clock import SystemClock
from alpr.errors import LinkError, PeerRejected
from alpr.link.client.enrolment import claim, connected, enrol_with_code
from alpr.link.keys.allowlist import Device, enrol, read_devices, revoke
from alpr.link.keys.claim_code import ClaimCode, claim_code_from_text, new_claim_code
from alpr.link.keys.claims import ClaimState, claims_path, issue, read_claims, revoke_codes
from alpr.link.keys.curve_keys import load_key_pair, new_key_pair
from alpr.link.protocol.enrolment_messages import Claim, Claimed, ClaimRefused
from alpr.link.protocol.heartbeat_messages import Heartbeat, OutboxHealth
from alpr.link.protocol.messages import Hello, encode
from alpr.link.server.handshake_policy import TRIES
from bench.faults.line import a_line
from tests.integration.link_world import RunningCollector, World, wait_until
from tests.records import a_read

CLOCK = SystemClock()
BOOT = "0123456789abcdef"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def collector(world: World) -> Iterator[RunningCollector]:
    with world.collector() as running:
        yield running


def a_code(world: World, name: str = "gate-1", valid_h: float = 48) -> ClaimCode:
    code = new_claim_code(world.endpoint, world.server.public)
    now = CLOCK.now()
    issue(world.allowed, name, code.keys.public, now + timedelta(hours=valid_h), now)
    return code


def states(world: World) -> list[ClaimState]:
    return [line.state for line in read_claims(claims_path(world.allowed))]


def names(world: World) -> list[str]:
    return [device.name for device in read_devices(world.allowed)]


@pytest.mark.usefixtures("collector")
def test_a_device_enrols_itself_and_its_reads_arrive(world: World) -> None:
    code = claim_code_from_text(a_code(world).text.lower().replace("-", " "))
    enrolment = enrol_with_code(code, world.folder / "device", patience_s=30)
    assert enrolment.name == "gate-1"
    assert stat.S_IMODE(enrolment.key_file.stat().st_mode) == 0o600
    assert not (world.folder / "device" / "enrolling.key").exists()
    assert Device("gate-1", enrolment.public_key) in read_devices(world.allowed)
    assert states(world) == [ClaimState.USED]
    link = yaml.safe_load(enrolment.link_file.read_text())["link"]
    assert (link["collector"], link["server_key"]) == (world.endpoint, world.server.public)
    keys = load_key_pair(Path(link["key_file"]))
    with closing(world.journal()) as journal, world.link(keys=keys) as running:
        journal.append([a_read()], [])
        wait_until(lambda: sum(running.status().waiting.values()) == 0)
    assert world.count("reads") == 1


@pytest.mark.usefixtures("collector")
def test_no_secret_lies_at_the_collector(world: World) -> None:
    code = a_code(world)
    enrolment = enrol_with_code(code, world.folder / "device", patience_s=30)
    device_secret = load_key_pair(enrolment.key_file).secret
    for path in world.folder.iterdir():
        if path.is_file():
            content = path.read_bytes()
            assert code.secret not in content
            assert code.secret.hex().encode() not in content
            assert code.keys.secret.encode() not in content
            assert device_secret.encode() not in content
    assert stat.S_IMODE(claims_path(world.allowed).stat().st_mode) == 0o600


def test_a_second_use_is_refused_and_told(world: World, collector: RunningCollector) -> None:
    code = a_code(world)
    claim(code, new_key_pair().public, CLOCK, 10)
    with pytest.raises(PeerRejected, match=r"used code: it was used at .* with another key; if that was not you"):
        enrol_with_code(code, world.folder / "thief", patience_s=30)
    assert names(world) == ["edge", "gate-1"]
    assert collector.hub.faults["claim"] == 1


@pytest.mark.usefixtures("collector")
def test_the_same_claim_again_is_no_second_use(world: World) -> None:
    """The answer was lost on the way: the device asks once more with the key that it has kept."""
    code, keys = a_code(world), new_key_pair()
    assert [claim(code, keys.public, CLOCK, 10) for _ in range(2)] == ["gate-1", "gate-1"]
    assert names(world) == ["edge", "gate-1"]


@pytest.mark.usefixtures("collector")
def test_a_device_that_was_shut_out_does_not_come_back_with_its_old_code(world: World) -> None:
    code, key = a_code(world), new_key_pair().public
    assert claim(code, key, CLOCK, 10) == "gate-1"
    revoke(world.allowed, "gate-1", CLOCK.now())
    with pytest.raises(PeerRejected, match="gate-1 was shut out since"):
        claim(code, key, CLOCK, 10)
    assert names(world) == ["edge"]


@pytest.mark.usefixtures("collector")
def test_a_collector_killed_between_its_two_files_goes_on_where_it_was(world: World) -> None:
    code, keys = a_code(world), new_key_pair()
    enrol(world.allowed, Device("gate-1", keys.public))  # on the list, but the code is not yet marked
    assert claim(code, keys.public, CLOCK, 10) == "gate-1"
    assert states(world) == [ClaimState.USED]
    assert names(world) == ["edge", "gate-1"]


@pytest.mark.usefixtures("collector")
def test_a_device_killed_while_it_enrols_comes_back_with_the_same_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, folder = a_code(world), world.folder / "device"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            enrol_with_code(code, folder, patience_s=30)
    first = load_key_pair(folder / "enrolling.key")
    again = enrol_with_code(code, folder, patience_s=30)
    assert (again.public_key, again.name) == (first.public, "gate-1")


def test_a_used_code_does_not_pass_the_handshake_once_its_device_has_come(
    world: World, collector: RunningCollector
) -> None:
    """Whoever finds the slip of paper afterwards had a connection with which to try all that a claim code may."""
    code = a_code(world)
    enrol_with_code(code, world.folder / "device", patience_s=30)
    before = collector.hub.faults["used code"]
    with pytest.raises(PeerRejected, match=r"was used already.*not by you"):
        enrol_with_code(code, world.folder / "thief", patience_s=30)
    assert collector.hub.faults["used code"] == before + 1
    assert names(world) == ["edge", "gate-1"]


def test_the_link_file_of_an_older_attempt_gives_no_name_to_a_new_code(
    world: World, collector: RunningCollector
) -> None:
    first, folder = a_code(world), world.folder / "device"
    name = enrol_with_code(first, folder, patience_s=30).name
    revoke(world.allowed, name, CLOCK.now())
    wait_until(lambda: collector.hub._allowed.count == 1)
    (folder / "device.key").rename(folder / "enrolling.key")
    assert enrol_with_code(a_code(world, "gate-2"), folder, patience_s=30).name == "gate-2"
    assert names(world) == ["edge", "gate-2"]


@pytest.mark.usefixtures("collector")
def test_a_connection_that_breaks_while_it_claims_is_made_again(world: World) -> None:
    """As when another device is revoked in that moment."""
    code, key = a_code(world), new_key_pair().public
    with (
        a_line(int(world.endpoint.rsplit(":", 1)[1])) as line,
        connected(f"tcp://127.0.0.1:{line.port}", code.keys, world.server.public, CLOCK, 20) as ask,
    ):
        line.cut()
        assert ask(Claim(key, "x")) == Claimed("gate-1")
    assert Device("gate-1", key) in read_devices(world.allowed)


def test_an_expired_code_is_refused(world: World, collector: RunningCollector) -> None:
    code = a_code(world, valid_h=-0.01)
    with pytest.raises(PeerRejected, match="wrong, was used already, has expired or was revoked"):
        enrol_with_code(code, world.folder / "device", patience_s=30)
    assert (names(world), collector.hub.faults) == (["edge"], {"expired code": 1})


def test_a_revoked_code_is_refused(world: World, collector: RunningCollector) -> None:
    code = a_code(world)
    assert revoke_codes(world.allowed, "gate-1", CLOCK.now()) == 1
    wait_until(lambda: collector.hub._policy.refusal(code.keys.public, "test") == "revoked code")
    with pytest.raises(PeerRejected, match="wrong, was used already, has expired or was revoked"):
        enrol_with_code(code, world.folder / "device", patience_s=30)
    assert (names(world), collector.hub.faults["revoked code"]) == (["edge"], 1)


def test_a_newer_code_for_the_same_device_ends_the_older(world: World, collector: RunningCollector) -> None:
    older, newer = a_code(world), a_code(world)
    assert states(world) == [ClaimState.REVOKED, ClaimState.OPEN]
    wait_until(lambda: collector.hub._policy.is_claim(newer.keys.public))
    with pytest.raises(PeerRejected):
        claim(older, new_key_pair().public, CLOCK, 10)
    assert claim(newer, new_key_pair().public, CLOCK, 10) == "gate-1"


def test_a_wrong_secret_is_refused_counted_and_logged(
    world: World, collector: RunningCollector, caplog: pytest.LogCaptureFixture
) -> None:
    code = replace(a_code(world), secret=secrets.token_bytes(20))
    with pytest.raises(PeerRejected, match="wrong, was used already, has expired or was revoked"):
        enrol_with_code(code, world.folder / "device", patience_s=30)
    assert (names(world), states(world)) == (["edge"], [ClaimState.OPEN])
    assert collector.hub.faults == {"refused key": 1}
    assert "refused key (::ffff:127.0.0.1" in caplog.text


def test_a_man_in_the_middle_with_a_key_of_his_own_gets_nothing(world: World, tmp_path: Path) -> None:
    """He answers at the collector's address, with an allow-list and claim codes of his own choosing."""
    code = a_code(world)
    world.server = new_key_pair()
    with world.collector() as impostor:
        with pytest.raises(PeerRejected, match="check server_key"):
            enrol_with_code(code, tmp_path / "device", patience_s=30)
        assert not impostor.hub.faults  # he could not even read with which key it came
    assert states(world) == [ClaimState.OPEN]


@pytest.mark.usefixtures("collector")
def test_what_was_recorded_on_the_line_is_worth_nothing_when_played_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole claim that the collector could not grant just then: the code is still open when it is played again."""
    port = int(world.endpoint.rsplit(":", 1)[1])
    with monkeypatch.context() as patch, a_line(port) as line:
        patch.setattr("alpr.link.keys.claims.enrol", lambda *_: (_ for _ in ()).throw(LinkError("read-only")))
        code = replace(a_code(world), endpoint=f"tcp://127.0.0.1:{line.port}")
        with pytest.raises(PeerRejected, match="try again later"):
            claim(code, new_key_pair().public, CLOCK, 10)
        [recorded] = line.first_words
    assert len(recorded) > 400  # greeting, handshake, claim
    with socket.create_connection(("127.0.0.1", port), 5) as replayed:
        replayed.settimeout(5)
        with suppress(OSError):  # the collector closes it in the middle of the handshake
            replayed.sendall(recorded)
            while replayed.recv(65536):
                pass
    assert (names(world), states(world)) == (["edge"], [ClaimState.OPEN])
    assert claim(code_at(world, code), new_key_pair().public, CLOCK, 10) == "gate-1"  # as it would have been


def code_at(world: World, code: ClaimCode) -> ClaimCode:
    return replace(code, endpoint=world.endpoint)


def test_with_a_code_one_can_claim_and_do_nothing_else(world: World, collector: RunningCollector) -> None:
    code = a_code(world)
    beat = Heartbeat(CLOCK.now(), "x", OutboxHealth({}, 0, {}, {}))
    with zmq.Context() as context, context.socket(zmq.DEALER) as peer:
        peer.linger = 0
        peer.curve_publickey, peer.curve_secretkey = code.keys.public.encode(), code.keys.secret.encode()
        peer.curve_serverkey = world.server.public.encode()
        peer.connect(world.endpoint)
        for message in (Hello(BOOT, (BOOT,), "x", CLOCK.now()), beat):
            peer.send(encode(message))
        assert not peer.poll(300)
    assert collector.hub.faults == {"not allowed": 2}
    assert (world.count("devices"), collector.told) == (0, [])


@pytest.mark.usefixtures("collector")
def test_a_device_that_is_on_the_list_cannot_claim(world: World) -> None:
    a_code(world)
    with connected(world.endpoint, world.device, world.server.public, CLOCK, 1) as ask, pytest.raises(LinkError):
        ask(Claim(new_key_pair().public, "x"))
    assert names(world) == ["edge"]


@pytest.mark.parametrize("whose", ["another device's", "the code's own"])
@pytest.mark.usefixtures("collector")
def test_a_key_that_is_someone_elses_is_not_taken(world: World, whose: str) -> None:
    code = a_code(world)
    key = world.device.public if whose == "another device's" else code.keys.public
    with pytest.raises(PeerRejected, match=r"on the list already|make one"):
        claim(code, key, CLOCK, 10)
    assert (names(world), states(world)) == (["edge"], [ClaimState.OPEN])


@pytest.mark.usefixtures("collector")
def test_a_name_that_was_given_away_meanwhile_is_not_taken_twice(world: World) -> None:
    code = a_code(world)
    enrol(world.allowed, Device("gate-1", new_key_pair().public))
    with pytest.raises(PeerRejected, match="gate-1 or this key is on the list already"):
        claim(code, new_key_pair().public, CLOCK, 10)


def test_garbage_in_place_of_a_key_is_not_taken(world: World, collector: RunningCollector) -> None:
    code = a_code(world)
    for key in ("short", "gate-1\nevil " + "k" * 40, " " * 40):
        with connected(world.endpoint, code.keys, world.server.public, CLOCK, 0.3) as ask, pytest.raises(LinkError):
            ask(Claim(key, "x"))
    assert names(world) == ["edge"]
    assert collector.hub.faults["malformed"] == 3


def test_after_too_many_tries_an_address_must_wait_but_its_devices_need_not(
    world: World, collector: RunningCollector
) -> None:
    code, policy = a_code(world), collector.hub._policy
    for _ in range(TRIES):
        assert policy.refusal(new_key_pair().public, "127.0.0.1") == "refused key"
    with pytest.raises(PeerRejected):
        claim(code, new_key_pair().public, CLOCK, 10)
    assert collector.hub.faults == {"too many tries": 1}
    assert policy.refusal(code.keys.public, "192.0.2.1") == ""
    with connected(world.endpoint, world.device, world.server.public, CLOCK, 10):
        pass  # a device that is known is never kept out


@pytest.mark.usefixtures("collector")
def test_a_collector_that_cannot_write_its_list_promises_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = a_code(world)
    with monkeypatch.context() as patch:
        patch.setattr("alpr.link.keys.claims.enrol", lambda *_: (_ for _ in ()).throw(LinkError("read-only")))
        with pytest.raises(PeerRejected, match="try again later"):
            claim(code, new_key_pair().public, CLOCK, 10)
    assert (names(world), states(world)) == (["edge"], [ClaimState.OPEN])
    assert claim(code, new_key_pair().public, CLOCK, 10) == "gate-1"


def test_a_device_that_has_a_key_keeps_it(world: World) -> None:
    (world.folder / "device").mkdir()
    (world.folder / "device" / "device.key").write_text("mine")
    with pytest.raises(LinkError, match="has a key already"):
        enrol_with_code(a_code(world), world.folder / "device", patience_s=1)


def test_where_nothing_answers_it_says_so(world: World) -> None:
    with pytest.raises(LinkError, match=r"gave up after 0\.5 s"):
        enrol_with_code(a_code(world), world.folder / "device", patience_s=0.5)


def test_a_name_that_is_taken_gets_no_code(world: World) -> None:
    with pytest.raises(LinkError, match="edge is allowed already"):
        a_code(world, "edge")
    with pytest.raises(LinkError, match="name is letters"):
        a_code(world, "../etc")
    assert not claims_path(world.allowed).exists()


def test_the_answer_kinds_are_what_the_docs_say() -> None:
    assert re.search(rb"kind.claimed", encode(Claimed("gate-1")))
    assert re.search(rb"kind.claim-refused", encode(ClaimRefused("why")))

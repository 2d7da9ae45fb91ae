"""Key files and the allow-list."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.errors import LinkError
from alpr.link.keys.allowlist import AllowList, Device, enrol, parse, read_devices, replace_key, revoke
from alpr.link.keys.curve_keys import KeyPair, load_key_pair, load_public_key, new_key_pair, write_key_pair
from alpr.link.server.zap import DOMAIN, zap_reply
from alpr.system.locked_file import rewrite
from tests.conftest import START, FakeClock


def test_a_pair_is_written_for_its_owner_alone_and_read_back(tmp_path: Path) -> None:
    keys = new_key_pair()
    old_mask = os.umask(0)
    try:
        private, public = write_key_pair(keys, "edge-1", tmp_path)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert load_key_pair(private) == keys
    assert public.read_text() == f"edge-1 {keys.public}\n"
    assert load_public_key(str(public)) == load_public_key(keys.public) == keys.public


def test_a_draft_that_was_left_behind_gives_its_mode_to_nothing(tmp_path: Path) -> None:
    draft, path = tmp_path / ".claims.new", tmp_path / "claims"
    draft.write_text("left behind")
    draft.chmod(0o666)
    rewrite(path, lambda text: f"{text}new", "the claims", mode=0o600, may_be_missing=True)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_never_shows_in_a_repr() -> None:
    keys = new_key_pair()
    assert keys.secret not in repr(keys)


def test_existing_keys_are_never_overwritten(tmp_path: Path) -> None:
    private, _ = write_key_pair(new_key_pair(), "edge", tmp_path)
    before = private.read_bytes()
    with pytest.raises(LinkError, match="there already"):
        write_key_pair(new_key_pair(), "edge", tmp_path)
    (tmp_path / "edge.pub").unlink()
    with pytest.raises(LinkError, match="there already"):
        write_key_pair(new_key_pair(), "edge", tmp_path)
    assert private.read_bytes() == before


def test_a_key_that_could_not_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / ".edge.key.new").write_text("half of a k")  # of one that was killed
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", is_full)
        with pytest.raises(LinkError, match=r"edge.key: cannot write the key \(No space left on device\)"):
            write_key_pair(new_key_pair(), "edge", tmp_path)
    assert list(tmp_path.iterdir()) == []
    keys = new_key_pair()
    private, _ = write_key_pair(keys, "edge", tmp_path)
    assert load_key_pair(private) == keys


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    private, _ = write_key_pair(new_key_pair(), "edge", tmp_path)
    private.chmod(mode)
    with pytest.raises(LinkError, match="chmod 600"):
        load_key_pair(private)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a key file"),
        ("public abc\nsecret def\n", "not a key file"),
        (f"public {new_key_pair().public}\nsecret {new_key_pair().secret}\n", "does not belong"),
        ("\0" * 100, "not a key file"),
    ],
)
def test_a_file_that_is_no_key_pair_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(LinkError, match=complaint):
        load_key_pair(path)


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="alpr device enrol, or alpr key new"):
        load_key_pair(tmp_path / "none.key")


@pytest.mark.parametrize("text", ["short", "x" * 41, "x" * 39 + " "])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(LinkError, match="neither a public key"):
        load_public_key(text)


def test_a_file_of_other_words_is_no_public_key(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("three words here")
    with pytest.raises(LinkError, match="holds no public key"):
        load_public_key(str(tmp_path / "f"))


KEY_A, KEY_B, KEY_C = (new_key_pair().public for _ in range(3))


def test_enrol_list_and_revoke(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    enrol(path, Device("a", KEY_A))
    enrol(path, Device("b", KEY_B))
    assert read_devices(path) == [Device("a", KEY_A), Device("b", KEY_B)]
    revoke(path, "a", START)
    assert read_devices(path) == [Device("b", KEY_B)]
    assert path.read_text().splitlines()[0] == f"# revoked 2026-01-01T12:00:00Z: a {KEY_A}"
    assert [p.name for p in tmp_path.iterdir()] == ["allowed"]


def test_a_file_without_a_last_newline_gets_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    path.write_text(f"a {KEY_A}")
    enrol(path, Device("b", KEY_B))
    assert [device.name for device in read_devices(path)] == ["a", "b"]


@pytest.mark.parametrize(
    "device", [Device("a", KEY_B), Device("b", KEY_A), Device("", KEY_B), Device("b", "short"), Device("b c", KEY_B)]
)
def test_a_device_that_is_there_or_cannot_be_is_not_enrolled(tmp_path: Path, device: Device) -> None:
    path = tmp_path / "allowed"
    enrol(path, Device("a", KEY_A))
    with pytest.raises(LinkError):
        enrol(path, device)
    assert read_devices(path) == [Device("a", KEY_A)]
    assert [p.name for p in tmp_path.iterdir()] == ["allowed"]


def test_revoking_an_unknown_device_says_so(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    enrol(path, Device("a", KEY_A))
    with pytest.raises(LinkError, match="no device zed"):
        revoke(path, "zed", START)
    with pytest.raises(LinkError, match="cannot read"):
        revoke(tmp_path / "none", "a", START)


def test_two_changes_at_once_do_not_undo_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "allowed"
    monkeypatch.setattr("alpr.system.locked_file._PATIENCE_S", 0.05)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(LinkError, match="another change is under way"):
            enrol(path, Device("a", KEY_A))
    finally:
        os.close(folder)
    (tmp_path / ".allowed.new").write_text("what a change that was killed has left")
    enrol(path, Device("a", KEY_A))
    assert read_devices(path) == [Device("a", KEY_A)]


def test_many_changes_at_once_all_count(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    keys = [new_key_pair().public for _ in range(24)]
    threads = [threading.Thread(target=enrol, args=(path, Device(f"d{n}", key))) for n, key in enumerate(keys)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {device.key for device in read_devices(path)} == set(keys)


def test_a_replaced_key_is_good_until_its_time_is_over(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "allowed"
    enrol(path, Device("a", KEY_A))
    replace_key(path, "a", KEY_A, KEY_B, START + timedelta(hours=1), START)
    replace_key(path, "a", KEY_A, KEY_B, START + timedelta(hours=9), START)  # asked again: changes nothing
    assert read_devices(path) == [Device("a", KEY_A, START + timedelta(hours=1)), Device("a", KEY_B)]
    allowed = AllowList(path, clock)
    assert (allowed.name_of(KEY_A), allowed.name_of(KEY_B)) == ("a", "a")
    assert allowed.keys == {KEY_A, KEY_B}
    clock.advance(3600)
    assert (allowed.name_of(KEY_A), allowed.name_of(KEY_B)) == (None, "a")
    assert allowed.keys == {KEY_B}
    assert allowed.names == {"a"}
    revoke(path, "a", START)
    assert read_devices(path) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("a", KEY_B, KEY_C, "not the present key"),
        ("zed", KEY_A, KEY_C, "not the present key"),
        ("a", KEY_A, KEY_B, "is listed there already"),
        ("a", KEY_A, KEY_A, "is listed there already"),
    ],
)
def test_only_a_present_key_can_be_replaced_by_a_new_one(
    tmp_path: Path, name: str, old: str, new: str, reason: str
) -> None:
    path = tmp_path / "allowed"
    enrol(path, Device("a", KEY_A))
    enrol(path, Device("b", KEY_B))
    before = path.read_text()
    if (name, new) == ("a", KEY_A):
        reason = ""  # the same again is no change
        replace_key(path, name, old, new, START, START)
    else:
        with pytest.raises(LinkError, match=reason):
            replace_key(path, name, old, new, START, START)
    assert path.read_text() == before


def test_lines_of_keys_that_are_over_go_with_the_next_change(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    enrol(path, Device("a", KEY_A))
    enrol(path, Device("b", KEY_C))
    now, old = START, KEY_A
    for key in (new_key_pair().public for _ in range(5)):
        replace_key(path, "a", old, key, now + timedelta(hours=1), now)
        now, old = now + timedelta(minutes=45), key
    assert [(device.name, device.until is None) for device in read_devices(path)] == [
        *[("b", True), ("a", False), ("a", False), ("a", True)]
    ]
    assert path.read_text().startswith("#") is False


def test_a_long_list_is_read_in_time_that_grows_with_its_length() -> None:
    """400 key changes in 20 s made a list of which 4,000 lines took 2.9 s, on the thread that acks."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd"
    good_until = "2030-01-01T00:00:00Z"

    def cpu_s(lines: int) -> float:
        text = "".join(f"d{n % 100} {n:08d}{digits[8:]} until {good_until}\n" for n in range(lines))
        started_s = time.process_time()
        devices, mistakes = parse(text)
        assert (len(devices), mistakes) == (lines, [])
        return time.process_time() - started_s

    assert cpu_s(20_000) < 12 * max(0.01, cpu_s(4_000))


def test_bad_lines_allow_nobody_and_are_named() -> None:
    devices, mistakes = parse(f"# comment\n\na {KEY_A}\nb {KEY_B} extra\nnonsense\nc {KEY_A}\n")
    assert devices == [Device("a", KEY_A)]
    assert [mistake.split(":")[0] for mistake in mistakes] == ["line 4", "line 5", "line 6"]


def test_a_list_with_bad_lines_is_refused_at_start(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    path.write_text("nonsense\n")
    with pytest.raises(LinkError, match="line 1"):
        AllowList(path)
    with pytest.raises(LinkError, match="line 1"):
        read_devices(path)
    with pytest.raises(LinkError, match="alpr device new"):
        AllowList(tmp_path / "none")


def test_a_change_is_noticed_and_a_vanished_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    enrol(path, Device("a", KEY_A))
    allowed = AllowList(path)
    assert not allowed.refresh()
    enrol(path, Device("b", KEY_B))
    assert allowed.refresh()
    assert (allowed.name_of(KEY_A), allowed.name_of(KEY_B)) == ("a", "b")
    path.unlink()
    assert not allowed.refresh()
    assert allowed.name_of(KEY_A) == "a"
    path.write_text(f"nonsense\nb {KEY_B}\n")
    assert allowed.refresh()
    assert (allowed.name_of(KEY_A), allowed.name_of(KEY_B)) == (None, "b")


def a_request(keys: KeyPair, domain: bytes = DOMAIN, mechanism: bytes = b"CURVE") -> list[bytes]:
    from zmq.utils import z85

    return [b"1.0", b"7", domain, b"127.0.0.1", b"", mechanism, z85.decode(keys.public)]


def test_zap_lets_in_by_key_only() -> None:
    keys, other = new_key_pair(), new_key_pair()
    reply = zap_reply(a_request(keys), lambda key, address: (key, address) == (keys.public, "127.0.0.1"))
    assert reply == [b"1.0", b"7", b"200", b"OK", keys.public.encode(), b""]
    for request in (
        a_request(other),
        a_request(keys, domain=b"*"),
        a_request(keys, mechanism=b"NULL"),
        a_request(keys)[:6],
        [*a_request(keys)[:6], b"short"],
        [b"2.0", *a_request(keys)[1:]],
        [],
    ):
        reply = zap_reply(request, lambda key, _: key == keys.public)
        assert reply[2] in {b"400", b"500"}
        assert reply[4] == b""

"""Parts that all pages share: users, passwords, lockout, sessions, events, hosts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alpr.errors import SignInError
from alpr.web import lockout
from alpr.web.events import _MOST_WAITING, EventHub, event_text
from alpr.web.lockout import Lockout
from alpr.web.passwords import hash_password, is_right_password
from alpr.web.security import is_own_host
from alpr.web.sessions import Sessions
from alpr.web.static_files import StaticFiles
from alpr.web.users import Users, parse_users, put_user, read_users, remove_user
from tests.conftest import FakeClock


def test_a_password_is_known_by_its_hash_alone(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "users"
    assert not put_user(path, "anna", "correct horse")
    assert put_user(path, "anna", "another horse")
    assert "horse" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    hashed = Users(path, clock).hash_of("anna")
    assert is_right_password("another horse", hashed)
    assert not is_right_password("correct horse", hashed)
    assert not is_right_password("another horse", None)


@pytest.mark.parametrize("password", ["", "short", "x" * 257, "with\nbreak 1", "with \x00 nought"])
def test_what_cannot_be_a_password_is_refused(password: str) -> None:
    with pytest.raises(SignInError):
        hash_password(password)


@pytest.mark.parametrize("name", ["", " ", "a b", "#anna", "../x", "a" * 65, "anna\nbert"])
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SignInError):
        put_user(tmp_path / "users", name, "correct horse")


def test_a_line_that_cannot_be_understood_admits_nobody_and_spoils_no_other(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "users"
    put_user(path, "anna", "correct horse")
    path.write_text("# people\n\nbert plain-text\n" + path.read_text() + "anna x y\n")
    assert Users(path, clock).names == ("anna",)
    assert len(parse_users(path.read_text())[1]) == 2
    with pytest.raises(SignInError, match="line 3"):
        read_users(path)


def test_a_user_who_is_removed_is_known_no_more_at_once(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "users"
    put_user(path, "anna", "correct horse")
    users = Users(path, clock)
    remove_user(path, "anna")
    assert users.hash_of("anna") is None
    with pytest.raises(SignInError, match="no user anna"):
        remove_user(path, "anna")


def test_each_failure_beyond_some_makes_the_wait_longer_up_to_a_bound(clock: FakeClock) -> None:
    doors = Lockout(clock)
    for _ in range(lockout.FREE_FAILURES - 1):
        doors.failed("name anna")
    assert doors.wait_s("name anna") == 0.0
    doors.failed("name anna")
    assert doors.wait_s("name anna", "address 10.0.0.1") == lockout.FIRST_WAIT_S
    assert doors.wait_s("name bert") == 0.0
    clock.advance(lockout.FIRST_WAIT_S)
    assert doors.wait_s("name anna") == 0.0
    for _ in range(40):
        doors.failed("name anna")
    assert doors.wait_s("name anna") == lockout.LONGEST_WAIT_S
    doors.succeeded("name anna")
    assert doors.wait_s("name anna") == 0.0


def test_failures_of_a_million_names_do_not_fill_the_memory(clock: FakeClock) -> None:
    doors = Lockout(clock)
    for number in range(10_000):
        doors.failed(f"name {number}")
    assert len(doors._failures) <= 4096


def test_a_session_has_an_end(clock: FakeClock) -> None:
    sessions = Sessions(clock, 3600)
    token = sessions.begin("anna", "hash")
    clock.advance(3599)
    assert sessions.find(token) is not None
    clock.advance(2)
    assert sessions.find(token) is None
    assert sessions.find("") is None


def test_sessions_are_bounded_and_their_tokens_are_not_kept(clock: FakeClock) -> None:
    sessions = Sessions(clock, 3600)
    first = sessions.begin("anna", "hash")
    tokens = [sessions.begin("anna", "hash") for _ in range(300)]
    assert sessions.find(first) is None
    assert sessions.find(tokens[-1]) is not None
    assert tokens[-1] not in repr(vars(sessions))


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost", True), ("LOCALHOST:8480", True), ("192.0.2.7:8480", True), ("[2001:db8::1]:8480", True),
        ("car-112:8480", True), ("car-112.evil.example", False), ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost/x", False), ("localhost?", False), ("localhost#", False), ("a@localhost", False), ("", False),
        ("localhost:", False), ("localhost:x", False), ("[::1", False), ("local host", False),
    ],
)  # fmt: skip
def test_only_own_names_and_plain_addresses_are_own_hosts(host: str, is_own: bool) -> None:
    assert is_own_host(host, {"localhost", "car-112"}) is is_own


def test_no_text_breaks_out_of_its_event() -> None:
    for text in ("a\n\nevent: hit\ndata: {}", "a\r\n\r\nb", "a\rb"):
        lines = event_text(text).decode().rstrip("\n").split("\n")
        assert all(line.startswith("data: ") for line in lines)


def test_a_page_that_takes_nothing_is_ended_and_the_others_go_on() -> None:
    async def play() -> list[bytes]:
        hub = EventHub()
        hub.listen(b"first", lambda: True)  # nobody reads it
        reading = hub.listen(b"first", lambda: True)
        got = [await anext(reading)]
        for number in range(_MOST_WAITING + 2):
            hub.send(b"%d" % number)
            got.append(await anext(reading))
        assert len(hub) == 1
        return got

    got = asyncio.run(play())
    assert got[:2] == [b"first", b"0"]
    assert len(got) == _MOST_WAITING + 3


def test_a_stream_ends_with_its_session() -> None:
    async def play() -> list[bytes]:
        hub, is_in = EventHub(), [True]
        reading = hub.listen(b"first", lambda: is_in[0])
        got = [await anext(reading)]
        is_in[0] = False
        hub.send(b"secret")
        got += [each async for each in reading]
        assert len(hub) == 0
        return got

    assert asyncio.run(play()) == [b"first"]


def test_files_are_served_under_one_version_of_all(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "b.js").write_text("2")
    before = StaticFiles([tmp_path])
    assert before.url("a.js").rpartition("/")[0] == before.url("b.js").rpartition("/")[0]
    (tmp_path / "b.js").write_text("3")
    assert StaticFiles([tmp_path]).url("a.js") != before.url("a.js")
    with pytest.raises(KeyError):
        before.url("../secret")

"""What devices say and receivers answer, made to end the thread that carries events on: one event at most goes."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alpr.collector.service.forwarding import Forwarding, queue_for
from alpr.collector.store.store import Store
from alpr.errors import ForwardError, ForwardRefused
from alpr.forward.event import Event
from alpr.forward.forwarder import Forwarder
from alpr.forward.mqtt import Broker, Mqtt, _level, _node
from alpr.forward.webhook import Webhook
from alpr.link.protocol.messages import LossRecord
from tests.conftest import START, FakeClock
from tests.integration.link_world import wait_until
from tests.unit.collector.store.test_store import a_delivery
from tests.unit.forward.test_forwarder import SECRET, Receiver, Taker, receiving

HOSTILE_TEXTS = [
    "disk\r\nX-Evil: 1",
    "disk\x00full",
    "dísk \u2028 \U0001f4a5",
    "x" * 200,
    "\x1b[2J",
    " ",
    "",
]
LOSSES = frozenset({"loss"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def a_loss(number: int, text: str) -> LossRecord:
    return LossRecord(f"{number:016x}", text, text, 1, START + timedelta(seconds=number))


def fill(path: Path, target: Any, texts: list[str]) -> None:
    with closing(Store(path, also=queue_for([target]))) as store:
        for number, text in enumerate(texts, 1):
            receipts, _ = store.add([a_delivery(a_loss(number, text), first_seq=number)])
            assert receipts[0].seqs == (number,)


def test_a_loss_whose_text_no_header_can_hold_is_carried_on_and_ends_nothing(path: Path, receiver: Receiver) -> None:
    """The attack: one enrolled device reports a loss with a line feed, or a letter beyond Latin-1, in its cause."""
    target = Webhook("hook", receiver.url, SECRET, LOSSES)
    texts = [*HOSTILE_TEXTS, "disk-full"]
    with closing(Store(path, also=queue_for([target]))) as store, Forwarding(path, [target], store) as forwarding:
        for number, text in enumerate(texts, 1):
            store.add([a_delivery(a_loss(number, text), first_seq=number)])
        wait_until(lambda: len(receiver.posts) == len(texts))
        forwarding.check()
        assert forwarding.refused == {"hook": 0}
    assert [post.row["cause"] for post in receiver.posts] == texts
    for post in receiver.posts:
        assert post.headers["X-Alpr-Event"] == post.row["event_id"]
        assert "X-Evil" not in post.headers
    assert len({post.row["event_id"] for post in receiver.posts}) == len(texts)


def test_a_queue_that_is_poisoned_already_drains_at_the_next_start(path: Path, receiver: Receiver) -> None:
    target = Webhook("hook", receiver.url, SECRET, LOSSES)
    Store(path).close()
    Forwarder(path, [target]).close()  # its place is before all that comes
    fill(path, target, HOSTILE_TEXTS)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for row in ("{", "[]", "null", '{"device": "x"}', "[" * 100_000, b"\xff\xfe", '{"what": "\\ud800"}'):
            connection.execute("INSERT INTO outgoing (kind, row) VALUES ('loss', ?)", (row,))
        connection.execute("INSERT INTO outgoing (kind, row) VALUES ('loss', '{\"what\": \"last\"}')")
    with closing(Forwarder(path, [target])) as forwarder:
        while forwarder.step():
            pass
        assert forwarder.refused == {"hook": 5}  # those that are no JSON object
    assert receiver.posts[-1].row["what"] == "last"
    assert len(receiver.posts) == len(HOSTILE_TEXTS) + 3


class Trap(Taker):
    """Raises, for one event, what nobody foresaw."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(kinds=LOSSES)
        self.failure = failure

    def send(self, event: Event) -> None:
        if event.row["cause"] == "trap":
            raise self.failure
        super().send(event)


@pytest.mark.parametrize(
    "failure",
    [
        ValueError("Invalid header value b'x\r\n'"),
        UnicodeEncodeError("latin-1", "\u2028", 0, 1, "no"),
        KeyError("device"),
        RecursionError(),
        MemoryError(),
        RuntimeError("\x1b[2J" + "x" * 10_000),
        OSError(24, "Too many open files"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_whatever_a_target_raises_refuses_that_one_event_and_says_so(
    path: Path, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    target = Trap(failure)
    Store(path).close()
    with closing(Forwarder(path, [target])) as forwarder:
        fill(path, target, ["before", "trap", "after"])
        while forwarder.step():
            pass
        assert forwarder.refused == {"taker": 1}
    assert [event.row["cause"] for event in target.taken] == ["before", "after"]
    [told] = [record.getMessage() for record in caplog.records if "for good" in record.getMessage()]
    assert type(failure).__name__ in told
    assert len(told) < 500
    assert told.isprintable()
    with closing(sqlite3.connect(path.with_name("store.forward.db"))) as connection:
        assert connection.execute("SELECT target, count(*) FROM refused").fetchone() == ("taker", 1)


def test_event_ids_are_what_they_were_for_all_that_is_plain() -> None:
    row = {"device": "gate-1", "what": "read", "cause": "disk-full", "last_at": "2026-01-01T12:00:00+00:00"}
    assert Event(1, "loss", row).event_id == "loss-gate-1-read-disk-full-2026-01-01T12:00:00+00:00"
    odd = [Event(1, "loss", {**row, "cause": text}).event_id for text in ("a b", "a\tb", "a\ud800b", "é" * 4000)]
    assert len(set(odd)) == 4
    assert all(each.isascii() and each.isprintable() and " " not in each and len(each) < 50 for each in odd)


Talk = Callable[[socket.socket], None]


@contextmanager
def a_liar(talk: Talk) -> Iterator[str]:
    """A server that takes one request after the other and then says what it likes, for at most 5 s each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(5.0)
                        connection.recv(1 << 16)
                        talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            over.set()
            with suppress(OSError), socket.create_connection(server.getsockname()[:2], 1.0):
                pass
            thread.join(6.0)


def _drip(head: bytes, drop: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(50):
            time.sleep(0.1)
            connection.sendall(drop)

    return talk


def _pour(head: bytes, gush: bytes, most: int = 64 << 20) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(most // len(gush)):
            connection.sendall(gush)

    return talk


EVENT = Event(1, "hit", {"event": "hit", "hit_id": "ab", "device": "gate-1"})
HEAD = b"HTTP/1.1 200 OK\r\n"
REDIRECT = b"HTTP/1.1 307 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("talk", "outcome"),
    [
        (lambda _: time.sleep(2.0), ForwardError),
        (_drip(b"", b"H"), ForwardError),
        (_drip(HEAD, b"X: y\r\n"), ForwardError),
        (_drip(HEAD + b"X: ", b"y"), ForwardError),
        (_drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), ForwardError),
        (_pour(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), ForwardError),
        (_pour(b"", b"x" * (1 << 20)), ForwardError),
        (_pour(HEAD, b"X-Header: " + b"y" * 60_000 + b"\r\n"), ForwardError),
        (_pour(HEAD, b"X: y\r\n" * 1000), ForwardError),
        (_pour(HEAD + b"Content-Length: 99999999999\r\n\r\n", b"x" * (1 << 20)), None),
        (_drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), None),
        (_drip(HEAD, b"\r\n"), None),
        (lambda c: c.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n"), ForwardError),
        (lambda c: c.sendall(b"HTTP/1.1 503 \x1b[2J\x07" + b"x" * 5000 + b"\r\n\r\n"), ForwardError),
        (lambda c: c.sendall(REDIRECT % b"http://["), ForwardRefused),
        (lambda c: c.sendall(REDIRECT % b"file:///etc/passwd"), ForwardRefused),
        (lambda c: c.sendall(REDIRECT % b"ftp://127.0.0.1:1/x"), ForwardRefused),
        (lambda c: c.sendall(REDIRECT % b"http://127.0.0.1:1/"), ForwardRefused),
    ],
    ids=[
        "never answers",
        "drips the status line",
        "drips headers",
        "drips one header",
        "drips 100s",
        "a flood of 100s",
        "an endless line",
        "huge headers",
        "many headers",
        "an endless body",
        "a body that drips",
        "a slow answer that is whole in time",
        "an early hint alone",
        "escape sequences",
        "redirects to what is no address",
        "redirects to a file",
        "redirects to ftp",
        "redirects to another host",
    ],
)
def test_a_receiver_that_lies_is_bounded_in_time_and_memory(talk: Talk, outcome: type[ForwardError] | None) -> None:
    with a_liar(talk) as url:
        target = Webhook("hook", url, SECRET, timeout_s=0.6)
        tracemalloc.start()
        start_s = time.monotonic()
        said = ""
        try:
            target.send(EVENT)
            caught = None
        except ForwardError as error:
            caught, said = type(error), str(error)
        took_s = time.monotonic() - start_s
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert caught is outcome
    assert took_s < 1.8
    assert peak < 16 << 20
    assert len(said) < 300
    assert said.isprintable()


@pytest.mark.parametrize("name", ["+", "#", "a/b", "/", "\x00", "\ud800", "é", "x" * 100_000, "../..", "$SYS", "\n"])
def test_no_name_makes_a_topic_of_its_own(name: str) -> None:
    level = _level(name)
    assert level
    assert len(level) <= 64
    assert level.isascii()
    assert not set("+#/$.\0\n") & set(level)
    assert len(_node("gate-1", level)) < 150


def test_long_names_stay_apart_and_no_device_takes_the_place_of_another() -> None:
    assert _level("x" * 100) != _level("x" * 101)
    assert (_level("gate-1"), _level("cam.1"), _level("x" * 64)) == ("gate-1", "cam_1", "x" * 64)
    assert _node("a_b", "c") == "alpr_a_b_c"
    assert _node("a", "b_c") != "alpr_a_b_c"


@contextmanager
def a_lying_broker(answer: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """Speaks just enough MQTT: lets everybody in, then answers each packet as told; None breaks it off."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def talk(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"\x20\x02\x00\x00")
                while packet := connection.recv(1 << 16):
                    reply = answer(packet)
                    if reply is None:
                        return
                    connection.sendall(reply)

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            with suppress(OSError), socket.create_connection(server.getsockname()[:2], 1.0):
                pass


def _puback(packet: bytes) -> bytes:
    """For the first PUBLISH of QoS 1 in what came; enough where one is sent at a time."""
    acks = b""
    while packet:
        length, shift, at = 0, 0, 1
        while True:
            length |= (packet[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not packet[at - 1] & 0x80:
                break
        if packet[0] >> 4 == 3:
            topic = int.from_bytes(packet[at : at + 2], "big")
            acks += b"\x40\x02" + packet[at + 2 + topic : at + 4 + topic]
        packet = packet[at + length :]
    return acks


def test_a_broker_that_takes_nothing_is_given_up_for_now_and_no_message_piles_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("paho.mqtt.client")
    monkeypatch.setattr("alpr.forward.mqtt.TAKEN_WITHIN_S", 0.3)
    seen: list[bytes] = []

    def answer(packet: bytes) -> bytes:
        seen.append(packet)
        return b""

    with a_lying_broker(answer) as port:
        target = Mqtt("mqtt", Broker("127.0.0.1", port, has_tls=False), discovery="")
        for _ in range(3):
            start_s = time.monotonic()
            with pytest.raises(ForwardError, match="not accepted"):
                target.send(EVENT)
            assert time.monotonic() - start_s < 5.0
        assert not target._client._out_messages  # one attempt leaves nothing for the next connection
        target.close()
    assert b"".join(seen).count(b"hit-ab-0") == 3


@pytest.mark.slow
def test_an_event_over_which_a_broker_breaks_off_each_time_holds_up_no_other(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: a text that a broker will not have, at which it closes the connection instead of saying so."""
    pytest.importorskip("paho.mqtt.client")
    monkeypatch.setattr("alpr.forward.mqtt.TAKEN_WITHIN_S", 1.0)
    monkeypatch.setattr("alpr.forward.mqtt._MOST_BREAKS", 3)
    taken: list[bytes] = []

    def answer(packet: bytes) -> bytes | None:
        if b"poison" in packet:
            return None
        taken.append(packet)
        return _puback(packet)

    with a_lying_broker(answer) as port:
        target = Mqtt("mqtt", Broker("127.0.0.1", port, has_tls=False), LOSSES, discovery="")
        Store(path).close()
        with closing(Forwarder(path, [target], clock)) as forwarder:
            fill(path, target, ["poison", "after"])
            for _ in range(20):  # now and then a break is seen as an answer that did not come, and does not count
                clock.advance(400.0)
                while forwarder.step():
                    pass
                if b"after" in b"".join(taken):
                    break
            assert forwarder.refused == {"mqtt": 1}
    assert b"after" in b"".join(taken)


def test_cameras_that_a_device_invents_are_not_all_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("paho.mqtt.client")
    target = Mqtt("mqtt", Broker("127.0.0.1", 1, has_tls=False))
    topics: list[str] = []
    monkeypatch.setattr(target, "_connect", lambda: None)
    monkeypatch.setattr(target, "_publish", lambda topic, _text, **_: topics.append(topic))
    for number in range(1000):
        target.send(Event(number, "hit", {**EVENT.row, "camera_id": f"camera-{number}"}))
    assert sum(topic.startswith("homeassistant/") for topic in topics) == 64
    assert sum(topic.startswith("alpr/") for topic in topics) == 1000

"""Carrying events on: the queue, the places of the targets, webhooks against a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from alpr.cli import cli
from alpr.collector.service.forwarding import Forwarding, queue_for
from alpr.collector.service.settings import targets_of
from alpr.collector.store.store import Store
from alpr.config import load_collector_config
from alpr.errors import ConfigError, ForwardError, ForwardRefused, StoreFull
from alpr.forward.event import Event
from alpr.forward.formats import openalpr_names, platerecognizer_names
from alpr.forward.forwarder import Forwarder, read_targets
from alpr.forward.queue import QueueLimits, append, prune
from alpr.forward.target import Target
from alpr.forward.webhook import Webhook
from alpr.link.protocol.convert import record_from_hit, record_from_read
from alpr.link.protocol.messages import HitRecord
from tests.conftest import FakeClock
from tests.integration.link_world import wait_until
from tests.records import a_hit, a_read
from tests.unit.collector.store.test_store import a_delivery

SECRET = b"a secret of more than sixteen bytes"


class Post:
    """What a receiver was sent."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path, self.headers, self.body = path, headers, body
        self.row = json.loads(body)


class Receiver:
    """A receiver whose answers are set beforehand; 204 after those."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append(Post(self.path, dict(self.headers), body))
                code = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(code)
                if 300 <= code < 400:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hits"


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


class Taker:
    """A target in memory whose failures are set beforehand."""

    def __init__(self, name: str = "taker", kinds: frozenset[str] = frozenset({"hit", "read"})) -> None:
        self.name, self.kinds = name, kinds
        self.taken: list[Event] = []
        self.failures: list[ForwardError] = []

    def send(self, event: Event) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(event)

    def close(self) -> None:
        pass


def fill(path: Path, target: Target, numbers: range) -> None:
    with closing(Store(path, also=queue_for([target]))) as store:
        for n in numbers:
            records = record_from_read(a_read(n)), record_from_hit(a_hit(a_read(n)))
            store.add([a_delivery(*records, first_seq=2 * n)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    Store(path).close()
    return path


def test_a_webhook_is_a_signed_post(receiver: Receiver, clock: FakeClock) -> None:
    row = {"event": "hit", "hit_id": "ab", "read_revision": 2, "plate": "AB12CDE"}
    Webhook("desk", receiver.url, SECRET, clock=clock).send(Event(7, "hit", row))
    [post] = receiver.posts
    assert (post.path, post.row) == ("/hits", {**row, "event_id": "hit-ab-2"})
    at, given = (part.split("=")[1] for part in post.headers["X-Alpr-Signature"].split(","))
    assert int(at) == int(clock.now().timestamp())
    assert hmac.compare_digest(given, hmac.new(SECRET, f"{at}.".encode() + post.body, hashlib.sha256).hexdigest())
    assert post.headers["X-Alpr-Event"] == "hit-ab-2"


@pytest.mark.parametrize(
    ("code", "error"),
    [(500, ForwardError), (503, ForwardError), (429, ForwardError), (400, ForwardRefused), (404, ForwardRefused)],
)
def test_what_an_answer_means(receiver: Receiver, code: int, error: type[ForwardError]) -> None:
    receiver.answers = [code]
    with pytest.raises(ForwardError, match=str(code)) as caught:
        Webhook("desk", receiver.url, SECRET).send(Event(1, "hit", {"plate": "X"}))
    assert type(caught.value) is error


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    with pytest.raises(ForwardRefused, match="302"):
        Webhook("desk", receiver.url, SECRET).send(Event(1, "hit", {"plate": "X"}))
    assert len(receiver.posts) == 1


def test_a_receiver_that_is_not_there_may_come_back() -> None:
    with pytest.raises(ForwardError, match="cannot be reached") as caught:
        Webhook("desk", "http://127.0.0.1:1/", SECRET, timeout_s=1).send(Event(1, "hit", {"plate": "X"}))
    assert not isinstance(caught.value, ForwardRefused)


@pytest.mark.parametrize(
    ("url", "secret", "mistake"),
    [
        ("http://example.org/", SECRET, "not https"),
        ("ftp://127.0.0.1/", SECRET, "not https"),
        ("https://example.org/für-uns", SECRET, "letters that no address has"),
        ("https://example.org/", b"short", "at least 16"),
    ],
)
def test_plates_do_not_go_out_in_the_open(url: str, secret: bytes, mistake: str) -> None:
    with pytest.raises(ForwardError, match=mistake):
        Webhook("desk", url, secret)


def test_an_address_that_is_a_secret_itself_is_not_told() -> None:
    with pytest.raises(ForwardError) as caught:
        Webhook("desk", "http://example.org/hook/s3cret?token=s3cret", SECRET)
    assert "s3cret" not in str(caught.value)


def test_a_proxy_sees_nothing_of_what_stays_on_this_machine(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        Webhook("here", receiver.url, SECRET).send(Event(1, "hit", {"hit_id": "x"}))
        assert (len(receiver.posts), len(proxy.posts)) == (1, 0)


def test_events_go_out_in_order_once_each_and_on_after_a_restart(path: Path) -> None:
    taker = Taker()
    Forwarder(path, [taker]).close()  # its place begins here
    fill(path, taker, range(1, 4))
    with closing(Forwarder(path, [taker])) as forwarder:
        for _ in range(4):
            assert forwarder.step()
    with closing(Forwarder(path, [taker])) as forwarder:
        while forwarder.step():
            pass
        assert forwarder.delivered == 6
    kinds = [event.kind for event in taker.taken]
    assert kinds == ["read", "hit"] * 3
    assert [event.number for event in taker.taken] == [1, 2, 3, 4, 5, 6]
    assert len({event.event_id for event in taker.taken}) == 6
    [state] = read_targets(path)
    assert (state.delivered, state.sent, state.refused, state.last_error) == (6, 6, 0, "")


def test_how_targets_stand_is_shown(path: Path) -> None:
    taker = Taker()
    taker.failures = [ForwardError("no route")]
    Forwarder(path, [taker]).close()
    fill(path, taker, range(1, 3))
    with closing(Forwarder(path, [taker])) as forwarder:
        forwarder.step()
    result = CliRunner().invoke(cli, ["forward", "--db", str(path), "--json"])
    row = json.loads(result.stdout)
    assert (row["name"], row["sent"], row["waiting"], row["last_error"]) == ("taker", 0, 4, "no route")


def test_a_target_that_is_down_is_tried_again_later_and_holds_up_no_other(path: Path, clock: FakeClock) -> None:
    slow, quick = Taker("slow"), Taker("quick")
    slow.failures = [ForwardError("no route"), ForwardError("no route")]
    Forwarder(path, [slow, quick]).close()
    fill(path, slow, range(1, 3))
    with closing(Forwarder(path, [slow, quick], clock)) as forwarder:
        while forwarder.step():
            pass
        assert (len(slow.taken), len(quick.taken)) == (0, 4)
        assert forwarder.delivered == 0
        assert [state.last_error for state in read_targets(path)] == ["", "no route"]
        clock.advance(0.9)
        assert not forwarder.step()
        clock.advance(0.2)
        assert not forwarder.step()  # fails again: now two seconds
        clock.advance(1.5)
        assert not forwarder.step()
        clock.advance(0.6)
        while forwarder.step():
            pass
        assert [event.number for event in slow.taken] == [1, 2, 3, 4]
        assert forwarder.delivered == 4


def test_a_target_that_wants_little_does_not_keep_the_queue_from_forgetting(path: Path) -> None:
    taker, rare = Taker("taker"), Taker("rare", frozenset({"alert"}))
    Forwarder(path, [taker, rare]).close()
    fill(path, taker, range(1, 4))
    with closing(Forwarder(path, [taker, rare])) as forwarder:
        while forwarder.step():
            pass
        assert forwarder.delivered == 6
        with closing(Store(path)) as store:
            assert store.forget_delivered(forwarder.delivered) == 0
            store.queue([("read", {"read_id": "x"}), ("alert", {"alert_id": "y", "at": "now", "is_raised": True})])
        while forwarder.step():
            pass
        assert (len(taker.taken), len(rare.taken)) == (7, 1)
    assert {row["waiting"] for row in shown(path)} == {0}


def test_in_a_new_database_nothing_is_lost_to_the_places_of_the_old_one(path: Path) -> None:
    taker = Taker()
    Forwarder(path, [taker]).close()
    fill(path, taker, range(1, 4))
    with closing(Forwarder(path, [taker])) as forwarder:
        while forwarder.step():
            pass
    for file in path.parent.glob("store.db*"):  # damaged, and moved aside as its message says
        file.unlink()
    Store(path).close()
    taker.taken.clear()
    with closing(Forwarder(path, [taker])) as forwarder, closing(Store(path)) as store:
        fill(path, taker, range(4, 5))
        store.forget_delivered(forwarder.delivered)
        while forwarder.step():
            pass
    assert [event.kind for event in taker.taken] == ["read", "hit"]
    assert {row["waiting"] for row in shown(path)} == {0}


def shown(path: Path) -> list[dict[str, Any]]:
    """What `alpr forward` says."""
    result = CliRunner().invoke(cli, ["forward", "--db", str(path), "--json"])
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_full_disk_holds_up_nothing_and_repeats_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @contextmanager
    def full(_: sqlite3.Connection) -> Iterator[None]:
        yield
        raise StoreFull("no room")

    taker = Taker()
    taker.failures = [ForwardRefused("it answers 400")]
    Forwarder(path, [taker]).close()
    fill(path, taker, range(1, 4))
    with closing(Store(path)) as store, Forwarding(path, [], store) as forwarding:
        with closing(Forwarder(path, [taker])) as forwarder, monkeypatch.context() as patch:
            patch.setattr("alpr.system.store_files.transaction", full)
            patch.setattr("alpr.collector.store.store.transaction", full)
            while forwarder.step():
                pass
            forwarding._forwarder = forwarder
            forwarding.forget_delivered()
            assert forwarder.delivered == 6
        forwarding._forwarder = None
    assert [event.number for event in taker.taken] == [2, 3, 4, 5, 6]
    assert caplog.text.count("cannot be saved for now") == 1
    assert "cannot be removed from the queue now" in caplog.text


def test_what_a_target_refuses_is_named_and_the_next_goes_on(path: Path) -> None:
    taker = Taker(kinds=frozenset({"hit"}))
    taker.failures = [ForwardRefused("it answers 400")]
    Forwarder(path, [taker]).close()
    fill(path, taker, range(1, 3))
    with closing(Forwarder(path, [taker])) as forwarder:
        while forwarder.step():
            pass
    assert len(taker.taken) == 1
    [state] = read_targets(path)
    assert (state.sent, state.refused) == (1, 1)
    with closing(sqlite3.connect(path.with_name("store.forward.db"))) as connection:
        [(event_id, reason)] = connection.execute("SELECT event_id, reason FROM refused").fetchall()
    assert event_id.startswith("hit-")
    assert reason == "it answers 400"


def test_a_covert_hit_goes_only_to_its_receivers(path: Path) -> None:
    desk, squad = Taker("desk"), Taker("squad")
    Forwarder(path, [desk, squad]).close()
    hit = record_from_hit(a_hit(a_read()))
    covert = HitRecord(**{name: getattr(hit, name) for name in hit.__struct_fields__})
    covert = replace_struct(covert, entry=replace_struct(hit.entry, receivers=("squad",)))
    with closing(Store(path, also=queue_for([desk, squad]))) as store:
        store.add([a_delivery(covert)])
    with closing(Forwarder(path, [desk, squad])) as forwarder:
        while forwarder.step():
            pass
        assert forwarder.delivered == 1
    assert (len(desk.taken), len(squad.taken)) == (0, 1)


def replace_struct(struct: Any, **changes: Any) -> Any:
    return type(struct)(**{name: getattr(struct, name) for name in struct.__struct_fields__} | changes)


def test_a_crash_between_storing_and_queueing_is_not_possible(path: Path) -> None:
    def fails(*_: Any) -> None:
        raise sqlite3.OperationalError("no")

    with closing(Store(path, also=fails)) as store, pytest.raises(Exception, match="no"):
        store.add([a_delivery(record_from_read(a_read()))])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM reads").fetchone() == (0,)


def test_the_queue_forgets_what_is_delivered_and_keeps_to_its_bound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        append(connection, [("hit", {}), *[("read", {})] * 10, ("hit", {})])
        assert prune(connection, 2) == 0
        assert prune(connection, 2, QueueLimits(rows=4)) == 6
        left = connection.execute("SELECT kind FROM outgoing ORDER BY id").fetchall()
        assert [kind for (kind,) in left] == ["read"] * 3 + ["hit"]


def test_the_thread_serves_targets_and_the_queue_empties(path: Path, receiver: Receiver) -> None:
    hook = Webhook("desk", receiver.url, SECRET, frozenset({"hit"}))
    receiver.answers = [503]
    with closing(Store(path, also=queue_for([hook]))) as store, Forwarding(path, [hook], store) as forwarding:
        wait_until(lambda: read_targets(path) != [])
        store.add([a_delivery(record_from_hit(a_hit(a_read())), first_seq=1)])
        wait_until(lambda: len(receiver.posts) == 2)  # refused once, then taken

        def is_empty() -> bool:
            forwarding.forget_delivered()
            with closing(sqlite3.connect(path)) as connection:
                return bool(connection.execute("SELECT count(*) FROM outgoing").fetchone() == (0,))

        wait_until(is_empty)
    assert receiver.posts[0].row["event_id"] == receiver.posts[1].row["event_id"]


def test_the_names_that_others_know(path: Path) -> None:
    taker = Taker()
    Forwarder(path, [taker]).close()
    fill(path, taker, range(1, 2))
    with closing(Forwarder(path, [taker])) as forwarder:
        while forwarder.step():
            pass
    read, hit = taker.taken
    group = openalpr_names(read)
    assert group["data_type"] == "alpr_group"
    assert (group["best_plate_number"], group["best_uuid"]) == ("AB12CDE", read.row["read_id"])
    assert group["epoch_end"] - group["epoch_start"] == 1000
    alert = openalpr_names(hit)
    assert (alert["data_type"], alert["list_plate_number"]) == ("alpr_alert", "AB12CDE")
    stream = platerecognizer_names(read)
    assert stream["hook"]["event"] == "recognition"
    assert stream["data"]["results"][0]["plate"] == "ab12cde"
    for names in (openalpr_names, platerecognizer_names):
        for event in (read, hit, replace(hit, kind="disposition")):
            json.dumps(names(event))


def collector_yaml(folder: Path, more: str) -> Path:
    (folder / "secret").write_bytes(SECRET)
    (folder / "secret").chmod(0o600)
    path = folder / "collector.yaml"
    path.write_text(f"database: store.db\nkey_file: key\nallowed_devices: allowed\n{more}")
    return path


def test_targets_come_from_the_configuration(tmp_path: Path) -> None:
    path = collector_yaml(
        tmp_path,
        "webhooks: [{name: desk, url: 'https://example.org/x', secret_file: secret, events: [hit, read]}]\n"
        "mqtt: {host: localhost, port: 1883, tls: false}\n",
    )
    desk, mqtt = targets_of(load_collector_config(path, files_must_exist=False))
    assert (desk.name, desk.kinds) == ("desk", frozenset({"hit", "read"}))
    assert (mqtt.name, mqtt.kinds) == ("mqtt", frozenset({"hit"}))


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = collector_yaml(tmp_path, "webhooks: [{name: desk, url: 'https://example.org/x', secret_file: secret}]\n")
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        targets_of(load_collector_config(path, files_must_exist=False))
    (tmp_path / "secret").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        targets_of(load_collector_config(path, files_must_exist=False))


def test_two_targets_of_one_name_are_refused(tmp_path: Path) -> None:
    hook = "{name: desk, url: 'https://example.org/x', secret_file: secret}"
    path = collector_yaml(tmp_path, f"webhooks: [{hook}, {hook}]\n")
    with pytest.raises(ConfigError, match="same name"):
        targets_of(load_collector_config(path, files_must_exist=False))

"""The page's process beside a device: it may die, hang or be flooded, and the device goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2 as httpx
import pytest

from alpr.edge_page import supervisor
from alpr.journal.dispositions import decide
from alpr.types import Action, Disposition, Verdict
from alpr.web import server
from tests.conftest import a_frame
from tests.page_world import PASSWORD, USER, PageWorld, a_shown_hit, a_shown_read, an_entry, running_page
from tests.records import an_id

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageWorld]:
    monkeypatch.setattr(supervisor, "HUNG_S", 6.0)
    with running_page(tmp_path) as running:
        wait_for(lambda: is_up(running))
        yield running


def is_up(world: PageWorld) -> bool:
    try:
        return httpx.get(f"{world.url}/sign-in", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline_s = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline_s, "it did not come about"
        time.sleep(0.05)


def page_process() -> int:
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "alpr.cli page serve"], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[0])


def an_officer(world: PageWorld) -> httpx.Client:
    client = httpx.Client(base_url=world.url, headers={"Origin": world.url}, timeout=15)
    assert client.post("/sign-in", data={"name": USER, "password": PASSWORD}).status_code == 303
    return client


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_a_page_that_is_gone_comes_back_and_has_the_hits(world: PageWorld, how: signal.Signals) -> None:
    read = a_shown_read(1, "AB12CDE")
    world.publish(a_shown_hit(read, an_entry()), read)
    os.kill(page_process(), how)
    began_s = time.monotonic()
    for number in range(500):  # whoever publishes never waits
        world.supervisor.publish(a_shown_hit(read, an_entry(number=number)), "muted", None)
    assert time.monotonic() - began_s < 1.0
    wait_for(lambda: world.supervisor.starts == 2 and is_up(world), 45)
    with closing(an_officer(world)) as client:
        assert "AB12CDE" in client.get("/").text


def test_a_decision_of_another_program_shows_on_the_page(world: PageWorld) -> None:
    read = a_shown_read(1, "AB12CDE")
    hit = a_shown_hit(read, an_entry())
    world.publish(hit, read)
    with closing(an_officer(world)) as client:
        wait_for(lambda: 'data-waits="true"' in client.get(f"/hits/{hit.hit_id}").text)
        decide(
            world.journal_path,
            Disposition(an_id(1), hit.hit_id, Verdict.CORRECT, Action.NONE, "bert", hit.raised_at),
        )
        wait_for(lambda: "bert" in client.get(f"/hits/{hit.hit_id}").text)
        assert 'data-waits="false"' in client.get(f"/hits/{hit.hit_id}").text


def test_a_live_picture_is_made_when_somebody_looks_and_not_otherwise(world: PageWorld) -> None:
    world.supervisor.see(a_frame(camera_id="front"))
    assert world.supervisor._seen == {}
    with closing(an_officer(world)) as client:
        shown: list[int] = []

        def look() -> bool:
            for _ in range(20):
                world.supervisor.see(a_frame(camera_id="front"))
                time.sleep(0.05)
            return bool(shown)

        asking = threading.Thread(target=lambda: shown.append(len(client.get("/cameras/front/live.jpg").content)))
        asking.start()
        wait_for(look)
        asking.join()
    assert shown[0] > 100


def test_connections_that_say_nothing_do_not_keep_others_out(world: PageWorld) -> None:
    idle = [socket.create_connection(world.listening.getsockname()) for _ in range(server.MOST_CONNECTIONS + 20)]
    for each in idle[::2]:
        each.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    wait_for(lambda: is_up(world), server.PATIENCE_S + 10)
    for each in idle:
        each.close()


def test_it_ends_with_the_device_even_where_that_is_killed(tmp_path: Path) -> None:
    with running_page(tmp_path) as world:
        wait_for(lambda: is_up(world))
        number = page_process()
    assert not Path(f"/proc/{number}").exists()

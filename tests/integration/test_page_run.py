"""`alpr run` with a page: a vehicle of the sample clip raises a hit, an officer decides, the device ends as ever."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx2 as httpx
import pytest
import yaml

from alpr.hotlist.files.importer import import_csv
from alpr.journal.dispositions import read_hits
from alpr.system.shipped import shipped
from alpr.web.users import put_user
from tests.conftest import START
from tests.page_world import PASSWORD, USER

SAMPLES = shipped("samples")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def a_device(folder: Path) -> tuple[Path, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    import_csv(folder / "hotlist.sqlite", SAMPLES / "hotlist.csv", "sample", START)
    put_user(folder / "users", USER, PASSWORD)
    config = {
        "device": {"name": "car-112", "data_dir": "data"},
        "cameras": [{"id": "front", "url": str(SAMPLES / "clip.mp4"), "realtime": True}],
        "hotlist": {"database": "hotlist.sqlite", "max_age_h": None},
        "page": {"users": "users", "port": port},
    }
    (folder / "edge.yaml").write_text(yaml.safe_dump(config))
    return folder / "edge.yaml", f"http://127.0.0.1:{port}"


def an_officer(url: str) -> httpx.Client:
    client = httpx.Client(base_url=url, headers={"Origin": url}, timeout=20)
    deadline_s = time.monotonic() + 30
    while True:
        try:
            assert client.post("/sign-in", data={"name": USER, "password": PASSWORD}).status_code == 303
            return client
        except httpx.TransportError:
            assert time.monotonic() < deadline_s
            time.sleep(0.1)


def test_a_hit_of_the_road_is_decided_on_the_page(tmp_path: Path) -> None:
    config, url = a_device(tmp_path)
    command = [sys.executable, "-m", "alpr.cli", "run", "-c", str(config), "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as device:
        try:
            with closing(an_officer(url)) as client:
                hit_id = _first_hit(client)
                page = client.get("/").text
                token = re.search(r'name="csrf" value="([^"]+)"', page)
                assert token is not None
                assert client.get(f"/hits/{hit_id}/patch.jpg").content[:2] == b"\xff\xd8"
                form = {"csrf": token[1], "verdict": "correct"}
                assert client.post(f"/hits/{hit_id}/decide", data=form).status_code == 200
                assert client.get("/cameras/front/live.jpg").content[:2] == b"\xff\xd8"
            device.send_signal(signal.SIGTERM)
            _, log = device.communicate(timeout=20)
        finally:
            device.kill()
    assert device.returncode == 0, log
    assert "Traceback" not in log
    decided = {each.hit.hit_id: each.dispositions for each in read_hits(tmp_path / "data" / "journal.sqlite")}
    assert [(each.verdict, each.by) for each in decided[hit_id]] == [("correct", USER)]
    left = subprocess.run(["pgrep", "-f", "alpr.cli page serve"], capture_output=True, text=True, check=False)
    assert str(device.pid) not in {_parent_of(number) for number in left.stdout.split()}


def _first_hit(client: httpx.Client) -> str:
    with client.stream("GET", "/events") as stream:
        for line in stream.iter_lines():
            found = re.search(r'data-hit-id="([0-9a-f]{32})"', line)
            if found is not None:
                return found[1]
    raise AssertionError("the stream ended without a hit")


def _parent_of(number: str) -> str:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[1]
    except OSError:
        return str(os.getpid())

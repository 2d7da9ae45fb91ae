"""A device takes a changed configuration while it runs: in use, refused, or rolled back, and the run goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml

from alpr.config import load_edge_config
from alpr.edge import trial
from alpr.edge.app import Edge
from alpr.edge.run_report import EdgeReport
from alpr.edge.setup import EdgeSetup
from alpr.errors import StoreError
from alpr.system.reload_outcome import ReloadOutcome, ReloadResult, read_outcome
from alpr.system.run_lock import run_lock, running_process
from alpr.system.shipped import shipped
from tests.conftest import an_image
from tests.http_camera import HttpCamera

pytestmark = pytest.mark.slow


def wait_for(met: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


class Device:
    """A device that runs in a thread, and its configuration file."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.path = folder / "edge.yaml"
        self.folder = folder / "data"
        self.content: dict[str, Any] = {"device": {"name": "test", "data_dir": "data"}, **changes}
        self.write()
        self.edge = Edge(load_edge_config(self.path), lambda _: None, load=lambda: load_edge_config(self.path))
        self.report: EdgeReport | None = None
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def write(self, **changes: Any) -> None:
        self.content |= changes
        self.path.write_text(yaml.safe_dump(self.content))

    def reload(self, **changes: Any) -> ReloadResult:
        before = read_outcome(self.folder)
        self.write(**changes)
        self.edge.reload()
        wait_for(lambda: (now := read_outcome(self.folder)) is not None and now != before and now.outcome.is_over)
        result = read_outcome(self.folder)
        assert result is not None
        return result

    @property
    def setup(self) -> EdgeSetup:
        return self.edge._setups.setup

    def frames(self, camera_id: str) -> int:
        return sum(each.frames for each in self.setup.parts.feeds.statuses() if each.camera_id == camera_id)

    def _run(self) -> None:
        try:
            self.report = self.edge.run()
        except BaseException as error:
            self.failure = error

    def __enter__(self) -> Device:
        self._thread.start()
        wait_for(lambda: hasattr(self.edge, "_setups") or self.failure is not None)
        return self

    def __exit__(self, *_: object) -> None:
        self.edge.stop()
        self._thread.join(20)


@pytest.fixture
def camera() -> Iterator[HttpCamera]:
    with HttpCamera([cv2.imencode(".jpg", an_image())[1].tobytes()]) as camera:
        yield camera


def test_a_changed_key_is_in_use_and_the_camera_was_never_disconnected(tmp_path: Path, camera: HttpCamera) -> None:
    with Device(tmp_path, cameras=[{"id": "gate", "url": camera.url}]) as device:
        wait_for(lambda: device.frames("gate") > 3)
        result = device.reload(alerts={"repeat_s": 7.0})
        assert (result.outcome, result.message) == (ReloadOutcome.TAKEN, "changed: alerts.repeat_s")
        assert device.edge._outcomes._queue.rules.repeat_s == 7.0
        assert device.reload().outcome is ReloadOutcome.UNCHANGED
        connections = camera.connections
        seen = device.frames("gate")
        wait_for(lambda: device.frames("gate") > seen + 3)
    assert device.failure is None
    assert connections == 1


def test_a_camera_comes_and_another_goes(tmp_path: Path, camera: HttpCamera) -> None:
    with Device(tmp_path, cameras=[{"id": "gate", "url": camera.url}]) as device:
        wait_for(lambda: device.frames("gate") > 3)
        assert device.reload(cameras=[{"id": "yard", "url": camera.url}]).outcome is ReloadOutcome.TAKEN
        wait_for(lambda: device.frames("yard") > 3)
    assert device.failure is None
    assert device.report is not None
    assert [each.camera_id for each in device.report.cameras] == ["yard"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cameras": [{"id": "gate", "url": "rstp://192.0.2.1/stream"}]}, "rstp://192.0.2.1/stream"),
        ({"hotlist": {"database": "none.sqlite"}}, "none.sqlite"),
        ({"models": {"detector": "none.onnx"}}, "none.onnx"),
        ({"device": {"name": "test", "data_dir": "elsewhere"}}, "takes a restart"),
        ({"nonsense": 1}, "nonsense"),
        ({"link": {"collector": "tcp://192.0.2.1:5577", "server_key": "k" * 40, "key_file": "no.key"}}, "no.key"),
    ],
    ids=["address", "hotlist", "model", "data_dir", "unknown key", "key file"],
)
def test_what_cannot_be_used_is_refused_and_the_run_goes_on(
    tmp_path: Path, camera: HttpCamera, changes: dict[str, Any], told: str
) -> None:
    with Device(tmp_path, cameras=[{"id": "gate", "url": camera.url}]) as device:
        wait_for(lambda: device.frames("gate") > 3)
        result = device.reload(**changes)
        assert result.outcome is ReloadOutcome.REFUSED
        assert told in result.message
        seen = device.frames("gate")
        wait_for(lambda: device.frames("gate") > seen + 3)
    assert device.failure is None
    assert camera.connections == 1


def test_a_camera_that_no_longer_works_is_rolled_back(
    tmp_path: Path, camera: HttpCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "TRIAL_S", 1.5)
    with Device(tmp_path, cameras=[{"id": "gate", "url": camera.url}]) as device:
        wait_for(lambda: device.frames("gate") > 3)
        result = device.reload(cameras=[{"id": "gate", "url": "http://127.0.0.1:9/video"}])
        assert result.outcome is ReloadOutcome.ROLLED_BACK
        assert "camera gate: " in result.message
        wait_for(lambda: device.frames("gate") > 3)
    assert device.failure is None


def test_what_fails_only_when_it_is_opened_leaves_the_one_before_in_use(tmp_path: Path, camera: HttpCamera) -> None:
    """A port for figures that another program has: only opening it shows that."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with Device(tmp_path, cameras=[{"id": "gate", "url": camera.url}]) as device:
            wait_for(lambda: device.frames("gate") > 3)
            result = device.reload(metrics={"port": taken.getsockname()[1]})
            assert result.outcome is ReloadOutcome.REFUSED
            seen = device.frames("gate")
            wait_for(lambda: device.frames("gate") > seen + 3)
        assert device.failure is None


def test_a_second_run_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    with run_lock(tmp_path / "data"):
        assert running_process(tmp_path / "data") == os.getpid()
        with (
            Device(tmp_path, cameras=[{"id": "gate", "url": "http://127.0.0.1:9/"}]) as device,
        ):
            pass
    assert isinstance(device.failure, StoreError)
    assert f"process {os.getpid()} runs on this data folder already" in str(device.failure)
    assert not (tmp_path / "data" / "journal.sqlite").exists()
    assert running_process(tmp_path / "data") is None


def alpr(*words: str) -> list[str]:
    return [sys.executable, "-m", "alpr.cli", *words]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A service manager's socket, and what it hears."""
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0.1)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    heard.append(manager.recv(4096).decode())

        thread = threading.Thread(target=listen)
        thread.start()
        yield str(tmp_path / "notify"), heard
        ended.set()
        thread.join()


def test_a_real_program_survives_sighup_reports_to_systemd_and_ends_soon(
    tmp_path: Path, camera: HttpCamera, told: tuple[str, list[str]]
) -> None:
    path = tmp_path / "edge.yaml"
    config: dict[str, Any] = {
        "device": {"name": "test", "data_dir": "data"},
        "cameras": [{"id": "gate", "url": camera.url}],
    }
    path.write_text(yaml.safe_dump(config))
    address, heard = told
    environment = {**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
    words = alpr("run", "-c", str(path))
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as run:
        try:
            wait_for(lambda: "READY=1\nSTATUS=test: cameras gate" in heard)
            wait_for(lambda: heard.count("WATCHDOG=1") > 3)
            path.write_text(yaml.safe_dump({**config, "alerts": {"repeat_s": 5}}))
            answer = subprocess.run(alpr("reload", "-c", str(path)), capture_output=True, text=True, check=False)
            assert (answer.returncode, answer.stdout) == (0, "taken: changed: alerts.repeat_s\n"), answer.stderr
            assert sum(each.startswith("RELOADING=1\nMONOTONIC_USEC=") for each in heard) == 1
            assert sum(each.startswith("READY=1") for each in heard) == 2
            run.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            assert run.poll() is None
            wait_for(lambda: "STATUS=test: 1 of 1 cameras give frames" in heard)
            run.terminate()
            assert run.wait(20) == 0
            wait_for(lambda: heard[-1] == "STOPPING=1")
        finally:
            run.kill()
    answer = subprocess.run(alpr("reload", "-c", str(path)), capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "no alpr run uses" in answer.stderr


@pytest.mark.alone
def test_a_device_reads_within_five_seconds_of_its_start_and_ends_within_three(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    camera = {"id": "clip", "url": str(shipped("samples") / "clip.mp4"), "realtime": True}
    path.write_text(yaml.safe_dump({"device": {"name": "test", "data_dir": "data"}, "cameras": [camera]}))
    began_s = time.monotonic()
    words = alpr("run", "-c", str(path), "--json")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        try:
            assert run.stdout is not None
            assert b'"read"' in run.stdout.readline()
            assert time.monotonic() - began_s < 5
            began_s = time.monotonic()
            run.terminate()
            run.communicate(timeout=10)
            assert time.monotonic() - began_s < 3
        finally:
            run.kill()

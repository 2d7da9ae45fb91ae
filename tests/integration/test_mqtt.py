"""MQTT against a real mosquitto; skipped where Debian's package is not installed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alpr.errors import ForwardError
from alpr.forward.event import Event
from alpr.forward.mqtt import Broker, Mqtt
from tests.integration.link_world import wait_until

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
HIT = Event(1, "hit", {"event": "hit", "device": "gate/1", "camera_id": "north", "hit_id": "ab", "plate": "AB12CDE"})


@contextmanager
def a_broker(folder: Path, access: str) -> Iterator[int]:
    """Runs until the block ends; its port."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (Debian: apt install mosquitto)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\n{access}\n")
    broker = subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers)
        yield port
    finally:
        broker.terminate()
        broker.wait(10)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with a_broker(tmp_path, "allow_anonymous true") as port:
        yield port


class Listener:
    """Hears all topics."""

    def __init__(self, port: int) -> None:
        from paho.mqtt import client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        self.heard: dict[str, list[str]] = {}
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("#", qos=1)
        self.client.loop_start()

    def _hear(self, _client: Any, _userdata: Any, message: Any) -> None:
        self.heard.setdefault(message.topic, []).append(message.payload.decode())

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_a_hit_is_published_with_what_home_assistant_needs(port: int) -> None:
    listener = Listener(port)
    target = Mqtt("mqtt", Broker("127.0.0.1", port, has_tls=False), frozenset({"hit", "read"}))
    target.send(HIT)
    target.send(Event(2, "hit", {**HIT.row, "is_withdrawn": True}))
    wait_until(lambda: len(listener.heard.get("alpr/gate_1/north/hit", [])) == 2)
    first, second = (json.loads(text) for text in listener.heard["alpr/gate_1/north/hit"])
    assert (first["plate"], first["event_type"], first["event_id"]) == ("AB12CDE", "hit", "hit-ab-0")
    assert second["event_type"] == "hit_withdrawn"
    entity = json.loads(listener.heard["homeassistant/event/alpr_gate_1_north/hit/config"][0])
    assert entity["state_topic"] == "alpr/gate_1/north/hit"
    assert {first["event_type"], second["event_type"]} <= set(entity["event_types"])
    assert json.loads(listener.heard["homeassistant/sensor/alpr_gate_1_north/plate/config"][0])["value_template"]
    wait_until(lambda: listener.heard.get("alpr/status") == ["online"])
    target.close()
    wait_until(lambda: listener.heard["alpr/status"] == ["online", "offline"])
    listener.close()


def test_what_concerns_a_whole_device_has_a_topic_without_camera(port: int) -> None:
    listener = Listener(port)
    target = Mqtt("mqtt", Broker("127.0.0.1", port, has_tls=False), frozenset({"hit", "disposition", "alert"}))
    alert = {"event": "alert", "device": "gate/1", "alert_id": "cd", "at": "2026-01-01T12:00:00+00:00"}
    target.send(Event(1, "alert", {**alert, "is_raised": True}))
    target.send(Event(2, "alert", {**alert, "is_raised": False}))
    target.send(Event(3, "disposition", {"event": "disposition", "device": "gate/1", "disposition_id": "ef"}))
    wait_until(lambda: len(listener.heard.get("alpr/gate_1/disposition", [])) == 1)
    raised, cleared = (json.loads(text) for text in listener.heard["alpr/gate_1/alert"])
    assert (raised["event_type"], cleared["event_type"]) == ("alert", "alert_cleared")
    assert raised["event_id"] != cleared["event_id"]
    [topic] = [topic for topic in listener.heard if topic.startswith("homeassistant/")]
    entity = json.loads(listener.heard[topic][0])
    assert (topic, entity["state_topic"]) == ("homeassistant/event/alpr_gate_1/alert/config", "alpr/gate_1/alert")
    assert {raised["event_type"], cleared["event_type"]} <= set(entity["event_types"])
    target.close()
    listener.close()


def test_a_broker_that_does_not_let_us_in_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpr.forward.mqtt.TAKEN_WITHIN_S", 1.0)
    with a_broker(tmp_path, "allow_anonymous false") as port:
        target = Mqtt("mqtt", Broker("127.0.0.1", port, has_tls=False))
        with pytest.raises(ForwardError, match="refuses the connection"):
            target.send(HIT)
        target.close()


def test_a_broker_that_is_not_there_may_come_back() -> None:
    target = Mqtt("mqtt", Broker("127.0.0.1", 1, has_tls=False))
    with pytest.raises(ForwardError, match="cannot be reached"):
        target.send(HIT)
    target.close()


def test_plates_do_not_go_to_a_broker_in_the_open() -> None:
    with pytest.raises(ForwardError, match="without TLS"):
        Mqtt("mqtt", Broker("broker.example.org", has_tls=False))

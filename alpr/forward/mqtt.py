"""MQTT, with Home Assistant's discovery. The only importer of paho; installed by the extra `alpr[mqtt]`.

Reads and hits go to `<topic>/<device>/<camera>/read` and `…/hit` as JSON with QoS 1, what concerns no camera to
`<topic>/<device>/disposition`, `…/loss` and `…/alert`. `<topic>/status` is `online` while the collector runs and
`offline` once it is gone. The first event of a camera announces its entities: an event for hits, a sensor for the
last plate; the first alert of a device an event (https://www.home-assistant.io/integrations/mqtt#mqtt-discovery).
"""

from __future__ import annotations

import hashlib
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from alpr.errors import ForwardError, ForwardRefused
from alpr.forward.event import Event, brief, json_text
from alpr.forward.target import NamedTarget, refuse_plain_text

TAKEN_WITHIN_S = 10.0
_MOST_BREAKS = 10  # over a quarter of an hour, with the waits between two attempts
_LONGEST_LEVEL = 64
_MOST_CAMERAS = 64  # of one device that are announced: what it invents must not fill the broker


@dataclass(frozen=True, slots=True)
class Broker:
    """Address and credentials of a broker."""

    host: str
    port: int = 8883
    username: str = ""
    password: str = ""
    has_tls: bool = True
    """Without it only a broker on this very machine is taken: plates are not sent where others can read them."""
    ca_file: str | None = None
    """None for the system's own."""


class Mqtt(NamedTarget):
    """One broker.

    Args:
        name: names its position in the queue.
        broker: address and credentials.
        kinds: of events that are published.
        topic: the first part of all topics.
        discovery: Home Assistant's discovery prefix; "" announces nothing.

    Raises:
        ForwardError: paho is not installed, or the broker lies elsewhere and has no TLS.
    """

    def __init__(
        self,
        name: str,
        broker: Broker,
        kinds: frozenset[str] = frozenset({"hit"}),
        *,
        topic: str = "alpr",
        discovery: str = "homeassistant",
    ) -> None:
        if not broker.has_tls:
            refuse_plain_text(broker.host, f"mqtt {name}: {broker.host} without TLS")
        try:
            from paho.mqtt import client as paho  # noqa: PLC0415 - an extra
            from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415
        except ImportError as error:
            raise ForwardError(f"mqtt {name}: paho-mqtt is not installed; pip install 'alpr[mqtt]'") from error
        super().__init__(name, kinds)
        self._broker = broker
        self._topic = topic.strip("/")
        self._discovery = discovery.strip("/")
        self._announced: set[tuple[str, str]] = set()
        self._cameras: Counter[str] = Counter()
        self._breaks = (0, 0)
        self._is_started = False
        self._is_accepted = threading.Event()
        client_id = f"{re.sub(r'[^A-Za-z0-9]', '', name)[:12]}-{self._topic[:8]}"
        self._new_client: Callable[[], Any] = partial(paho.Client, CallbackAPIVersion.VERSION2, client_id=client_id)
        self._client = self._make_client()

    def send(self, event: Event) -> None:
        """Publish one event and wait until the broker has it.

        Args:
            event: of one of the kinds.

        Raises:
            ForwardError: the broker cannot be reached or takes nothing.
            ForwardRefused: it breaks the connection off over this event, again and again.
        """
        self._connect()
        try:
            self._publish_event(event)
        except ForwardError as error:
            is_broken_off = not self._client.is_connected()
            self._disconnect()  # else paho would send what is under way once more, whatever we do with the event
            if is_broken_off:
                self._count_break(event, error)
            raise

    def close(self) -> None:
        """Publish that nothing more comes, and disconnect."""
        if self._is_started:
            with suppress(ValueError, RuntimeError):  # the connection has just broken
                if self._client.is_connected():
                    offline = self._client.publish(f"{self._topic}/status", "offline", qos=1, retain=True)
                    offline.wait_for_publish(1.0)
            self._disconnect()

    def _publish_event(self, event: Event) -> None:
        names = [str(event.row.get(key) or "") for key in ("device", "camera_id")]
        device, camera = map(_level, names)
        if self._discovery and (device, camera) not in self._announced and self._cameras[device] < _MOST_CAMERAS:
            made = self._entities(device, camera) if camera else self._entities_of_device(device)
            for topic, entity in made.items():
                self._publish(topic, json_text(entity), retain=True)
            self._announced.add((device, camera))
            self._cameras[device] += bool(camera)
        row = {**event.row, "event_id": event.event_id, "event_type": _event_type(event)}
        self._publish("/".join(level for level in (self._topic, device, camera, event.kind) if level), json_text(row))

    def _count_break(self, event: Event, error: ForwardError) -> None:
        number, count = self._breaks
        self._breaks = event.number, count + 1 if number == event.number else 1
        if self._breaks[1] >= _MOST_BREAKS:
            raise ForwardRefused(f"the broker breaks the connection off over it, {_MOST_BREAKS} times now") from error

    def _make_client(self) -> Any:
        client, broker = self._new_client(), self._broker
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        if broker.has_tls:
            client.tls_set_context(ssl.create_default_context(cafile=broker.ca_file))
        client.will_set(f"{self._topic}/status", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._on_connect
        return client

    def _disconnect(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client = self._make_client()
        self._is_started = False
        self._is_accepted.clear()

    def _connect(self) -> None:
        if self._client.is_connected():
            return
        if self._is_started:
            raise ForwardError(f"no connection to {self._broker.host}:{self._broker.port}")
        try:
            self._client.connect(self._broker.host, self._broker.port, keepalive=30)
        except (OSError, ValueError) as error:
            raise ForwardError(
                f"{self._broker.host}:{self._broker.port} cannot be reached ({brief(error)})"
            ) from error
        self._client.loop_start()
        self._is_started = True
        if not self._is_accepted.wait(TAKEN_WITHIN_S):
            raise ForwardError(
                f"{self._broker.host}:{self._broker.port} refuses the connection; check username and password"
            )

    def _on_connect(self, _client: object, _userdata: object, _flags: object, reason: Any, *_: object) -> None:
        """Each time: after a break the broker has published that we are gone. On paho's thread."""
        if not reason.is_failure:
            self._client.publish(f"{self._topic}/status", "online", qos=1, retain=True)
            self._is_accepted.set()

    def _publish(self, topic: str, text: str, *, retain: bool = False) -> None:
        sent = self._client.publish(topic, text, qos=1, retain=retain)
        try:
            sent.wait_for_publish(TAKEN_WITHIN_S)
        except (ValueError, RuntimeError) as error:
            raise ForwardError(f"{topic} was not accepted ({brief(error)})") from error
        if not sent.is_published():
            raise ForwardError(f"{topic} was not accepted within {TAKEN_WITHIN_S:.0f} s")

    def _entities(self, device: str, camera: str) -> dict[str, Mapping[str, Any]]:
        """The discovery topics of one camera and what stands in them."""
        node = _node(device, camera)
        common = self._common(node, f"{device} {camera}")
        base = f"{self._topic}/{device}/{camera}"
        entities: dict[str, Mapping[str, Any]] = {}
        if "hit" in self._kinds:
            entities[f"{self._discovery}/event/{node}/hit/config"] = {
                **common,
                "name": "Hit",
                "unique_id": f"{node}_hit",
                "state_topic": f"{base}/hit",
                "event_types": ["hit", "hit_withdrawn"],
            }
        if "read" in self._kinds:
            entities[f"{self._discovery}/sensor/{node}/plate/config"] = {
                **common,
                "name": "Last plate",
                "unique_id": f"{node}_plate",
                "state_topic": f"{base}/read",
                "value_template": "{{ value_json.plate }}",
                "json_attributes_topic": f"{base}/read",
            }
        return entities

    def _entities_of_device(self, device: str) -> dict[str, Mapping[str, Any]]:
        """Likewise, of what concerns no camera."""
        if "alert" not in self._kinds:
            return {}
        node = f"alpr_{device}"
        return {
            f"{self._discovery}/event/{node}/alert/config": {
                **self._common(node, device),
                "name": "Alert",
                "unique_id": f"{node}_alert",
                "state_topic": f"{self._topic}/{device}/alert",
                "event_types": ["alert", "alert_cleared"],
            }
        }

    def _common(self, node: str, name: str) -> dict[str, Any]:
        return {
            "availability_topic": f"{self._topic}/status",
            "device": {"identifiers": [node], "name": name, "manufacturer": "alpr"},
            "origin": {"name": "alpr"},
        }


def _event_type(event: Event) -> str:
    if event.row.get("is_withdrawn"):
        return f"{event.kind}_withdrawn"
    return f"{event.kind}_cleared" if event.row.get("is_raised") is False else event.kind


def _level(name: str) -> str:
    """A name as one level of a topic, which may hold no wildcard and no slash and is not long."""
    level = re.sub(r"[^A-Za-z0-9_-]", "_", name[: _LONGEST_LEVEL + 1])
    return level if len(name) <= _LONGEST_LEVEL else f"{level[: _LONGEST_LEVEL - 17]}-{_digest(name)}"


def _node(device: str, camera: str) -> str:
    """Return the id of a camera at Home Assistant. No device can take another one's by how it calls a camera: `a_b`
    with its camera `c` is not `a` with its camera `b_c`.
    """
    return f"alpr_{device}_{camera}" if "_" not in camera else f"alpr_{_digest(f'{device}/{camera}')}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

"""A device that falls silent is told to webhooks, and told again until they have it."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import closing
from pathlib import Path

import pytest

from alpr.forward.forwarder import read_targets
from alpr.forward.webhook import Webhook
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.curve_keys import load_key_pair
from tests.integration.centre import Centre
from tests.integration.link_world import wait_until
from tests.unit.forward.test_forwarder import SECRET, receiving

pytestmark = pytest.mark.slow


def test_silence_goes_out_signed_and_is_tried_again(tmp_path: Path) -> None:
    centre = Centre(tmp_path)
    centre.silent_after_s = 0.5
    with receiving() as receiver:
        receiver.answers = [503]
        centre.targets = [Webhook("desk", receiver.url, SECRET, frozenset({"alert"}))]
        with centre.running():
            device = centre.enrol("gate-1")
            server = (centre.folder / "collector.pub").read_text().split()[-1]
            Journal(device / "journal.sqlite").close()
            for _ in range(2):  # is heard, falls silent, is heard again
                link = DeviceLink(
                    device / "journal.sqlite",
                    centre.listen,
                    load_key_pair(device / "device.key"),
                    server,
                    heartbeat_s=0.1,
                )
                link.start()
                with closing(link):
                    wait_until(lambda: centre.rows()[0]["state"] == "ok", 20)
                wait_until(lambda: ("silent", True) in centre.alerts(), 20)
            wait_until(lambda: ("silent", False) in centre.alerts(), 20)
            wait_until(lambda: [post.row["is_raised"] for post in receiver.posts[:3]] == [True, True, False], 20)
        failed, raised, cleared = receiver.posts[:3]
    assert (raised.row["event"], raised.row["kind"], raised.row["device"]) == ("alert", "silent", "gate-1")
    assert failed.row == raised.row
    assert raised.row["alert_id"] == cleared.row["alert_id"]
    assert raised.headers["X-Alpr-Event"] == raised.row["event_id"] != cleared.row["event_id"]
    at, given = (part.split("=")[1] for part in raised.headers["X-Alpr-Signature"].split(","))
    assert hmac.compare_digest(given, hmac.new(SECRET, f"{at}.".encode() + raised.body, hashlib.sha256).hexdigest())
    assert read_targets(centre.database)[0].sent >= 2

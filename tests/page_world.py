"""A page with its process, without cameras: hits are published by the test, as the device's program would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import msgspec
import numpy as np

from alpr.edge_page.messages import LinkNews, PageSettings, StatusNews
from alpr.edge_page.supervisor import PageSupervisor
from alpr.journal.journal import Journal
from alpr.link.protocol.heartbeat_messages import CameraHealth, ClockHealth, ListHealth, Vitals
from alpr.types import Hit, HotlistEntry, Image, Match, MatchKind, Read
from alpr.web.server import listen
from alpr.web.users import put_user
from tests.records import a_read, an_id

USER, PASSWORD = "anna", "correct horse"


def drawn_patch(text: str) -> tuple[Image, tuple[float, ...]]:
    """A plate's picture of 160 × 48, and where its characters are."""
    image = np.full((48, 160, 3), (70, 200, 235), np.uint8)
    cv2.rectangle(image, (2, 2), (157, 45), (30, 30, 30), 2)
    step = 140 / len(text)
    for at, char in enumerate(text):
        cv2.putText(image, char, (int(10 + at * step), 36), cv2.FONT_HERSHEY_DUPLEX, 0.95, (20, 20, 20), 2)
    return image, tuple((10 + at * step + 9) / 160 for at in range(len(text)))


def drawn_vehicle(patch: Image) -> Image:
    """A vehicle's back with its plate."""
    image = np.full((360, 480, 3), (92, 96, 98), np.uint8)
    cv2.rectangle(image, (70, 60), (410, 320), (120, 60, 40), -1)
    cv2.rectangle(image, (110, 80), (370, 170), (60, 50, 45), -1)
    image[230:278, 160:320] = patch
    return image


def jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image)[1])


def a_shown_read(number: int, text: str) -> Read:
    """A read of now, with pictures that can be looked at."""
    patch, places = drawn_patch(text)
    read, now = a_read(number, text), datetime.now(UTC)
    return replace(
        read,
        plate=replace(read.plate, char_places=places),
        first_seen_at=now,
        last_seen_at=now,
        patch_jpeg=jpeg(patch),
        vehicle_jpeg=jpeg(drawn_vehicle(patch)),
    )


def a_shown_hit(read: Read, entry: HotlistEntry, kind: MatchKind = MatchKind.EXACT, **changes: object) -> Hit:
    """A hit of now."""
    differing = tuple(i for i, (a, b) in enumerate(zip(read.plate.text, entry.plate, strict=False)) if a != b)
    hit = Hit(
        hit_id=an_id(f"hit {read.read_id} {entry.entry_id}"),
        read_id=read.read_id,
        read_revision=read.revision,
        camera_id=read.camera_id,
        plate_text=read.plate.text,
        match=Match(entry, kind, differing, 0.93),
        list_revision=4,
        list_age_s=600.0,
        raised_at=datetime.now(UTC),
    )
    return replace(hit, **changes)  # type: ignore[arg-type]


def an_entry(plate: str = "AB12CDE", priority: int = 2, number: int = 7, **changes: object) -> HotlistEntry:
    entry = HotlistEntry(number, "stolen", plate, "stolen vehicle", priority, "GB", "K-2026/0311")
    return replace(entry, **changes)  # type: ignore[arg-type]


def a_status() -> StatusNews:
    cameras = (
        CameraHealth("front", "running", 25.0, 1000, 0, 0, 0.04),
        CameraHealth("rear", "running", 25.0, 900, 0),
    )
    vitals = Vitals(60.0, cameras, hotlists=(ListHealth("stolen", 4, 600.0),))
    return StatusNews(vitals, True, LinkNews(True, 0, None, ClockHealth(0.01, 0.02)))


class PageWorld:
    """A running page."""

    def __init__(self, folder: Path, **changes: object) -> None:
        self.users = folder / "users"
        put_user(self.users, USER, PASSWORD)
        self.journal_path = folder / "journal.sqlite"
        self.journal = Journal(self.journal_path)
        self.listening = listen("127.0.0.1", 0, "page")
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.status = a_status()
        settings = PageSettings(
            device="car-112",
            journal=str(self.journal_path),
            users=str(self.users),
            cameras=("front", "rear"),
            receivers=(),
            names=("car-112",),
            session_h=12.0,
            list_limits_s={"": 86400.0},
        )
        self.supervisor = PageSupervisor(
            msgspec.structs.replace(settings, **changes),
            self.listening,
            lambda: self.status,
        )

    def publish(self, hit: Hit, read: Read | None = None, alert: str = "told") -> None:
        """Keep a hit in the journal and hand it to the page, in the order in which a device does."""
        self.journal.append([read] if read else [], [hit])
        self.supervisor.publish(hit, alert, read)


@contextmanager
def running_page(folder: Path, **changes: object) -> Iterator[PageWorld]:
    """A page that has begun to listen."""
    world = PageWorld(folder, **changes)
    with closing(world.journal):
        world.supervisor.start()
        try:
            time.sleep(0.05)
            yield world
        finally:
            world.supervisor.close()
            world.listening.close()

"""One collector and any number of devices on loopback, for tests: all are closed at the end."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alpr.collector.hotlists.hotlists import CollectorHotlists, HotlistSettings
from alpr.collector.service.intake import Intake
from alpr.collector.store.store import Store, StoredRecord
from alpr.journal.journal import Journal
from alpr.link.client.device_link import DeviceLink
from alpr.link.keys.allowlist import AllowList, Device, enrol
from alpr.link.keys.claims import ClaimDesk
from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from alpr.link.server.hub import Hub


def a_free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for a fact; AssertionError where it does not come true."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.01)


@dataclass
class RunningCollector:
    """A hub with a store, on a thread."""

    hub: Hub
    told: list[StoredRecord]


class World:
    """A folder with a collector's files, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = new_key_pair()
        self.device = new_key_pair()
        self.allowed = folder / "allowed"
        self.database = folder / "collector.db"
        self.journal_path = folder / "journal.db"
        self.endpoint = self.listen = f"tcp://127.0.0.1:{a_free_port()}"
        enrol(self.allowed, Device("edge", self.device.public))

    @contextmanager
    def collector(self, published: HotlistSettings | None = None) -> Iterator[RunningCollector]:
        """Runs one until the block ends; its failure is the test's."""
        stop, ready = threading.Event(), threading.Event()
        told: list[StoredRecord] = []
        hubs: list[Hub] = []
        failures: list[BaseException] = []

        def run() -> None:  # all of it on one thread, as `alpr collector` has it
            try:
                with ExitStack() as stack:
                    store = stack.enter_context(closing(Store(self.database)))
                    hotlists = None
                    if published is not None:
                        hotlists = stack.enter_context(
                            CollectorHotlists(self.database, published, store, told.append)
                        )
                    hub = stack.enter_context(closing(self._hub(store, told, hotlists)))
                    hub.open()
                    hubs.append(hub)
                    ready.set()
                    while not stop.is_set():
                        hub.step(0.02)
                        if hotlists is not None:
                            hotlists.step()
            except BaseException as error:
                failures.append(error)
                ready.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert ready.wait(30)
            assert not failures, failures
            yield RunningCollector(hubs[0], told)
        finally:
            stop.set()
            thread.join(30)
            assert not failures, failures

    def _hub(self, store: Store, told: list[StoredRecord], hotlists: CollectorHotlists | None) -> Hub:
        return Hub(
            self.listen,
            self.server,
            AllowList(self.allowed),
            Intake(store, told.append),
            desk=ClaimDesk(self.allowed),
            library=None if hotlists is None else hotlists.publications,
        )

    def journal(self) -> Journal:
        return Journal(self.journal_path)

    @contextmanager
    def link(
        self, keys: KeyPair | None = None, server_key: str = "", patience_s: float = 10.0
    ) -> Iterator[DeviceLink]:
        link = DeviceLink(
            self.journal_path,
            self.endpoint,
            keys or self.device,
            server_key or self.server.public,
            ack_patience_s=patience_s,
        )
        link.start()
        try:
            yield link
        finally:
            link.close()
            assert link.failure is None, link.failure

    def count(self, table: str) -> int:
        """Rows of one of the collector's tables."""
        with closing(sqlite3.connect(self.database)) as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)

"""A collector that runs as `alpr collector` runs it, on a thread, with its files in a folder."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.collector.service.app import Collector
from alpr.config import load_collector_config
from alpr.config.schema import HealthConfig, MetricsConfig
from alpr.forward.target import Target
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair
from tests.integration.link_world import a_free_port


def alpr(*words: object, stdin: str | None = None) -> Result:
    """Run a command; what it raised is in `exception`."""
    return CliRunner().invoke(cli, [str(word) for word in words], input=stdin)


class Centre:
    """Its files, and what it printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "collector.yaml"
        self.listen = f"tcp://127.0.0.1:{a_free_port()}"
        self.metrics_port = a_free_port()
        self.database = folder / "reads.db"
        self.printed = io.StringIO()
        self.silent_after_s = 30.0
        self.targets: Sequence[Target] = ()
        write_key_pair(new_key_pair(), "collector", folder)
        (folder / "devices").touch()
        fields = {"database": "reads.db", "key_file": "collector.key", "allowed_devices": "devices"}
        self.config.write_text(yaml.safe_dump({"listen": self.listen, **fields}))

    @contextmanager
    def running(self, key_grace_s: float = 60.0) -> Iterator[None]:
        """Until the block ends; its failure is the test's."""
        ready = threading.Event()
        failures: list[BaseException] = []
        instead = {  # of what is, or may be, configured
            "listen": self.listen,
            "key_grace_s": key_grace_s,
            "health": HealthConfig.model_construct(silent_after_s=self.silent_after_s),
            "metrics": MetricsConfig(address="127.0.0.1", port=self.metrics_port),
        }
        collector = Collector(
            load_collector_config(self.config).model_copy(update=instead),
            output=self.printed,
            targets=self.targets,
            on_listening=lambda _: ready.set(),
        )

        def run() -> None:
            try:
                collector.run()
            except BaseException as error:
                failures.append(error)
                ready.set()

        thread = threading.Thread(target=run)
        thread.start()
        assert ready.wait(30)
        try:
            yield
        finally:
            collector.stop()
            thread.join(30)
        assert not thread.is_alive()
        assert not failures, failures

    def enrol(self, name: str) -> Path:
        """Let a device in, as people do it; the folder of its key."""
        made = alpr("device", "new", name, "-c", self.config)
        assert made.exit_code == 0, made.output
        enrolled = alpr("device", "enrol", made.stdout, "--dir", self.folder / name)
        assert enrolled.exit_code == 0, enrolled.output
        return self.folder / name

    def rows(self) -> list[dict[str, Any]]:
        """What `alpr device list` says."""
        listed = alpr("device", "list", "-c", self.config, "--json")
        assert listed.exit_code == 0, listed.output
        return [json.loads(line) for line in listed.stdout.splitlines()]

    def alerts(self) -> list[tuple[str, bool]]:
        """The alerts that were printed so far."""
        rows = [json.loads(line) for line in self.printed.getvalue().splitlines()]
        return [(row["kind"], row["is_raised"]) for row in rows if row["event"] == "alert"]

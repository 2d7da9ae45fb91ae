"""How soon a hit is at the collector when a million reads wait, once the link is back.

    python -m bench.backlog [--reads 1000000]

The reads and then the hit are appended while no collector runs. Told are the seconds from the link's start, with its
handshake, to the hit's line on the collector's stdout, and how long the reads took to go out after it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from alpr.journal.journal import Journal
from alpr.journal.rows import JournalLimits
from alpr.link.client.device_link import DeviceLink
from bench.faults.records import name_of, numbered_hit, numbered_read
from bench.faults.stage import Stage, wait_until

LOT = 2000  # reads in one transaction


def backlog(folder: Path, reads: int) -> dict[str, float]:
    """Seconds by what they are of."""
    stage = Stage(folder, 0)
    room = JournalLimits(outbox_rows=reads + 10)  # the bound that ships would give way to the hit by a few reads
    with closing(stage), closing(Journal(stage.journal, room)) as journal:
        started = time.monotonic()
        for first in range(0, reads, LOT):
            lot = [numbered_read(n) for n in range(first, min(first + LOT, reads))]
            journal.append([replace(read, patch_jpeg=b"", vehicle_jpeg=b"") for read in lot], [])
        appended_s = time.monotonic() - started
        read = numbered_read(reads, "hit")
        journal.append([read], [numbered_hit(read, reads, "hit")])
        link = DeviceLink(stage.journal, stage.endpoint, stage.device, stage.server.public)
        stage.collector.start()
        wait_until(lambda: "listening" in stage.collector.log.read_text(), 120, "the collector listens")
        up_at = time.monotonic()  # the collector listens: from here on the link is back, handshake included
        link.start()
        try:
            hit_id = name_of("hithit", reads)
            wait_until(lambda: hit_id in stage.collector.out.read_text(), 60, "the hit is shown")
            hit_s = time.monotonic() - up_at
            waiting = sum(link.status().waiting.values())
            print(json.dumps({"hit_s": round(hit_s, 3), "still_waiting_at_the_hit": waiting}), flush=True)
            wait_until(lambda: not sum(link.status().waiting.values()), 1200, "all is delivered")
            all_s = time.monotonic() - up_at
        finally:
            link.close()
        stage.collector.stop()
    [arrived] = stage.column("SELECT count(*) FROM reads")
    return {
        "reads": reads,
        "appended_s": appended_s,
        "hit_s": hit_s,
        "still_waiting_at_the_hit": waiting,
        "all_s": all_s,
        "arrived": arrived,
        "reported_lost": sum(stage.column("SELECT total FROM losses")),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.backlog", description=__doc__)
    parser.add_argument("--reads", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alpr-backlog-") as folder:
        figures = backlog(Path(folder), options.reads)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()

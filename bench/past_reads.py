"""How long a collector takes to hold its history against a hotlist update. Last line of stdout: JSON.

python -m bench.past_reads [--reads N] [--entries N ...]

Times are of the processor. The steps are those that `alpr collector` takes between messages: the longest says how
long live traffic may have to wait, beside the 20 ms that it grants.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import string
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alpr.clock import SystemClock, micros
from alpr.collector.store.history import CollectorHistory
from alpr.collector.store.store import Store
from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.match.recheck import Recheck
from alpr.hotlist.updates.install import Trust, apply_update
from alpr.hotlist.updates.publish import publish
from alpr.hotlist.updates.signing import Admin, AdminKey
from alpr.link.protocol.convert import record_from_read
from alpr.link.protocol.messages import encode
from alpr.types import ALPHABET, PlateText, Read

_STEP_S = 0.02
_START = datetime(2026, 6, 1, tzinfo=UTC)
_READS_PER_VEHICLE = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, nargs="+", default=[1000, 100_000, 500_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "reads.db"
        plates = _fill(database, arguments.reads)
        rows = [_measured(Path(folder), database, count, plates) for count in arguments.entries]
        size_mb = round(database.stat().st_size / 1e6)
    print(json.dumps({"reads": arguments.reads, "plates": len(plates), "size_mb": size_mb, "updates": rows}))


def _measured(folder: Path, database: Path, entries: int, plates: list[str]) -> dict[str, Any]:
    key = AdminKey(Ed25519PrivateKey.generate())
    desk, hotlist, source = folder / f"desk{entries}", folder / f"hotlist{entries}", folder / f"{entries}.csv"
    listed = plates[:100] + [_plate(number) for number in range(entries - 100)]  # a hundred are found
    source.write_text("plate,reason\n" + "".join(f"{plate},stolen car\n" for plate in dict.fromkeys(listed)))
    import_csv(desk, source, "stolen", datetime.now(UTC))
    made = publish(desk, folder / f"out{entries}", key, datetime.now(UTC))
    started_s = time.process_time()
    apply_update(hotlist, made.snapshot, Trust((Admin("a", key.public),)), datetime.now(UTC))
    applied_s = time.process_time() - started_s
    steps: list[float] = []
    hits = 0
    with HotlistIndex.open(hotlist) as index, closing(CollectorHistory(database)) as history:
        check = Recheck(hotlist, index, history, SystemClock(), lambda _: None)
        with closing(check) as past:
            while not steps or not past.is_idle:
                before_s = time.process_time()
                hits += len(past.step(_STEP_S))
                steps.append(time.process_time() - before_s)
    return {
        "entries": entries,
        "file_mb": round(made.snapshot.stat().st_size / 1e6, 2),
        "apply_s": round(applied_s, 2),
        "past_s": round(sum(steps), 2),
        "steps": len(steps),
        "longest_step_ms": round(max(steps) * 1000, 1),
        "hits": hits,
    }


def _fill(database: Path, count: int) -> list[str]:
    Store(database).close()
    vehicles = list(dict.fromkeys(_plate(-number - 1) for number in range(count // _READS_PER_VEHICLE + 1)))
    random.Random(7).shuffle(vehicles)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO devices VALUES (1, 'key', 'bench', 'bench', 0, 0)")
        connection.executemany(
            "INSERT INTO plates VALUES (?, ?, 3, 0, 0)", [(number, text) for number, text in enumerate(vehicles, 1)]
        )
        connection.executemany(f"INSERT INTO reads VALUES ({', '.join('?' * 16)})", _rows(vehicles, count))
    return vehicles


def _rows(vehicles: list[str], count: int) -> Iterator[tuple[Any, ...]]:
    model = record_from_read(_a_read(vehicles[0]))
    for number in range(count):
        plate_id = number % len(vehicles)
        at = _START + timedelta(seconds=number)
        read_id = f"{number:032x}"
        plate = vehicles[plate_id]
        record = msgspec.structs.replace(model, read_id=read_id, plate=plate, first_seen_at=at, last_seen_at=at)
        fixed = (1, read_id, 0, 1, plate_id + 1, 0.9, "GB", "north", None)
        yield (None, *fixed, micros(at), micros(at), micros(at), None, None, encode(record))


def _a_read(text: str) -> Read:
    rows = np.full((len(text), len(ALPHABET)), 0.001, np.float32)
    plate = replace(PlateText(text, rows, 0.9), region="GB", region_confidence=0.9)
    corners = np.zeros((4, 2), np.float32)
    return Read("0" * 32, 0, True, "north", plate, _START, _START, 5, corners, 0.9, (1920, 1080), b"", b"")


def _plate(number: int) -> str:
    """Seven characters, the same for the same number; those of different sign never meet."""
    chooser = random.Random(number)
    letters = "ABCDEFGHJKLMNP" if number < 0 else "PRSTUVWXY"
    return "".join(chooser.choices(letters, k=3)) + "".join(chooser.choices(string.digits, k=4))


if __name__ == "__main__":
    main()

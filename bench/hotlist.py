"""How long a large hotlist takes: to import, to open, to match a read by each policy. Last line of stdout: JSON.

python -m bench.hotlist [--entries N] [--patterns N] [--reads N]

Times are of the processor; beside them the wall clock's p99, which on a busy machine tells of the others' work too.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.store.policies import set_policy
from alpr.types import ALPHABET, Candidate, PlateText

_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_SHARE_LISTED = 0.1  # far above any road, so that the cost of building matches shows
_CONFIDENCE = 0.95
_CANDIDATES = 5

_NOTHING = {"look_alikes": "0", "edits": "0", "candidates": "0", "wildcards": "0", "other_region": "0"}
_POLICIES: dict[str, Mapping[str, str]] = {
    "exact": _NOTHING,
    "default_without_patterns": {**dict.fromkeys(_NOTHING, "default"), "wildcards": "0"},
    "edits_1": {**_NOTHING, "edits": "4:1"},
    "edits_2": {**_NOTHING, "edits": "6:2"},
    "candidates": {**_NOTHING, "candidates": "1"},
    "wildcards": {**_NOTHING, "wildcards": "1"},
    "all": {"look_alikes": "5:1,7:2", "edits": "4:1", "candidates": "1", "wildcards": "1", "other_region": "1"},
}


def main() -> None:
    """Write the lists, import them (the large one also unchanged), and match reads by each policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument(
        "--patterns", type=int, default=100_000, help="entries with wildcards, in a list of their own"
    )
    parser.add_argument("--reads", type=int, default=20_000)
    options = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "hotlist.sqlite")
        source, patterns = Path(folder, "list.csv"), Path(folder, "patterns.csv")
        listed = _write_list(source, options.entries, rng, _plate)
        _write_list(patterns, options.patterns, rng, _pattern)
        figures: dict[str, Any] = {
            "entries": options.entries,
            "patterns": options.patterns,
            "import_s": _import_s(database, source, "stolen"),
            "import_unchanged_s": _import_s(database, source, "stolen"),
            "database_mb": round(database.stat().st_size / 1e6),
            "import_patterns_s": _import_s(database, patterns, "partial"),
            "import_peak_mb": _peak_mb(),
            "reads": options.reads,
        }
        texts = [rng.choice(listed) if rng.random() < _SHARE_LISTED else _plate(rng) for _ in range(options.reads)]
        for name, settings in _POLICIES.items():
            for list_name in ("stolen", "partial"):
                set_policy(database, list_name, settings)
            # A process of its own, so that its memory is that of matching alone.
            some = texts[: len(texts) // 10] if name == "edits_2" else texts
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as reader:
                figures[name] = reader.submit(_matched, database, some).result()
    print(json.dumps(figures))


def _plate(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_uppercase, k=3) + rng.choices(string.digits, k=4))


def _pattern(rng: random.Random) -> str:
    """Up to three characters unknown, and perhaps parts of any length at either end or within."""
    plate = list(_plate(rng))
    for place in rng.sample(range(7), rng.randint(1, 3)):
        plate[place] = "?"
    text = "".join(plate)
    start, end = sorted(rng.sample(range(8), 2))
    if end - start < 5 or rng.random() < 0.5:
        return text
    return rng.choice([f"*{text[-5:]}", f"{text[:5]}*", f"*{text[start:end]}*", f"{text[:3]}*{text[-3:]}"])


def _write_list(path: Path, entries: int, rng: random.Random, plate: Callable[[random.Random], str]) -> list[str]:
    """Every column filled, quotes in each row. Returns the plates."""
    plates: dict[str, None] = {}
    while len(plates) < entries:
        plates[plate(rng)] = None
    with path.open("w", encoding="utf-8") as stream:
        stream.write("plate,reason,priority,region,case_reference,instructions,valid_from,valid_to\n")
        for number, written in enumerate(plates):
            times = "2026-01-01,2027-01-01T00:00:00Z"
            stream.write(f'{written},stolen,{number % 5 + 1},US-NY,C-{number},"stop, and verify",{times}\n')
    return list(plates)


def _plate_text(text: str) -> PlateText:
    """A read with candidates that differ from it by one or two characters."""
    rows = np.full((len(text), len(ALPHABET)), (1 - _CONFIDENCE) / (len(ALPHABET) - 1), np.float32)
    rows[np.arange(len(text)), [ALPHABET.index(char) for char in text]] = _CONFIDENCE
    whole = _CONFIDENCE ** len(text)
    others = [text[:place] + ALPHABET[7 * place] + text[place + 1 :] for place in range(_CANDIDATES - 1)]
    return PlateText(text, rows, whole, (Candidate(text, whole), *(Candidate(other, 0.01) for other in others)))


def _import_s(database: Path, source: Path, list_name: str) -> dict[str, float]:
    started, cpu = time.perf_counter(), time.process_time()
    report = import_csv(database, source, list_name, _NOW)
    if report.rejected:
        raise SystemExit(f"{len(report.rejected)} rows of the bench's own list were rejected: {report.rejected[0]}")
    return {"cpu": round(time.process_time() - cpu, 1), "wall": round(time.perf_counter() - started, 1)}


def _matched(database: Path, texts: list[str]) -> dict[str, float]:
    """Open the database and match reads. Times in ms."""
    before_mb = _peak_mb()
    reads = map(_plate_text, texts)  # made between the matches, so that they take no memory
    cpu_ms, wall_ms, matches = [], [], 0
    started = time.perf_counter()
    with HotlistIndex.open(database) as index:
        index.policies()
        open_ms = (time.perf_counter() - started) * 1e3
        for read in reads:
            wall, cpu = time.perf_counter(), time.process_time()
            matches += len(index.match(read, _NOW))
            cpu_ms.append((time.process_time() - cpu) * 1e3)
            wall_ms.append((time.perf_counter() - wall) * 1e3)
    return {
        **{f"p{q}_ms": round(float(np.percentile(cpu_ms, q)), 4) for q in (50, 95, 99)},
        "wall_p99_ms": round(float(np.percentile(wall_ms, 99)), 4),
        "open_ms": round(open_ms, 2),
        "matches": matches,
        "memory_mb": round(_peak_mb() - before_mb, 1),
    }


def _peak_mb() -> float:
    """Of this process since it was started; what `resource` tells is its parent's too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()

"""How long a large hotlist takes: to import, to open, to match a read. The last line of stdout is JSON.

python -m bench.hotlist [--entries N]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import string
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from alpr.hotlist import HotlistIndex, import_csv
from alpr.types import ALPHABET, Candidate, PlateText

_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_READS = 20_000
_SHARE_LISTED = 0.1  # far above any road, so that the cost of building matches shows
_CONFIDENCE = 0.95


def main() -> None:
    """Write a list, import it twice (new, then unchanged), and match reads against it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        source, database = Path(folder, "list.csv"), Path(folder, "hotlist.sqlite")
        listed = _write_list(source, entries, rng)
        first_s, again_s = (_import_s(database, source) for _ in range(2))
        reads = [
            _plate_text(rng.choice(listed) if rng.random() < _SHARE_LISTED else _plate(rng)) for _ in range(_READS)
        ]
        started = time.perf_counter()
        with HotlistIndex.open(database) as index:
            open_ms = (time.perf_counter() - started) * 1e3
            match_ms, matches = _match_ms(index, reads)
        figures = {
            "entries": entries,
            "import_s": round(first_s, 1),
            "import_unchanged_s": round(again_s, 1),
            "database_mb": round(database.stat().st_size / 1e6),
            "open_ms": round(open_ms, 2),
            "reads": _READS,
            "matches": matches,
            **{f"match_p{q}_ms": round(float(np.percentile(match_ms, q)), 4) for q in (50, 95, 99)},
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    print(json.dumps(figures))


def _plate(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_uppercase, k=3) + rng.choices(string.digits, k=4))


def _write_list(path: Path, entries: int, rng: random.Random) -> list[str]:
    """Every column filled, quotes in each row. Returns the plates."""
    plates: dict[str, None] = {}
    while len(plates) < entries:
        plates[_plate(rng)] = None
    with path.open("w", encoding="utf-8") as stream:
        stream.write("plate,reason,priority,region,case_reference,instructions,valid_from,valid_to\n")
        for number, plate in enumerate(plates):
            times = "2026-01-01,2027-01-01T00:00:00Z"
            stream.write(f'{plate},stolen,{number % 5 + 1},US-NY,C-{number},"stop, and verify",{times}\n')
    return list(plates)


def _plate_text(text: str) -> PlateText:
    rows = np.full((len(text), len(ALPHABET)), (1 - _CONFIDENCE) / (len(ALPHABET) - 1), np.float32)
    rows[np.arange(len(text)), [ALPHABET.index(char) for char in text]] = _CONFIDENCE
    whole = _CONFIDENCE ** len(text)
    return PlateText(text, rows, whole, (Candidate(text, whole),))


def _import_s(database: Path, source: Path) -> float:
    started = time.perf_counter()
    report = import_csv(database, source, "stolen", _NOW)
    if report.rejected:
        raise SystemExit(f"{len(report.rejected)} rows of the bench's own list were rejected: {report.rejected[0]}")
    return time.perf_counter() - started


def _match_ms(index: HotlistIndex, reads: list[PlateText]) -> tuple[list[float], int]:
    taken_ms, matches = [], 0
    for read in reads:
        started = time.perf_counter()
        found = index.match(read, _NOW)
        taken_ms.append((time.perf_counter() - started) * 1e3)
        matches += len(found)
    return taken_ms, matches


if __name__ == "__main__":
    main()

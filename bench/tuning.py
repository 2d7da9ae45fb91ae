"""Whether the hits that `alpr hotlist tune` expects are those that come: cars drive past, are read, and are matched.

python -m bench.tuning [--reads N] [--entries N]

For each setting the expected and the counted hits, right and false; last line of stdout: JSON. Reads err as the
measured table says; each character's probability is the same in every read, so only settings without a least
probability are compared.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.match.index import HotlistIndex
from alpr.hotlist.rules.policy import MatchPolicy
from alpr.hotlist.store.policies import set_policy
from alpr.hotlist.tuning.estimate import CHOICES, DailyReads, estimate_setting, neighbourhood
from alpr.hotlist.tuning.plate_model import PlateModel
from alpr.hotlist.tuning.read_confusions import Confusion, reads_near
from alpr.hotlist.tuning.read_errors import ErrorModel, shipped_errors
from alpr.types import ALPHABET, MatchKind, PlateText

_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_LISTED = 0.2  # far above any road, so that there is something to count


def main() -> None:
    """Compare every choice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=2000)
    options = parser.parse_args()
    print(json.dumps(compared(options.reads, options.entries, list(CHOICES))))


def compared(reads: int, entries: int, names: list[str], seed: int = 1) -> dict[str, Any]:
    """Expected and counted hits of each choice, on a list as dense as none: one plate in some hundreds is listed."""
    rng = random.Random(seed)
    errors = shipped_errors()
    road = PlateModel.of(_plate(rng) for _ in range(50_000))
    listed = sorted({_plate(rng) for _ in range(entries)})
    cars = [rng.choice(listed) if rng.random() < _LISTED else road.sample(rng) for _ in range(reads)]
    seen = [_misread(car, errors, rng) for car in cars]
    near = neighbourhood(listed, len(listed), road, errors)
    passing = set(listed)
    daily = DailyReads(road, reads, sum(car in passing for car in cars))
    report: dict[str, Any] = {"reads": reads, "entries": len(listed), "model": errors.model}
    with tempfile.TemporaryDirectory() as folder:
        database = _database(Path(folder), listed)
        for name in names:
            policy = replace(MatchPolicy(), **CHOICES[name], min_probability=0.0)
            set_policy(database, "list", policy.settings())
            expected = estimate_setting(name, policy, near, daily, errors)
            right, false = _counted(database, cars, seen)
            report[name] = {
                "true": [round(expected.true_per_day, 1), right],
                "false": [round(expected.false_per_day, 1), false],
                "error": round(expected.error, 1),
            }
    return report


def _plate(rng: random.Random) -> str:
    return "".join(rng.choices("DOQILX", k=2) + rng.choices(ALPHABET[:10], k=3) + rng.choices("ABC", k=2))


def _misread(plate: str, errors: ErrorModel, rng: random.Random) -> str:
    """What is read of a plate; errors that are more than one are read as nothing on the list."""
    drawn = rng.random() - errors.right
    if drawn < 0:
        return plate
    for kind in Confusion:
        drawn -= errors.wrong[kind]
        if drawn < 0:
            ways = [text for way, text in reads_near(plate) if way is kind]
            return rng.choice(ways) if ways else plate
    return "X0X0X0X0X0"


def _database(folder: Path, listed: list[str]) -> Path:
    source, database = folder / "list.csv", folder / "hotlist.sqlite"
    source.write_text("plate,reason\n" + "".join(f"{plate},x\n" for plate in listed), encoding="utf-8")
    import_csv(database, source, "list", _NOW)
    return database


def _counted(database: Path, cars: list[str], seen: list[str]) -> tuple[int, int]:
    """Hits on the car's own entry, and approximate ones on another's."""
    right = false = 0
    rows: defaultdict[int, Any] = defaultdict(lambda: None)
    with HotlistIndex.open(database) as index:
        for car, text in zip(cars, seen, strict=True):
            if rows[len(text)] is None:
                rows[len(text)] = np.full((len(text), len(ALPHABET)), 1 / len(ALPHABET), np.float32)
            for match in index.match(PlateText(text, rows[len(text)], 1.0), _NOW):
                if match.entry.plate == car:
                    right += 1
                elif match.kind is not MatchKind.EXACT:
                    false += 1
    return right, false


if __name__ == "__main__":
    main()

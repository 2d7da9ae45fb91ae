"""All bouts, or a part of them, one after the other, with a file of results from which it goes on where it ended."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from bench.faults.bouts import Bout, fight
from bench.faults.outcome import NotTried, Outcome
from bench.faults.road import lay_road

Result: TypeAlias = Mapping[str, Any]

_COLUMNS = (
    "faults",
    "reads",
    "hits",
    "lost",
    "gone",
    "told_lost",
    "doubled",
    "foreign",
    "too_soon",
    "undelivered",
    "not_kept",
    "deaths",
)


def part_of(bouts: Sequence[Bout], part: str) -> list[Bout]:
    """Every n-th bout: "2/4" is the second of four parts.

    Raises:
        ValueError: no such part.
    """
    number, _, of = part.partition("/")
    at, count = int(number), int(of)
    if not 1 <= at <= count:
        raise ValueError(f"{part!r} is no part; 1/4 to 4/4 are the four quarters")
    return list(bouts[at - 1 :: count])


def run(bouts: Iterable[Bout], results: Path | None = None, *, pace: float = 1.0) -> list[Result]:
    """Run those that the file of results does not have yet; the results of all of them.

    Args:
        results: JSON lines, one for each bout; None keeps none.
        pace: stated durations are multiplied by it.
    """
    bouts = list(bouts)
    known = {row["bout"]: row for row in read_results(results)} if results else {}
    with tempfile.TemporaryDirectory(prefix="alpr-faults-") as name:
        road = Path(name)
        if any(bout.name not in known for bout in bouts):
            lay_road(road)
        for bout in bouts:
            if bout.name not in known:
                known[bout.name] = row = _result(bout, road, pace)
                print(line_of(row), flush=True)
                if results:
                    with results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
    return [known[bout.name] for bout in bouts]


def read_results(results: Path) -> list[Result]:
    """What a file of results holds; [] where it is not there."""
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def line_of(row: Result) -> str:
    """One bout in words."""
    verdict = "not tried" if row["is_right"] is None else "right" if row["is_right"] else "WRONG"
    told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in row["figures"].items())
    return f"{row['bout']}: {verdict} in {row['took_s']} s: {told}"


def table(rows: Iterable[Result]) -> str:
    """The sums by kind, and of all, in Markdown."""
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        for name in (row["kind"], "all"):
            of_kind = sums.setdefault(name, dict.fromkeys(("bouts", "wrong", "not tried", *_COLUMNS), 0))
            of_kind["bouts"] += 1
            of_kind["wrong"] += row["is_right"] is False
            of_kind["not tried"] += row["is_right"] is None
            for column in _COLUMNS:
                of_kind[column] += int(row["figures"].get(column, 0))
    if not sums:
        return "nothing was tried"
    sums["all"] = sums.pop("all")  # last
    heads = list(sums["all"])
    lines = [
        "| fault | " + " | ".join(head.replace("_", " ") for head in heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    lines += [
        f"| {name} | " + " | ".join(f"{of_kind[head]:,}" for head in heads) + " |" for name, of_kind in sums.items()
    ]
    return "\n".join(lines)


def _result(bout: Bout, road: Path, pace: float) -> Result:
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"alpr-{bout.name}-"))
    is_right: bool | None
    try:
        outcome = fight(bout, folder, road, pace=pace)
        is_right = outcome.is_right
    except NotTried as error:
        outcome, is_right = Outcome(False, {"reason": str(error)}), None
    except (TimeoutError, RuntimeError, sqlite3.Error, subprocess.TimeoutExpired) as error:
        outcome, is_right = Outcome(False, {"faults": bout.faults, "failure": str(error)}), False
    figures = dict(outcome.figures)
    if is_right is False:
        figures["kept_in"] = str(folder)  # for whoever has to find out why
    else:
        shutil.rmtree(folder, ignore_errors=True)
    took_s = round(time.monotonic() - started, 1)
    return {"bout": bout.name, "kind": bout.kind, "is_right": is_right, "took_s": took_s, "figures": figures}

"""Passes read right: films through a whole device, against a list of the plates that a person can read in them.

`python -m bench.clips --truth LIST.jsonl [--films FOLDER]`; each line of the list is
`{"file": NAME, "passes": [{"text": TEXT, ...}, ...]}` (or `plates`), or one pass of the film `NAME.mp4` beside
`NAME.truth.jsonl`. Films are looked for in the folder, or beside the list. A pass counts as right when one final read
says its text, letter by letter, after consensus.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from alpr.config import load_edge_config
from alpr.edge.app import Edge
from alpr.edge.outcomes import AlertedOutcome
from alpr.evaluation.causes import cause_of
from alpr.evaluation.statistics import wilson
from alpr.plates import levenshtein, normalise


@dataclass(frozen=True, slots=True)
class FilmTruth:
    """A film and the plates of the vehicles that pass in it."""

    film: Path
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilmScore:
    """What was read in a film."""

    truth: FilmTruth
    right: tuple[str, ...]
    missed: tuple[str, ...]
    twice: tuple[str, ...]
    """Told by two final reads or more."""
    other: tuple[str, ...]
    """Final reads of no listed pass: misreads, and vehicles that the list leaves out."""


def load_truth(path: Path, films: Path | None = None) -> list[FilmTruth]:
    """Read a list of films, or the passes of one film beside `NAME.truth.jsonl`."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    folder = films or path.parent
    if rows and "file" not in rows[0]:
        film = folder / f"{path.name.removesuffix('.truth.jsonl')}.mp4"
        return [FilmTruth(film, tuple(normalise(row["text"]) for row in rows))]
    return [
        FilmTruth(
            folder / row["file"], tuple(normalise(each["text"]) for each in row.get("passes", row.get("plates", [])))
        )
        for row in rows
    ]


def final_reads(film: Path, models: dict[str, str] | None = None) -> list[str]:
    """The text of each vehicle pass, as a device with default settings tells it.

    Args:
        models: section `models` of the device's configuration.
    """
    outcomes: list[AlertedOutcome] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edge.yaml"
        settings = {
            "device": {"name": "bench", "data_dir": "run"},
            "cameras": [{"id": "film", "url": str(film.resolve())}],
            **({"models": models} if models else {}),
        }
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        Edge(load_edge_config(path), outcomes.append).run()
    return [read.plate.text for outcome in outcomes for read in outcome.reads if read.is_final]


def score(truth: FilmTruth, reads: Sequence[str]) -> FilmScore:
    """Compare the final reads with the passes."""
    return FilmScore(
        truth=truth,
        right=tuple(text for text in truth.texts if text in reads),
        missed=tuple(text for text in truth.texts if text not in reads),
        twice=tuple(text for text in truth.texts if reads.count(text) > 1),
        other=tuple(text for text in reads if text not in truth.texts),
    )


def nearest(missed: str, others: Sequence[str]) -> str:
    """The read that may have been meant for a pass that was missed, and why it is wrong; "" where none is near."""
    near = min(others, key=lambda text: levenshtein(missed, text, len(missed)), default="")
    if not near or 2 * levenshtein(missed, near, len(missed)) > len(missed):
        return "not read"
    return f"read {near} ({cause_of(missed, near)})"


def main() -> None:
    """Read the films and print what came of each."""
    parser = argparse.ArgumentParser(description="How many vehicle passes of films are read exactly right.")
    parser.add_argument("--truth", type=Path, required=True, nargs="+", help="lists of passes")
    parser.add_argument("--films", type=Path, help="folder of the films; beside the list by default")
    parser.add_argument("--variant", default="auto", choices=["auto", "fp32", "int8"], help="of the shipped models")
    options = parser.parse_args()
    right = passes = 0
    for truth in (truth for path in options.truth for truth in load_truth(path, options.films)):
        found = score(truth, final_reads(truth.film, {"variant": options.variant}))
        right, passes = right + len(found.right), passes + len(truth.texts)
        wrong = "; ".join(f"{text} {nearest(text, found.other)}" for text in found.missed)
        print(f"{truth.film.name:28} {len(found.right):3} of {len(truth.texts):<3} {wrong}", flush=True)
        if found.twice:
            print(f"{'':28} told twice: {', '.join(found.twice)}")
        if found.other:
            print(f"{'':28} other reads: {', '.join(found.other)}")
    low, high = wilson(right, passes)
    print(f"{right} of {passes} passes read exactly right: {right / max(1, passes):.3f} ({low:.3f}-{high:.3f})")


if __name__ == "__main__":
    main()

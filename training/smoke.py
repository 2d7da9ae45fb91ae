"""Runs the whole chain with a tiny budget: `python -m training.smoke [--out FOLDER] [--seconds 25]`.

Draws a small labelled set, draws plates ahead, trains both networks for seconds, exports them, makes their int8
variants and PaddleOCR's folder, writes the cards, and evaluates with `alpr evaluate`. Every step is the command of
README.md, run in a scratch folder that holds a copy of `training/` and `bench/`, so that no shipped file, checkpoint
or cache is touched. What comes out reads nothing: that the steps fit together is all that is shown. Needs neither the
network nor the real pictures; without the faces of `training.fonts` plates are drawn with Pillow's own. Exit 0, or 1
with the step that failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from alpr.models.card import load_card

ROOT = Path(__file__).parents[1]
_CROPS, _SCENES, _DRAWN = 160, 30, 200
_EACH_S = 400  # no step may hang


def steps(seconds: float) -> list[tuple[str, list[str]]]:
    """Name and command of each step, in order; run in the scratch folder.

    Args:
        seconds: of training, for each network.
    """
    minutes, date = f"{seconds / 60:.3f}", datetime.now(UTC).date().isoformat()
    alpr = ["-c", "from alpr.cli import main; main()", "evaluate"]
    ours = ["--detector", "models/detector.onnx", "--recogniser", "models/recogniser.onnx", "--json"]
    quantised = ["--real", "real", "--date", date, "--most-lost", "1"]  # what knows nothing loses what it guessed
    train_detector = ["--data", "real/scenes", "--pool", "60", "--minutes", minutes, "--warm-up", "0.05"]
    return [
        ("draw plates ahead", ["-m", "training.render_cache", "--shards", "1", "--size", str(_DRAWN)]),
        ("train the recogniser", ["-m", "training.train_recogniser", "--real", "real", "--minutes", minutes]),
        ("export the recogniser", ["-m", "training.export_recogniser", "--real", "real", "--date", date]),
        ("train the detector", ["-m", "training.train_detector", *train_detector]),
        ("export the detector", ["-m", "training.export_detector", "--data", "real/scenes", "--date", date]),
        ("quantise the recogniser", ["-m", "training.quantise", "recogniser", *quantised]),
        ("quantise the detector", ["-m", "training.quantise", "detector", *quantised]),
        ("export for PaddleOCR", ["-m", "training.export_paddle", "--to", "paddle"]),
        ("evaluate on crops", [*alpr, "real/plates/labels.jsonl", *ours]),
        ("evaluate on scenes", [*alpr, "real/scenes/labels.jsonl", *ours, "--html", "page.html"]),
    ]


def prepare(folder: Path) -> None:
    """Copy the programs and draw the labelled set."""
    from training.drawn_set import write_set  # noqa: PLC0415 - draws with Pillow, which only training needs

    for name in ("training", "bench"):
        kept_out = shutil.ignore_patterns("runs", "cache", "__pycache__", "*.mp4", "*.md")
        shutil.copytree(ROOT / name, folder / name, ignore=kept_out)
    (folder / "models").mkdir()
    faces = ROOT / "training" / "cache" / "fonts"
    if faces.is_dir():
        shutil.copytree(faces, folder / "training" / "cache" / "fonts")
    write_set(folder / "real", _CROPS, _SCENES)


def run_step(name: str, command: list[str], folder: Path) -> str:
    """Run one step; what it printed.

    Raises:
        RuntimeError: it failed or took too long; says with which last words.
    """
    start = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "2"}
    try:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_EACH_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{name}: not done after {_EACH_S} s") from error
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write(f"== {name}\n{done.stdout}{done.stderr}\n")
    if done.returncode != 0:
        raise RuntimeError(f"{name}: exit {done.returncode}\n{(done.stderr or done.stdout).strip()[-1500:]}")
    print(f"{name:24} {time.monotonic() - start:6.1f} s", flush=True)
    return done.stdout


def check(folder: Path, told: dict[str, str]) -> list[str]:
    """What came out, one line each.

    Raises:
        RuntimeError: a card is missing or says too little, or the evaluation has no figures.
    """
    lines = []
    for task in ("recogniser", "detector", "recogniser.int8", "detector.int8"):
        card = load_card(folder / "models" / f"{task}.yaml")
        if not card.fields.get("samples_seen") or not card.fields.get("scores") or not card.fields.get("trained_on"):
            raise RuntimeError(f"{card.path}: the card lacks samples_seen, scores or trained_on")
        lines.append(f"{card.path}: {card.model_id}, {card.fields['samples_seen']} samples seen")
    for kind, step in (("crops", "evaluate on crops"), ("scenes", "evaluate on scenes")):
        rows = [json.loads(line) for line in told[step].splitlines()]
        whole = next((row for row in rows if row["kind"] == kind and row["group"] == "all"), None)
        if whole is None or not whole["texts"]:
            raise RuntimeError(f"{step}: no figures for {kind}")
        lines.append(
            f"{kind}: {whole['texts']} texts, {whole['exact']} read exactly (after seconds none is expected)"
        )
    if not (folder / "page.html").stat().st_size:
        raise RuntimeError("evaluate on scenes: the page is empty")
    return lines


def main() -> None:
    """Run every step, then look at what came out."""
    parser = argparse.ArgumentParser(description="Run the whole training chain with a tiny budget.")
    parser.add_argument("--out", type=Path, help="an empty folder to keep everything in; else it is thrown away")
    parser.add_argument("--seconds", type=float, default=25.0, help="of training, for each network")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.out or Path(scratch) / "smoke").resolve()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            prepare(folder)
            print(f"{'draw a labelled set':24} {time.monotonic() - start:6.1f} s", flush=True)
            told = {name: run_step(name, command, folder) for name, command in steps(options.seconds)}
            print("\n".join(check(folder, told)))
        except RuntimeError as error:
            print(f"train-smoke: {error}", file=sys.stderr)
            sys.exit(1)
    print(f"train-smoke: the chain holds, {time.monotonic() - start:.0f} s in all")


if __name__ == "__main__":
    main()

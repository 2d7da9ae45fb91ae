"""Runs the scenarios and prints a report."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench import faults
from bench.faults import faults_of_peers as peers
from bench.faults import faults_of_programs as programs
from bench.faults import programme
from bench.faults.bouts import KINDS, all_bouts
from bench.faults.outcome import NotTried, Outcome

SCENARIOS = {
    "kills": programs.kills,
    "cuts": programs.cuts,
    "bad-line": programs.bad_line,
    "full-disk-of-device": programs.full_disk_of_device,
    "full-disk-of-collector": programs.full_disk_of_collector,
    "clock-steps": programs.clock_steps,
    "torn-page": programs.torn_page,
    "old-peer": peers.old_peer,
    "replay": peers.replay,
    "hostile": peers.hostile,
}


def main() -> None:
    """Exit 3 where a scenario did not end as it must."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.faults",
        description=faults.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[*SCENARIOS, *KINDS, []], help="which; all where none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the reads, kills and faults")
    parser.add_argument("--full", action="store_true", help="the 1,000 faults of the real programs")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="of the bouts that --full runs")
    parser.add_argument("--results", type=Path, help="file of --full, from which it goes on where it was ended")
    parser.add_argument("--json", type=Path, help="also write the figures of the other scenarios there")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what it started
    kinds = [name for name in options.names if name in KINDS]
    if options.full or kinds:
        is_right = _full(kinds or [*KINDS], 0.1 if options.quick else 1.0, options.part, options.results)
    else:
        is_right = _scenarios(options.names or [*SCENARIOS], 0.1 if options.quick else 1.0, options.json)
    sys.exit(0 if is_right else 3)


def _full(kinds: list[str], share: float, part: str, results: Path | None) -> bool:
    bouts = [bout for bout in programme.part_of(all_bouts(share), part) if bout.kind in kinds]
    rows = programme.run(bouts, results)
    print(programme.table(rows))
    return all(row["is_right"] is not False for row in rows)


def _scenarios(names: list[str], scale: float, figures: Path | None) -> bool:
    rows = []
    for name in names:
        scenario = SCENARIOS[name]
        print(f"{name}: {(scenario.__doc__ or '').strip()}", flush=True)
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="alpr-faults-", ignore_cleanup_errors=True) as folder:
            try:
                outcome = scenario(Path(folder), scale)
            except NotTried as error:
                print(f"  not tried: {error}", flush=True)
                continue
            except (TimeoutError, RuntimeError) as error:
                outcome = Outcome(False, {"failure": str(error)})
        took_s = round(time.monotonic() - started, 1)
        told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in outcome.figures.items())
        print(f"  {'right' if outcome.is_right else 'WRONG'} in {took_s} s: {told}", flush=True)
        rows.append({"scenario": name, "is_right": outcome.is_right, "took_s": took_s, **outcome.figures})
    if figures:
        figures.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return all(row["is_right"] for row in rows)


if __name__ == "__main__":
    main()

"""Runs the scenarios and prints a report."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.faults import faults_of_peers as peers
from bench.faults import faults_of_programs as programs
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
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*SCENARIOS, []], help="which; all where none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the reads and kills")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    scale = 0.1 if options.quick else 1.0
    rows, failed = [], False
    for name in options.names or SCENARIOS:
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
        failed |= not outcome.is_right
        took_s = round(time.monotonic() - started, 1)
        told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in outcome.figures.items())
        print(f"  {'right' if outcome.is_right else 'WRONG'} in {took_s} s: {told}", flush=True)
        rows.append({"scenario": name, "is_right": outcome.is_right, "took_s": took_s, **outcome.figures})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    sys.exit(3 if failed else 0)


if __name__ == "__main__":
    main()

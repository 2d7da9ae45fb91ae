"""Runs the soak and prints its figures; the last line of stdout is JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.soak.attacks import ATTACKS
from bench.soak.soak import soak


def main() -> None:
    """Exit 3 where it did not end as it must."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ATTACKS, []], help="which attacks; all where none is named")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--devices", type=int, default=5, help="honest ones")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alpr-soak-", ignore_cleanup_errors=True) as folder:
        outcome = soak(Path(folder), options.seconds, options.names or list(ATTACKS), options.devices)
    print(json.dumps(dict(outcome.figures)))
    sys.exit(0 if outcome.is_right else 3)


if __name__ == "__main__":
    main()

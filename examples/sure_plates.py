"""Takes up what `alpr read --json` prints and lists the plates that are sure, as CSV.

    alpr read --json photos/ | python examples/sure_plates.py > plates.csv

Needs nothing but Python. The line of a picture has `image`, that of a video `video`; a file that could not be read
has `error`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator

LEAST_CONFIDENCE = 0.9


def sure_plates(lines: Iterable[str]) -> Iterator[tuple[str, str, float]]:
    """File, plate and confidence of each read that is sure enough."""
    for line in lines:
        row = json.loads(line)
        name = row.get("image") or row["video"]
        if "error" in row:
            print(f"{name}: {row['error']}", file=sys.stderr)
            continue
        for read in row["reads"]:
            if read["confidence"] >= LEAST_CONFIDENCE:
                yield name, read["plate"], read["confidence"]


def main() -> None:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["file", "plate", "confidence"])
    table.writerows(sure_plates(sys.stdin))


if __name__ == "__main__":
    main()

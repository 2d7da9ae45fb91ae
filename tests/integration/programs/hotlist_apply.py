"""Applies an update and stops for good at a chosen point, to be killed there.

    python -m tests.integration.programs.hotlist_apply DATABASE FILE POINT

POINT: "reading" the file, "first-list" of several is swapped in, "before-commit". Prints it once it is there.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alpr.hotlist.updates import install as applying
from tests.updates import ADMINS


def main() -> None:
    database, file, point = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

    def stop(*_: Any) -> None:
        print(point, flush=True)
        time.sleep(60)

    if point == "first-list":
        vars(applying)["_check_count"] = stop
    elif point == "before-commit":
        swap_in = applying._swap_in

        def swap_in_and_stop(*arguments: Any) -> Any:
            swap_in(*arguments)
            stop()

        vars(applying)["_swap_in"] = swap_in_and_stop
    progress = stop if point == "reading" else None
    applying.apply_update(database, file, applying.Trust(ADMINS), datetime.now(UTC), on_progress=progress)


if __name__ == "__main__":
    main()

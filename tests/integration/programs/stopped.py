"""Runs a module and stops it for good at a chosen function, to be killed there.

    python -m tests.integration.programs.stopped FLAG before|after MODULE:FUNCTION MODULE WORDS...

FLAG: a file that is made once it is there.
"""

from __future__ import annotations

import importlib
import runpy
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    flag, when, point, module, *words = sys.argv[1:]
    where, _, name = point.partition(":")
    *inner, name = name.split(".")
    owner: Any = importlib.import_module(where)
    for part in inner:
        owner = getattr(owner, part)
    function = getattr(owner, name)

    def stop(*arguments: Any, **options: Any) -> None:
        if when == "after":
            function(*arguments, **options)
        Path(flag).touch()
        time.sleep(600)

    setattr(owner, name, stop)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

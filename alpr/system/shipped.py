"""Where the files lie that ship with alpr beside its code: models, samples, the bench's yardstick."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def shipped(folder: Literal["models", "samples", "bench"]) -> Path:
    """Return a folder of shipped files: inside the installed package, or at the top of a checkout.

    Args:
        folder: which of them.
    """
    packaged = Path(__file__).parents[1] / f"_{folder}"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / folder

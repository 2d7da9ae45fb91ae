"""alpr reads licence plates where the cameras are.

    from alpr import PlateReader

    reader = PlateReader()                  # shipped models, one thread
    for seen in reader.read(image_bgr):     # Observation
        print(seen.text, seen.confidence, seen.detection.corners)

Importing this package is cheap: OpenCV and ONNX Runtime are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpr.errors import AlprError
    from alpr.reading.plate_reader import PlateReader
    from alpr.types import Candidate, Detection, Frame, Hit, HotlistEntry, Match, Observation, PlateText, Read

__all__ = [
    "AlprError",
    "Candidate",
    "Detection",
    "Frame",
    "Hit",
    "HotlistEntry",
    "Match",
    "Observation",
    "PlateReader",
    "PlateText",
    "Read",
]
__version__ = "0.1.0"

_HOMES = {"AlprError": "alpr.errors", "PlateReader": "alpr.reading.plate_reader"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'alpr' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "alpr.types")), name)

"""What finding and reading two plates costs: detector, rectification and recogniser, by variant of the models.

The pipeline reads a plate again only while its text is unsure; here both are read in every frame, which is the most
that a frame with two plates can cost. Each variant's turn lies between two passes of the yardstick.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from alpr.bench.verdict import StageReport, Taken, stage_report
from alpr.reading.plate_reader import PlateReader
from alpr.types import Frame

_PLATES = 2


class CoreSpeed(Protocol):
    """A measure of how quick the core is at this moment."""

    def cpu_ns(self) -> int:
        """The processor time of one pass of the yardstick now."""


def stage_name(variant: str) -> str:
    """Name of the stage in the report and the budget.

    Args:
        variant: of the models.
    """
    return f"detect and read two plates, {variant}"


def reading_stages(
    frames: Iterable[Frame], yardstick: CoreSpeed, readers: Mapping[str, PlateReader], warm_up: int
) -> tuple[StageReport, ...]:
    """Time each reader on each frame in which it finds two plates.

    Args:
        frames: with two plates in view.
        yardstick: by whose time all is told.
        readers: by variant.
        warm_up: how many frames to take before timing begins.
    """
    pairs: dict[str, list[tuple[Taken, float]]] = {variant: [] for variant in readers}
    before_ns = yardstick.cpu_ns()
    for number, frame in enumerate(frames):
        for variant, reader in readers.items():
            wall_ns, cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
            detections = reader.detect(frame.image)
            reader.recognise(frame.image, detections)
            taken = Taken(time.perf_counter_ns() - wall_ns, time.thread_time_ns() - cpu_ns)
            after_ns = yardstick.cpu_ns()
            if number >= warm_up and len(detections) == _PLATES:
                pairs[variant].append((taken, (before_ns + after_ns) / 2))
            before_ns = after_ns
    return tuple(stage_report(stage_name(variant), found) for variant, found in pairs.items() if found)

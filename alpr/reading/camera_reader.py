"""CameraReader: looks at the frames of one camera as far as they are worth it, and reads their plates.

Where nothing moves, a frame costs no more than a glance at its brightness; every 1.5 s one is looked at all the same,
and a plate that stands in view four times a second, so that no pass ends that goes on. Where something moves,
the effort decides: whole frames, or in between them the plates that are being followed alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from alpr.detect.refine import TILES
from alpr.reading.effort import LADDER, Effort
from alpr.reading.motion_gate import Grid, MotionGate, sampled
from alpr.reading.plate_reader import PlateReader
from alpr.reading.tile_turns import TileTurns
from alpr.reading.tiled_reader import TileDetector
from alpr.types import Detection, ExpectedPlate, FloatArray, Frame, Image, Observation

FORCED_AFTER_S = 1.5
"""The longest time without a look at a whole frame, whether anything moves or not."""
WATCHED_AFTER_S = 0.25
"""The longest time without a look at a plate that is in view."""
CALM_NEARER_AFTER_S = 4.0
"""The time between two nearer looks at tiles in which nothing moves."""
_GLANCE_AFTER_S = 0.06  # between two glances at the brightness where nothing moves: at 25 frames a second, each other
_LINGER_S = 0.3  # after the last motion: a vehicle may have stopped, or be behind another one
_MOST_WINDOWS = 3  # more of them cost as much as a look at the whole frame
_TILE_SIDE = 0.55  # as `alpr.detect.refine.cut_tile` has it


@runtime_checkable
class WindowDetector(Protocol):
    """A detector that can look for one plate around where it is expected."""

    def detect_near(self, image: Image, corners: FloatArray) -> Detection | None:
        """Find the plate; None where it is not there.

        Args:
            image: (H, W, 3) uint8 BGR.
            corners: (4, 2) pixels of it, where it is expected.
        """


class CameraReader:
    """Finds and reads the plates in one camera's frames.

    Args:
        reader: detects and reads; cameras may share it.
        looks_nearer: False leaves out the looks at enlarged tiles.
        effort: asked at each frame.
    """

    def __init__(
        self, reader: PlateReader, *, looks_nearer: bool = True, effort: Callable[[], Effort] = lambda: LADDER[0]
    ) -> None:
        detector = reader.detector
        self._reader = reader
        self._tiles = detector if looks_nearer and isinstance(detector, TileDetector) else None
        self._windows = detector if isinstance(detector, WindowDetector) else None
        self._effort = effort
        self._turns = TileTurns()
        self._gate = MotionGate()
        self._moved_ns = self._whole_ns = self._nearer_ns = self._look_ns = self._watched_ns = self._glance_ns = -(
            10**18
        )
        self._anywhere_ns = -(10**18)
        self._is_lost = False
        self._moved: Collection[int] = range(TILES)
        self.looks: Counter[str] = Counter()
        """Number of frames so far by what was looked at: "whole", "nearer" (and the whole), "windows", "between"
        (nothing, as all plates are sure), "nothing" (nothing moved) or "skipped"."""

    def look(self, frame: Frame, expected: Sequence[ExpectedPlate]) -> list[Detection]:
        """Find the plates of the next frame, as far as it is worth a look.

        Args:
            frame: the camera's next one.
            expected: the plates that are being followed, where they are expected in it.
        """
        effort, now_ns = self._effort(), frame.monotonic_ns
        follows = any(plate.is_moving for plate in expected)
        is_calm = not follows and not self._is_lost and _is_due(self._moved_ns, now_ns, _LINGER_S)
        if not is_calm and not _is_due(self._look_ns, now_ns, effort.look_after_s):
            self.looks["skipped"] += 1
            return []
        if is_calm and not _is_due(self._glance_ns, now_ns, _GLANCE_AFTER_S):
            self.looks["nothing"] += 1
            return []
        self._glance_ns = now_ns
        moved = self._gate.moved(sampled(frame.luma), now_ns)
        has_moved = bool(moved.any())
        if has_moved or follows:
            self._moved_ns = now_ns
        if has_moved:
            self._moved = _tiles_of(moved)
        is_busy = not _is_due(self._moved_ns, now_ns, _LINGER_S)
        # Of one that the last whole look did not show, nobody knows where it is.
        plates = [plate for plate in expected if plate.seen_ns >= self._whole_ns]
        whole_after_s = effort.whole_after_s if is_busy else FORCED_AFTER_S
        if (
            self._is_lost
            or any(plate.is_new for plate in plates)
            or (not is_busy and len(plates) > _MOST_WINDOWS and _is_due(self._whole_ns, now_ns, WATCHED_AFTER_S))
            or _is_due(self._whole_ns, now_ns, whole_after_s)
        ):
            if is_busy and not _is_due(self._anywhere_ns, now_ns, CALM_NEARER_AFTER_S):
                return self._look_at_whole(frame, self._moved, effort.nearer_after_s)
            self._anywhere_ns = now_ns
            nearer_after_s = effort.nearer_after_s if is_busy else max(effort.nearer_after_s, CALM_NEARER_AFTER_S)
            return self._look_at_whole(frame, range(TILES), nearer_after_s)
        if is_busy:
            plates = [plate for plate in plates if not plate.is_sure]
        elif not _is_due(self._watched_ns, now_ns, WATCHED_AFTER_S):
            plates = []
        if plates and self._windows is not None:
            return self._look_at_windows(frame, plates, self._windows)
        self.looks["between" if is_busy else "nothing"] += 1
        return []

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        """Read each detected plate once, in the same order.

        Args:
            image: (H, W, 3) uint8 BGR, in which they were detected.
            detections: the plates.
        """
        return self._reader.recognise(image, detections)

    def _look_at_whole(self, frame: Frame, tiles: Collection[int], nearer_after_s: float) -> list[Detection]:
        self._look_ns = self._whole_ns = self._watched_ns = frame.monotonic_ns
        self._is_lost = False
        found = self._reader.detect(frame.image)
        if found or self._tiles is None or not _is_due(self._nearer_ns, frame.monotonic_ns, nearer_after_s):
            self.looks["whole"] += 1
            return found
        self._nearer_ns = frame.monotonic_ns
        tile = self._turns.take(tiles)
        found = self._tiles.detect_tile(frame.image, tile)
        self._turns.note(tile, shows_plates=bool(found))
        self.looks["nearer"] += 1
        return found

    def _look_at_windows(
        self, frame: Frame, plates: Sequence[ExpectedPlate], detector: WindowDetector
    ) -> list[Detection]:
        self.looks["windows"] += 1
        self._look_ns = self._watched_ns = frame.monotonic_ns
        nearest = sorted(plates, key=lambda plate: -plate.size_wh[0])[:_MOST_WINDOWS]
        found = [detector.detect_near(frame.image, _corners(plate)) for plate in nearest]
        # One that is not where it was expected is looked for everywhere in the next frame.
        self._is_lost = any(detection is None for detection in found)
        return [detection for detection in found if detection is not None]


def _is_due(last_ns: int, now_ns: int, after_s: float) -> bool:
    return now_ns - last_ns >= after_s * 1e9


def _corners(plate: ExpectedPlate) -> FloatArray:
    (x, y), (width, height) = plate.centre, plate.size_wh
    across, down = width / 2, height / 2
    return np.array(
        [[x - across, y - down], [x + across, y - down], [x + across, y + down], [x - across, y + down]], np.float32
    )


def _tiles_of(moved: Grid) -> list[int]:
    """Return the tiles in which something moved, of a grid in which something did."""
    rows, columns = moved.shape
    down, across = max(1, round(rows * _TILE_SIDE)), max(1, round(columns * _TILE_SIDE))
    parts = [
        moved[:down, :across], moved[:down, -across:], moved[-down:, :across], moved[-down:, -across:]
    ]  # fmt: skip
    return [tile for tile in range(TILES) if parts[tile].any()]

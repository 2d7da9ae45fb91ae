"""TiledReader: finds and reads the plates in the frames of one camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from alpr.reading.plate_reader import PlateReader
from alpr.reading.tile_turns import TileTurns
from alpr.types import Detection, Image, Observation


@runtime_checkable
class TileDetector(Protocol):
    """A detector that can enlarge a tile of a frame."""

    def detect_tile(self, image: Image, tile: int) -> list[Detection]:
        """Find the plates of one tile, most confident first; corners in the image's pixels.

        Args:
            image: (H, W, 3) uint8 BGR.
            tile: its index, as for `alpr.detect.refine.cut_tile`.
        """


class TiledReader:
    """Looks once at each frame, and where that shows nothing once more: at one tile of the frame, enlarged.

    So a plate too far off for the first look is found within a few frames, and a frame never costs more than two
    looks. The tiles take turns; while one shows a plate, it has every second turn. The turns are state: each camera
    needs a reader of its own.

    Args:
        reader: detects and reads; cameras may share it.
        looks_nearer: False leaves out the look at a tile.
    """

    def __init__(self, reader: PlateReader, *, looks_nearer: bool = True) -> None:
        self._reader = reader
        self._tiles = reader.detector if looks_nearer and isinstance(reader.detector, TileDetector) else None
        self._turns = TileTurns()

    def detect(self, image: Image) -> list[Detection]:
        """Find the plates, most confident first.

        Args:
            image: (H, W, 3) uint8 BGR; the camera's next frame.
        """
        found = self._reader.detect(image)
        if found or self._tiles is None:
            return found
        tile = self._turns.take()
        found = self._tiles.detect_tile(image, tile)
        self._turns.note(tile, shows_plates=bool(found))
        return found

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        """Read each detected plate once, in the same order.

        Args:
            image: (H, W, 3) uint8 BGR, in which they were detected.
            detections: the plates.
        """
        return self._reader.recognise(image, detections)

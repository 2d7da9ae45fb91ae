"""A folder of pictures as a source: one after the other, by name."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from alpr.capture.exif import read_exif
from alpr.capture.pictures import PICTURE_SUFFIXES, picture_from_bytes, read_picture_file
from alpr.clock import Clock
from alpr.errors import ImageError, SourceOpenError
from alpr.types import Frame

_log = logging.getLogger(__name__)


class ImageFolderSource:
    """The pictures of a folder (not of its subfolders), sorted by name; or a single picture.

    `captured_at` is the time in the picture's EXIF, else that of the file's last change. `monotonic_ns` goes up by
    `interval_s` per picture, since the order of names need not be that of times. A picture that cannot be read is
    logged and counted (its `seq` is missing), and the rest go on. One that is too large is reduced where it can be;
    pixels of its frame are those of the reduced one.

    Args:
        camera_id: of every frame.
        path: of the folder or picture.
        clock: gives the moment of opening.
        interval_s: seconds between two pictures on the steady clock.
        realtime: True holds pictures back to that interval.
    """

    is_live = False
    problem = ""

    def __init__(
        self, camera_id: str, path: Path, *, clock: Clock, interval_s: float = 1.0, realtime: bool = False
    ) -> None:
        self.camera_id = camera_id
        self.skipped = 0
        """Number of pictures that could not be read."""
        self._path = path
        self._clock = clock
        self._interval_s = interval_s
        self._realtime = realtime
        self._closing = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """See `Source.frames`."""
        if self._closing.is_set():
            return
        started_ns = self._clock.monotonic_ns()
        for seq, path in enumerate(self._pictures()):
            due_ns = started_ns + round(seq * self._interval_s * 1e9)
            if self._realtime:
                self._closing.wait(max(0.0, (due_ns - self._clock.monotonic_ns()) / 1e9))
            if self._closing.is_set():
                return
            frame = self._load(path, seq, due_ns)
            if frame is not None:
                yield frame

    def close(self) -> None:
        """See `Source.close`."""
        self._closing.set()

    def _pictures(self) -> list[Path]:
        if self._path.is_file():
            return [self._path]
        try:
            paths = sorted(path for path in self._path.iterdir() if _is_picture(path))
        except OSError as error:
            raise SourceOpenError(
                f"{self._path}: cannot be read ({error.strerror}); check the path of camera {self.camera_id}"
            ) from error
        if not paths:
            raise SourceOpenError(
                f"{self._path}: no pictures in this folder; check the path of camera {self.camera_id}"
            )
        return paths

    def _load(self, path: Path, seq: int, due_ns: int) -> Frame | None:
        try:
            encoded = read_picture_file(path)
            image = picture_from_bytes(encoded, str(path)).image
        except ImageError as error:
            self.skipped += 1
            _log.warning("%s", error)
            return None
        taken_at = read_exif(encoded).taken_at or datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Frame(self.camera_id, seq, taken_at, due_ns, image)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()

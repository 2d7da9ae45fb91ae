"""A folder of pictures as a source: one after the other, by name."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from alpr.capture.exif import read_exif
from alpr.capture.folder_content import look_into
from alpr.capture.pictures import is_video, picture_from_bytes, read_picture_file
from alpr.clock import Clock
from alpr.errors import ImageError, SourceOpenError
from alpr.types import Frame

_log = logging.getLogger(__name__)
_VIDEO = "this is a video; give it as a camera of its own"


class ImageFolderSource:
    """The pictures of a folder (not of its subfolders), sorted by name; or a single picture.

    `captured_at` is the time in the picture's EXIF, else that of the file's last change. `monotonic_ns` goes up by
    `interval_s` per picture, since the order of names need not be that of times. A picture that cannot be read is
    logged and counted (its `seq` is missing), and the rest go on; so is a video, and a picture of a kind that is not
    supported. One that is too large is reduced where it can be; pixels of its frame are those of the reduced one.

    Args:
        camera_id: of every frame.
        path: of the folder or picture.
        clock: gives the moment of opening.
        interval_s: seconds between two pictures on the steady clock.
        realtime: True holds pictures back to that interval.
    """

    is_live = False
    left_out = 0
    is_on_demand = False

    def __init__(
        self, camera_id: str, path: Path, *, clock: Clock, interval_s: float = 1.0, realtime: bool = False
    ) -> None:
        self.camera_id = camera_id
        self.skipped = 0
        """Number of pictures that could not be read."""
        self.problem = ""
        """What was not read, in words; "" where all was, so far."""
        self._first_skipped = ""
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
        for seq, (path, why_not) in enumerate(self._pictures()):
            due_ns = started_ns + round(seq * self._interval_s * 1e9)
            if self._realtime:
                self._closing.wait(max(0.0, (due_ns - self._clock.monotonic_ns()) / 1e9))
            if self._closing.is_set():
                return
            try:
                frame = self._load(path, seq, due_ns, why_not)
            except ImageError as error:
                self._skip(path, error)
            else:
                yield frame

    def close(self) -> None:
        """See `Source.close`."""
        self._closing.set()

    def _pictures(self) -> list[tuple[Path, str]]:
        """List the pictures by name, each with the reason why it cannot be read, "" for none that is known yet."""
        if self._path.is_file():
            return [(self._path, "")]
        try:
            content = look_into(self._path)
        except OSError as error:
            raise SourceOpenError(
                f"{self._path}: cannot be read ({error.strerror}); check the path of camera {self.camera_id}"
            ) from error
        if left_out := content.left_out():
            _log.info("camera %s: %s: left out: %s", self.camera_id, self._path, left_out)
        files = [(path, _VIDEO if is_video(path) else "") for path in content.files]
        if all(why_not for _, why_not in files):
            unsupported = f" ({len(content.unsupported)} of kinds not supported)" if content.unsupported else ""
            raise SourceOpenError(
                f"{self._path}: no pictures here{unsupported}; check the path of camera {self.camera_id}"
            )
        return sorted([*files, *content.unsupported])

    def _load(self, path: Path, seq: int, due_ns: int, why_not: str) -> Frame:
        if why_not:
            raise ImageError(f"{path}: {why_not}")
        encoded = read_picture_file(path)
        picture = picture_from_bytes(encoded, str(path))
        if picture.incomplete:
            _log.error("%s: %s", path, picture.incomplete)
            self.problem = self.problem or f"{path.name}: {picture.incomplete}"
        taken_at = read_exif(encoded).taken_at or datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Frame(self.camera_id, seq, taken_at, due_ns, picture.image)

    def _skip(self, path: Path, error: ImageError) -> None:
        _log.error("%s", error)
        self.skipped += 1
        self._first_skipped = self._first_skipped or path.name
        more = f" and {self.skipped - 1} more" if self.skipped > 1 else ""
        self.problem = f"{self._first_skipped}{more} could not be read; the log says why"

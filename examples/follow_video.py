"""Follows the vehicles of a video, one line for each pass: `python examples/follow_video.py VIDEO`."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from alpr import PlateReader, Read
from alpr.capture.opening import open_source
from alpr.clock import SystemClock
from alpr.reading.tiled_reader import TiledReader
from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker


def passes(video: Path) -> Iterator[Read]:
    """The vehicle passes of a video, each when the vehicle is gone.

    Raises:
        SourceError: the video cannot be opened or decoded.
    """
    reader = PlateReader()
    looker = TiledReader(reader)  # one for each camera: it remembers where it looked last
    tracker = Tracker(video.name, TrackSettings(), model_ids=reader.model_ids, new_id=lambda: uuid.uuid4().hex)
    for frame in open_source(video.name, str(video), clock=SystemClock()).frames():
        detections = looker.detect(frame.image)
        due = tracker.update(frame, detections, lambda at, found: looker.recognise(at.image, found))
        yield from (read for read in due if read.is_final)  # early revisions come too: for hits, which cannot wait
    yield from tracker.finish()


def main(video: str) -> int:
    for read in passes(Path(video)):
        seconds = (read.last_seen_at - read.first_seen_at).total_seconds()
        looks = f"{read.observations} looks in {seconds:.1f} s"
        print(f"{read.plate.text} {read.plate.confidence:.2f} {read.direction or '-'} {looks}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Cameras a core: what a camera's frame costs, decoding included, by what is in view and what is shed.

Each road is played through the real decoder, reader and tracker, once for each effort. Costs are means over all
frames, not medians: with an effort below all, most frames cost little and some cost much. Times of the yardstick lie
around every frame, as in `alpr.bench.run`.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from alpr.bench.verdict import quantile
from alpr.capture.opening import open_source
from alpr.clock import SystemClock
from alpr.errors import SourceError
from alpr.reading.camera_reader import CameraReader
from alpr.reading.effort import LADDER
from alpr.reading.plate_reader import PlateReader
from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import Frame

FPS = 25
_ROUNDS_TO_LEARN = 6  # of the empty road, before it is timed: how it flickers
_LAST_WITHOUT_SKIPS = max(step for step, effort in enumerate(LADDER) if not effort.look_after_s)
EFFORTS = (0, 2, _LAST_WITHOUT_SKIPS, len(LADDER) - 1)
"""Steps of `LADDER` that are timed: nothing shed, windows, the last that skips no frame, and the last of all."""


@dataclass(frozen=True, slots=True)
class Road:
    """A video of 1080p at 25 frames a second, with so many plates in view all the time."""

    name: str
    video: Path
    texts: tuple[str, ...]
    """Those of the plates; one for each."""


def shipped_roads(folder: Path) -> tuple[Road, ...]:
    """Return the bench's own roads: an empty road, two plates in view, six.

    Args:
        folder: the bench's.
    """
    two = ("KX74NEB", "47TZR8")
    six = (*two, "LB19WUF", "H783KD", "YD66PLJ", "8SXK21")
    return (
        Road("empty road", folder / "empty.mp4", ()),
        Road("two plates", folder / "workload.mp4", two),
        Road("six plates", folder / "six.mp4", six),
    )


def short_of(costs: Sequence[CameraCost], times_decoding: float, cameras: float) -> list[str]:
    """List what is short of what is demanded, one sentence each; [] where nothing is.

    Args:
        costs: of all roads.
        times_decoding: most that an empty road may cost, by its decoding.
        cameras: least that a core has to bear with two plates in view, no frame being skipped.
    """
    wrong = []
    for cost in costs:
        if not cost.plates and cost.step == 0 and cost.times_decoding > times_decoding:
            wrong.append(f"{cost.road}: {cost.times_decoding:.2f} × decoding, at most {times_decoding:g}")
        if cost.plates == 2 and cost.step == _LAST_WITHOUT_SKIPS and cost.cameras_a_core < cameras:
            wrong.append(f"{cost.road}: {cost.cameras_a_core:.1f} cameras a core, at least {cameras:g}")
        if cost.read < cost.passes:
            wrong.append(f"{cost.road}, step {cost.step}: {cost.read} of {cost.passes} passes read right")
    return wrong


@dataclass(frozen=True, slots=True)
class CameraCost:
    """The cost of a camera that shows a road, at one effort."""

    road: str
    plates: int
    step: int
    """In `LADDER`."""
    frames: int
    decode: float
    """Yardsticks a frame, without colours."""
    frame: float
    """Yardsticks a frame, decoding included."""
    times_decoding: float
    """The one by the other."""
    cameras_a_core: float
    """At 25 frames a second, on this core when little else disturbs it."""
    passes: int
    """Vehicle passes in the frames that were timed."""
    read: int
    """Of them, those of which there is one final read of the right text."""


def camera_costs(
    roads: Sequence[Road], frames: int, reader: PlateReader, yardstick_ns: Callable[[], int]
) -> tuple[CameraCost, ...]:
    """Time each road at each effort.

    Args:
        roads: the videos.
        frames: how many to time of each.
        reader: detects and reads.
        yardstick_ns: gives the processor time of one pass of the yardstick now.

    Raises:
        SourceError: a video cannot be played.
    """
    return tuple(_at_effort(road, step, frames, reader, yardstick_ns) for road in roads for step in EFFORTS)


def rows(costs: Sequence[CameraCost]) -> list[dict[str, Any]]:
    """Return the costs as rows of a table.

    Args:
        costs: of all roads.
    """
    return [
        {key: round(value, 2) if isinstance(value, float) else value for key, value in asdict(cost).items()}
        for cost in costs
    ]


class _Passes:
    """The vehicles of one round of a road, followed at one effort, and how many of them were read right."""

    def __init__(self, road: Road, step: int, reader: PlateReader) -> None:
        self._road = road
        self._effort = LADDER[step]
        self._reader = reader
        self.passes = self.read = 0
        self._begin()

    def _begin(self) -> None:
        self._camera = CameraReader(self._reader, effort=lambda: self._effort)
        self._tracker = Tracker(
            self._road.name,
            TrackSettings(),
            model_ids=(),
            new_id=lambda: uuid.uuid4().hex,
            saves_readings=lambda: self._effort.saves_readings,
        )
        self._texts: Counter[str] = Counter()

    def see(self, frame: Frame) -> None:
        """Take in the next frame."""
        found = self._camera.look(frame, self._tracker.expected(frame))
        reads = self._tracker.update(frame, found, lambda seen, plates: self._reader.recognise(seen.image, plates))
        self._texts.update(read.plate.text for read in reads if read.is_final)

    def finish(self) -> None:
        """Count what came of the round; cars begin anew after it, an empty road goes on."""
        if self._road.texts:
            self._texts.update(read.plate.text for read in self._tracker.finish())
            self.passes += len(self._road.texts)
            self.read += sum(self._texts[text] == 1 for text in self._road.texts)
            self._begin()


def _at_effort(
    road: Road, step: int, frames: int, reader: PlateReader, yardstick_ns: Callable[[], int]
) -> CameraCost:
    """Time one road at one effort, without its beginning."""
    vehicles, yards = _Passes(road, step, reader), list[int]()
    see_ns = aside_ns = begin_ns = timed = 0
    for frame, number, ends in _endless(road):
        if not begin_ns and number >= (1 if road.texts else _ROUNDS_TO_LEARN):
            begin_ns = time.process_time_ns()
        began_ns = time.thread_time_ns()
        vehicles.see(frame)
        if ends:
            vehicles.finish()
        if not begin_ns:
            continue
        timed += 1
        ended_ns = time.thread_time_ns()
        yards.append(yardstick_ns())
        see_ns, aside_ns = see_ns + ended_ns - began_ns, aside_ns + time.thread_time_ns() - ended_ns
        if timed >= frames and ends:
            break
    # The decoder may work on threads of its own: what it takes is what is left of the whole process.
    mean_ns = (time.process_time_ns() - begin_ns - aside_ns) / timed
    decode_ns = mean_ns - see_ns / timed
    yardstick = sum(yards) / timed
    return CameraCost(
        road=road.name,
        plates=len(road.texts),
        step=step,
        frames=timed,
        decode=decode_ns / yardstick,
        frame=mean_ns / yardstick,
        times_decoding=mean_ns / decode_ns,
        cameras_a_core=1e9 / FPS / (mean_ns / yardstick * quantile(yards, 0.1)),
        passes=vehicles.passes,
        read=vehicles.read,
    )


def _endless(road: Road) -> Iterator[tuple[Frame, int, bool]]:
    """Frames, the number of the round each is of, and whether it is the last of it; time goes on over all rounds."""
    given = round_number = 0
    while True:
        last: Frame | None = None
        for frame in open_source(road.name, str(road.video), clock=SystemClock()).frames():
            if last is not None:
                yield replace(last, monotonic_ns=round(given * 1e9 / FPS)), round_number, False
                given += 1
            last = frame
        if last is None:
            raise SourceError(f"{road.video}: holds no frame; give a video of 1080p")
        yield replace(last, monotonic_ns=round(given * 1e9 / FPS)), round_number, True
        given, round_number = given + 1, round_number + 1

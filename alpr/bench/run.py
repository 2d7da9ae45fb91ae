"""A workload through the real pipeline, each stage's time told as a ratio.

Milliseconds differ from machine to machine and from minute to minute; so before and after every frame a small fixed
net, the yardstick, is timed, and a stage's ratio is the median over frames of its processor time by the yardstick's
at that moment. Processor time, not time by the clock: on a busy machine a long stage is interrupted and a short one
is not.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr.bench.reading import reading_stages
from alpr.bench.verdict import BenchReport, StageReport, Taken, stage_report
from alpr.capture.opening import open_source
from alpr.clock import SystemClock
from alpr.detect.detector import PlateDetector
from alpr.errors import SourceError
from alpr.hotlist.files.importer import import_csv
from alpr.hotlist.match.hits import HotlistMatcher
from alpr.hotlist.match.index import HotlistIndex
from alpr.journal.journal import Journal
from alpr.models.provider import open_model
from alpr.ocr.recogniser import PlateRecogniser
from alpr.pipeline import Pipeline
from alpr.reading.camera_reader import CameraReader
from alpr.reading.plate_reader import PlateReader
from alpr.system.machine import peak_rss_mb, this_machine
from alpr.system.shipped import shipped
from alpr.track.settings import TrackSettings
from alpr.track.tracker import Tracker
from alpr.types import ALPHABET, Detection, ExpectedPlate, Frame, Image, Observation

HOTLIST_ENTRIES = 10_000
_LOOKED_FOR = "KX74NEB"  # one of the two plates of bench/workload.mp4, so that hits are made and kept too


class Yardstick:
    """The fixed net by whose time all others are told: 99 million multiply-adds in dense 3×3 convolutions.

    Raises:
        ModelError: its file is missing or altered.
    """

    def __init__(self) -> None:
        self.model = open_model(shipped("bench") / "yardstick.onnx", "yardstick")
        shape = self.model.card.fields["input"]["shape"]
        self._x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def cpu_ns(self) -> int:
        """The processor time of one pass now."""
        start_ns = time.thread_time_ns()
        self.model.run(self._x)
        return time.thread_time_ns() - start_ns


def _now() -> Taken:
    return Taken(time.perf_counter_ns(), time.thread_time_ns())


class FrameTimes:
    """The time of each stage of one frame; a stage that runs twice counts with the sum."""

    def __init__(self) -> None:
        self._taken: dict[str, Taken] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Measure the time of the block.

        Args:
            stage: its name.
        """
        start = _now()
        yield
        self._taken[stage] = self._taken.get(stage, Taken(0, 0)) + (_now() - start)

    def take(self) -> dict[str, Taken]:
        """Per stage, since the last call."""
        taken, self._taken = self._taken, {}
        return taken


class CountingReader:
    """The real reader, counting what passes through it."""

    def __init__(self, reader: PlateReader) -> None:
        self._reader = CameraReader(reader)
        self.detected: int | None = None
        """Plates of the last frame; None where it was not worth a look."""
        self.recognised = 0
        self._whole_looks = 0

    def look(self, frame: Frame, expected: Sequence[ExpectedPlate]) -> list[Detection]:
        """Detect plates as the wrapped reader does, and count them.

        Args:
            frame: the next one.
            expected: plates that are being followed.
        """
        detections = self._reader.look(frame, expected)
        looks = self._reader.looks["whole"] + self._reader.looks["nearer"]
        self.detected, self._whole_looks = (len(detections) if looks > self._whole_looks else None), looks
        return detections

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        """Recognise plates as the wrapped reader does, and count them.

        Args:
            image: (H, W, 3) uint8 BGR.
            detections: in that image.
        """
        self.recognised += len(detections)
        return self._reader.recognise(image, detections)


@dataclass(frozen=True, slots=True)
class _Lap:
    """One frame's way through the pipeline."""

    stages: Mapping[str, Taken]
    yardstick_ns: float
    """Processor time, mean of the passes before and after the frame."""
    detected: int | None
    recognised: int
    reads: int
    hits: int


def run_bench(
    workload: Path,
    *,
    frames: int,
    warm_up: int,
    reader: PlateReader,
    variants: Mapping[str, PlateReader] | None = None,
) -> BenchReport:
    """Replay a video through the real pipeline, again from its beginning where it is too short.

    Args:
        workload: a video of vehicles.
        frames: how many to time.
        warm_up: how many to take before that.
        reader: the one to time.
        variants: readers whose cost for two plates is told besides, by name.

    Raises:
        SourceError: the workload cannot be played.
        AlprError: a part cannot be opened.
    """
    yardstick = Yardstick()
    with tempfile.TemporaryDirectory(prefix="alpr-bench-") as folder, one_thread():
        all_laps = list(_laps(workload, warm_up + frames, yardstick, reader, Path(folder)))
        laps = all_laps[warm_up:]
        read_ones = (frame for frame, _ in _endless(workload, warm_up + frames))
        reading = reading_stages(read_ones, yardstick, variants, warm_up) if variants else ()
    return BenchReport(
        workload=workload.name,
        frames=len(laps),
        warm_up=warm_up,
        plates_in_view=statistics.fmean([lap.detected for lap in laps if lap.detected is not None] or [0]),
        reads=sum(lap.reads for lap in all_laps),
        hits=sum(lap.hits for lap in all_laps),
        models=reader.model_ids,
        providers=_providers(reader),
        threads=1,
        machine=this_machine(),
        peak_rss_mb=peak_rss_mb(),
        yardstick_ms=tuple(lap.yardstick_ns / 1e6 for lap in laps),
        stages=(*_stages(laps), *reading),
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV, like ONNX Runtime, on the caller's thread alone: what is told is the work of one core."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _providers(reader: PlateReader) -> tuple[str, ...]:
    """What the reader's models were given first; those of other makes do not say."""
    own = [part for part in (reader.detector, reader.recogniser) if isinstance(part, PlateDetector | PlateRecogniser)]
    return tuple(dict.fromkeys(part.model.providers[0] for part in own))


def _laps(workload: Path, count: int, yardstick: Yardstick, reader: PlateReader, folder: Path) -> Iterator[_Lap]:
    counting, times = CountingReader(reader), FrameTimes()
    with ExitStack() as stack:
        pipeline = _pipeline(stack, counting, times, reader.model_ids, folder)
        before_ns = yardstick.cpu_ns()
        for frame, decode in _endless(workload, count):
            counting.recognised = 0
            outcome = pipeline.process(frame)
            stages = {"decode": decode, **times.take()}
            after_ns = yardstick.cpu_ns()
            yield _Lap(
                stages,
                (before_ns + after_ns) / 2,
                counting.detected,
                counting.recognised,
                len(outcome.reads),
                len(outcome.hits),
            )
            before_ns = after_ns


def _pipeline(
    stack: ExitStack, reader: CountingReader, times: FrameTimes, model_ids: tuple[str, ...], folder: Path
) -> Pipeline:
    clock = SystemClock()
    index = stack.enter_context(HotlistIndex.open(_hotlist(folder)))
    journal = Journal(folder / "journal.sqlite")
    stack.callback(journal.close)
    return Pipeline(
        reader_for=lambda _camera_id: reader,
        tracker_for=lambda camera_id: Tracker(
            camera_id, TrackSettings(), model_ids=model_ids, new_id=lambda: uuid.uuid4().hex
        ),
        matcher=HotlistMatcher(index, clock),
        journal=journal,
        times=times,
        clock=clock,
    )


def _hotlist(folder: Path) -> Path:
    """A list of a usual size, always the same: made-up plates and one of the workload's."""
    rng = random.Random(0)  # noqa: S311 - no secret
    plates = {"".join(rng.choices(ALPHABET, k=7)) for _ in range(HOTLIST_ENTRIES)} | {_LOOKED_FOR}
    source, database = folder / "hotlist.csv", folder / "hotlist.sqlite"
    source.write_text("plate,reason\n" + "".join(f"{plate},bench\n" for plate in sorted(plates)), encoding="utf-8")
    import_csv(database, source, "bench", SystemClock().now())
    return database


def _endless(workload: Path, count: int) -> Iterator[tuple[Frame, Taken]]:
    """Frames and how long each took to decode; every round is a camera of its own, so that no pass spans two."""
    given = 0
    for round_number in range(count):
        frames = open_source(f"round-{round_number}", str(workload), clock=SystemClock()).frames()
        start = _now()
        for frame in frames:
            yield frame, _now() - start
            given += 1
            if given == count:
                return
            start = _now()
        if not given:
            raise SourceError(f"{workload}: holds no frame; give a video of vehicles")


def _stages(laps: Sequence[_Lap]) -> tuple[StageReport, ...]:
    """In the order of the flow; a stage that did not occur is left out."""
    within: dict[str, list[tuple[Taken, float]]] = {
        "decode": _of(laps, "decode"),
        "detect": _of(laps, "detect"),
        "recognise": _of(laps, "recognise"),
        "recognise, per plate": [
            (lap.stages["recognise"] / lap.recognised, lap.yardstick_ns) for lap in laps if lap.recognised
        ],
        # The tracker asks for the readings: their time is not its own.
        "track": [
            (lap.stages["track"] - lap.stages.get("recognise", Taken(0, 0)), lap.yardstick_ns)
            for lap in laps
            if "track" in lap.stages
        ],
        "match": _of(laps, "match"),
        "keep": _of(laps, "keep"),
        "frame": _of(laps, "frame"),
        "frame, two plates read": _of([lap for lap in laps if lap.recognised >= 2], "frame"),
    }
    return tuple(stage_report(stage, pairs) for stage, pairs in within.items() if pairs)


def _of(laps: Sequence[_Lap], stage: str) -> list[tuple[Taken, float]]:
    return [(lap.stages[stage], lap.yardstick_ns) for lap in laps if stage in lap.stages]

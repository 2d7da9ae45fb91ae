"""The flow of one device: a frame in, reads and hits out. On protocols; owns no thread, file or socket.

Frame ─► detect ─► track (recognise what is worth it) ─► match ─► store ─► result
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from alpr.clock import Clock
from alpr.errors import StoreUnavailable
from alpr.geometry import Polygon, is_inside
from alpr.system.timers import Every
from alpr.types import Detection, ExpectedPlate, Frame, Hit, Image, MatchKind, Observation, Read, Recognise

_log = logging.getLogger(__name__)

_MOST_UNMATCHED = 1000
_MATCH_AGAIN_S = 5.0


class FrameReader(Protocol):
    """Finds and reads the plates of one camera's frames."""

    def look(self, frame: Frame, expected: Sequence[ExpectedPlate]) -> list[Detection]:
        """Return the plates of the camera's next frame, as far as it is worth a look.

        Args:
            frame: the frame.
            expected: the plates that are being followed, where they are expected in it.
        """

    def recognise(self, image: Image, detections: Sequence[Detection]) -> list[Observation]:
        """Return the text of each detected plate, in the same order.

        Args:
            image: the frame in which they were detected.
            detections: the plates to read.
        """


class PassTracker(Protocol):
    """Turns one camera's observations into one read for each vehicle pass."""

    def update(self, frame: Frame, detections: Sequence[Detection], recognise: Recognise) -> list[Read]:
        """Take in one frame and return the reads that are due now.

        Args:
            frame: the camera's next frame.
            detections: all plates found in it.
            recognise: reads the detections that are worth it; called at most once.
        """

    def expected(self, frame: Frame) -> Sequence[ExpectedPlate]:
        """Return the plates that are being followed, where they are expected in a frame.

        Args:
            frame: the camera's next one, which has not been looked at yet.
        """

    def finish(self) -> list[Read]:
        """Return the reads of all passes that are still open: no more frames will come."""


class ReadMatcher(Protocol):
    """Finds the hotlist entries that a read agrees with."""

    def hits(self, read: Read) -> list[Hit]:
        """Return one hit for each entry met, highest priority first.

        Args:
            read: any revision of it.

        Raises:
            StoreUnavailable: the hotlist cannot be read now.
        """


class ReadJournal(Protocol):
    """Stores reads and hits on the device and queues them for the collector."""

    def append(self, reads: Sequence[Read], hits: Sequence[Hit]) -> bool:
        """Store reads and hits, all or none; False where they are held in memory until they can be stored.

        Args:
            reads: the reads, also those without a hit.
            hits: the hits of these reads.

        Raises:
            StoreUnavailable: there is no room; the loss is counted there.
        """


class Permission(Protocol):
    """The part of a frame's reads and hits that may be stored and told."""

    @property
    def reads(self) -> Sequence[Read]:
        """Reads that may be."""

    @property
    def hits(self) -> Sequence[Hit]:
        """Hits that may be."""

    @property
    def unkept_passes(self) -> int:
        """Number of passes of which nothing else is told."""


class ReadPermission(Protocol):
    """Decides by the privacy policy what of a read may be stored and told."""

    def permit(self, reads: Sequence[Read], hits: Sequence[Hit]) -> Permission:
        """Return what may be stored, printed and delivered.

        Args:
            reads: of one frame, matched.
            hits: that changed with them.
        """


class StageTimer(Protocol):
    """Measures the duration of each stage."""

    def measure(self, stage: str) -> AbstractContextManager[None]:
        """Measure the duration of the `with` block.

        Args:
            stage: "frame", "detect", "recognise", "track", "match" or "keep".
        """


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The reads and hits that one frame led to."""

    reads: tuple[Read, ...] = ()
    hits: tuple[Hit, ...] = ()
    is_kept: bool = True
    """False where the journal could not store them: they are reported locally, and held until it can, or lost for the
    collector."""
    unkept_passes: int = 0
    """Passes without a hit, of which the privacy policy lets only the number be told."""


class Pipeline:
    """Runs every stage on each frame, in order, on the caller's thread; or `see` and `report` on a thread each.

    Args:
        reader_for: gives the reader of a camera when its first frame comes.
        tracker_for: makes its tracker, likewise.
        matcher: matches reads against the hotlists.
        journal: stores reads and hits.
        times: measures the stages.
        clock: dates withdrawals and spaces further attempts at an unreadable hotlist.
        masked: by camera, polygons in which plates are ignored, as shares of the frame's width and height.
        privacy: decides what may be stored and told; None permits all.
    """

    def __init__(
        self,
        *,
        reader_for: Callable[[str], FrameReader],
        tracker_for: Callable[[str], PassTracker],
        matcher: ReadMatcher,
        journal: ReadJournal,
        times: StageTimer,
        clock: Clock,
        masked: Mapping[str, Sequence[Polygon]] | None = None,
        privacy: ReadPermission | None = None,
    ) -> None:
        self._reader_for = reader_for
        self._tracker_for = tracker_for
        self._matcher = matcher
        self._journal = journal
        self._times = times
        self._clock = clock
        self._masked = masked or {}
        self._privacy = privacy
        self._cameras: dict[str, tuple[FrameReader, PassTracker]] = {}
        self._unmatched: deque[Read] = deque()
        self._match_again = Every(_MATCH_AGAIN_S, clock)
        self._given_up = 0
        self._raised_hits: dict[str, dict[str, Hit]] = {}  # of each open pass its hits by hit_id, by read_id

    def process(self, frame: Frame) -> FrameResult:
        """Take one frame through all stages.

        Args:
            frame: of any camera; each camera's frames in order of time.
        """
        with self._times.measure("frame"):
            return self.report(self.see(frame))

    def see(self, frame: Frame) -> list[Read]:
        """Take one frame through the first stages, up to the reads; another thread may `report` them meanwhile.

        Args:
            frame: of any camera; each camera's frames in order of time.
        """
        reader, tracker = self._camera(frame.camera_id)
        with self._times.measure("detect"):
            detections = self._unmasked(frame, reader.look(frame, tracker.expected(frame)))
        with self._times.measure("track"):
            return tracker.update(frame, detections, self._recognise)

    @property
    def unmatched(self) -> int:
        """Number of reads that wait in memory for a hotlist that cannot be read now."""
        return len(self._unmatched)

    def finish(self) -> FrameResult:
        """Close all passes, since the sources have ended, and return their reads and hits."""
        self._match_again.make_due()
        reads = [read for _, tracker in self._cameras.values() for read in tracker.finish()]
        return self.report(reads, most_unmatched=0)

    def add_past_hits(self, hits: Iterable[Hit]) -> None:
        """Take over past hits that a hotlist update raised.

        Those of a pass that is still open are corrected or withdrawn with it, and raised anew as of now.

        Args:
            hits: of reads already stored.
        """
        for hit in hits:
            if hit.read_id in self._raised_hits:
                self._raised_hits[hit.read_id][hit.hit_id] = hit

    def _camera(self, camera_id: str) -> tuple[FrameReader, PassTracker]:
        if camera_id not in self._cameras:
            self._cameras[camera_id] = self._reader_for(camera_id), self._tracker_for(camera_id)
        return self._cameras[camera_id]

    def _unmasked(self, frame: Frame, detections: list[Detection]) -> list[Detection]:
        polygons = self._masked.get(frame.camera_id)
        if not polygons or not detections:
            return detections
        size = np.array([frame.image.shape[1], frame.image.shape[0]], np.float32)
        return [found for found in detections if not is_inside(found.corners.mean(axis=0) / size, polygons)]

    def _recognise(self, frame: Frame, detections: Sequence[Detection]) -> list[Observation]:
        with self._times.measure("recognise"):
            return self._cameras[frame.camera_id][0].recognise(frame.image, detections)

    def report(self, reads: Sequence[Read], most_unmatched: int = _MOST_UNMATCHED) -> FrameResult:
        """Match reads and store them with their hits, behind those that wait for a hotlist.

        Args:
            reads: from `see`, in its order; none tries again those that wait.
            most_unmatched: reads that may wait for a hotlist that cannot be read now.
        """
        if not reads and not (self._unmatched and not self._match_again.wait_s):
            return FrameResult()
        with self._times.measure("match"):
            reads, hits = self._match_waiting(reads, most_unmatched)
        if self._privacy is None:
            return self._keep(reads, hits)
        permitted = self._privacy.permit(reads, hits)
        return self._keep(permitted.reads, permitted.hits, permitted.unkept_passes)

    def _keep(self, reads: Sequence[Read], hits: Sequence[Hit], unkept_passes: int = 0) -> FrameResult:
        is_kept = True
        if reads or hits:
            try:
                with self._times.measure("keep"):
                    is_kept = self._journal.append(reads, hits)
            except StoreUnavailable as error:
                _log.error("%d reads and %d hits were not stored: %s", len(reads), len(hits), error)
                is_kept = False
        return FrameResult(tuple(reads), tuple(hits), is_kept=is_kept, unkept_passes=unkept_passes)

    def _match_waiting(self, new: Sequence[Read], most_unmatched: int) -> tuple[list[Read], list[Hit]]:
        """Return the reads that were matched, and their hits, in order.

        Where the hotlist cannot be read now they wait: a read that is stored without its hits would never be checked
        again.
        """
        self._unmatched.extend(new)
        if self._match_again.wait_s:
            return self._give_up_oldest(most_unmatched), []
        reads: list[Read] = []
        hits: list[Hit] = []
        try:
            while self._unmatched:
                hits += self._changed_hits(self._unmatched[0])
                reads.append(self._unmatched.popleft())
        except StoreUnavailable as error:
            self._match_again.start_over()
            reads += self._give_up_oldest(most_unmatched)
            waiting, given_up = len(self._unmatched), self._given_up
            _log.error(
                "%d reads wait for the hotlist, %d were never matched against it: %s", waiting, given_up, error
            )
        return reads, hits

    def _give_up_oldest(self, most_unmatched: int) -> list[Read]:
        """Return the oldest reads beyond the bound, which go on unmatched."""
        excess = max(0, len(self._unmatched) - most_unmatched)
        self._given_up += excess
        return [self._unmatched.popleft() for _ in range(excess)]

    def _changed_hits(self, read: Read) -> list[Hit]:
        """Return the hits of this revision that differ from those already raised: new, changed or withdrawn."""
        now = {hit.hit_id: hit for hit in self._matcher.hits(read)}
        before = self._raised_hits.pop(read.read_id, {})
        if not read.is_final:
            self._raised_hits[read.read_id] = now
        changed = [hit for hit in now.values() if not _is_unchanged(hit, before.get(hit.hit_id))]
        for hit_id, hit in before.items():
            if hit_id not in now:
                withdrawn_at = self._clock.now()
                changed.append(
                    replace(
                        hit,
                        read_revision=read.revision,
                        plate_text=read.plate.text,
                        raised_at=withdrawn_at,
                        is_withdrawn=True,
                    )
                )
        return changed


def _is_unchanged(hit: Hit, before: Hit | None) -> bool:
    return before is not None and _content(hit) == _content(before)


def _content(hit: Hit) -> tuple[str, MatchKind, bool]:
    return hit.plate_text, hit.match.kind, hit.is_past

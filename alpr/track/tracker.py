"""One read per vehicle pass: follows plates through the frames of one camera.

Per frame: pair detections with open tracks where position alone leaves no doubt; read what is new, unsure or in
doubt, in one call of the recogniser; pair the rest by position, size and text; then report what has become sure, and
what is over. Time is the frames' own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from alpr.track.association import TrackPrediction, certain_pairs, cheapest_pairs, disagrees
from alpr.track.motion import PlateBox, plate_box
from alpr.track.own_motion import OwnMotion
from alpr.track.quality import is_whole
from alpr.track.read_builder import build_read, ended_pass, rejection
from alpr.track.recent_passes import RecentPasses, is_cut_short, is_near, is_same_text, stays_at
from alpr.track.settings import TrackSettings
from alpr.track.track import Track
from alpr.types import Detection, EndedPass, ExpectedPlate, Frame, Observation, PlateText, Read, Recognise

_SAME_PLATE_IOU = 0.15  # plates do not overlap: two detections that do are one found twice, or one hides the other


class Tracker:
    """Follows the plates of one camera. Not for use by several threads.

    Args:
        camera_id: the only camera whose frames are taken.
        settings: when detections are one vehicle, when they are read and reported.
        model_ids: the models that take part, as in `Read`.
        new_id: gives a new read id: 32 hexadecimal digits, unique over all devices and time.
        joined: given each read that is reported; returns it with the earlier read of its vehicle, see `ReadJoiner`.
        saves_readings: asked at each frame; True where time is short and only the best few patches are to be read.
        on_end: called with each pass that is over, whether or not it gave a read; None for nobody.
    """

    def __init__(
        self,
        camera_id: str,
        settings: TrackSettings,
        *,
        model_ids: tuple[str, ...],
        new_id: Callable[[], str],
        saves_readings: Callable[[], bool] = lambda: False,
        on_end: Callable[[EndedPass], None] | None = None,
        joined: Callable[[Read], Read] = lambda read: read,
    ) -> None:
        self.camera_id = camera_id
        self.rejected: Counter[str] = Counter()
        """Number of passes that ended without a read, by reason; see `read_builder.rejection`."""
        self.repeated = 0
        """Number of tracks that went on with a pass already reported: a hidden vehicle, a parked one."""
        self._settings = settings
        self._model_ids = tuple(model_ids)
        self._new_id = new_id
        self._saves_readings = saves_readings
        self._on_end = on_end
        self._joined = joined
        self._tracks: list[Track] = []
        self._recent = RecentPasses(settings)
        self._own_motion = OwnMotion() if settings.follows_own_motion else None
        self._moved_ns = -1  # of the frame up to which it is known

    def update(self, frame: Frame, detections: Sequence[Detection], recognise: Recognise) -> list[Read]:
        """Take in one frame; frames come in order of time.

        Args:
            frame: of this camera.
            detections: all plates found in it.
            recognise: reads detections; called at most once, with those that are worth it.

        Returns:
            The reads to report now: early reads, corrections, final reads.

        Raises:
            ValueError: a frame of another camera, or `recognise` gave another number of observations than asked for.
        """
        if frame.camera_id != self.camera_id:
            raise ValueError(f"the tracker of camera {self.camera_id!r} was given a frame of {frame.camera_id!r}")
        self._note_own_motion(frame, is_wanted=bool(detections or self._tracks))
        read_tracks = self._follow(frame, detections, recognise) if detections else []
        reads = self._report_sure(read_tracks, frame.monotonic_ns)
        return reads + self._close_lost(frame.monotonic_ns)

    def expected(self, frame: Frame) -> list[ExpectedPlate]:
        """Return the plates that are being followed, each where it is expected in the next frame.

        Args:
            frame: the next one, which has not been looked at yet.
        """
        self._note_own_motion(frame, is_wanted=bool(self._tracks))
        x, y = self._shift
        awaited = [track.awaited(frame.monotonic_ns) for track in self._tracks]
        return [plate.moved(x, y) for plate in awaited] if x or y else awaited

    def finish(self) -> list[Read]:
        """End every pass, since no more frames will come, and return the final reads."""
        ended, self._tracks = self._tracks, []
        return [read for track in ended for read in self._close(track)]

    @property
    def _shift(self) -> tuple[float, float]:
        return self._own_motion.shift if self._own_motion is not None else (0.0, 0.0)

    def _note_own_motion(self, frame: Frame, *, is_wanted: bool) -> None:
        """Measure the camera's own motion up to a frame, once, where there is something to follow in it."""
        if self._own_motion is None or frame.monotonic_ns == self._moved_ns:
            return
        if is_wanted:
            self._moved_ns = frame.monotonic_ns
            self._own_motion.see(frame.luma)
        else:
            self._own_motion.pause()

    def _follow(self, frame: Frame, detections: Sequence[Detection], recognise: Recognise) -> list[Track]:
        """Pair, read, pair again; return the tracks that were read."""
        detections, boxes = _distinct(detections)
        x, y = self._shift
        boxes = [box.moved(-x, -y) for box in boxes]  # as they would be if the camera had stood still
        expected = [track.expect(frame.monotonic_ns) for track in self._tracks]
        owners = {number: self._tracks[index] for index, number in certain_pairs(expected, boxes)}
        observed = self._read(frame, detections, boxes, owners, recognise)
        for number, observation in observed.items():
            if number in owners and disagrees(owners[number].consensus, observation.plate):
                del owners[number]
        self._pair_rest(expected, boxes, owners, {n: seen.plate for n, seen in observed.items()})
        read_tracks = []
        for number, box in enumerate(boxes):
            track = owners.get(number)
            if track is None:
                track = Track(frame, box, self._settings)
                self._tracks.append(track)
            else:
                track.see(frame, box)
            if number in observed:
                track.add(observed[number], frame, self._others(detections, number))
                read_tracks.append(track)
        return read_tracks

    def _others(self, detections: Sequence[Detection], number: int) -> list[PlateBox]:
        """The plates that are not to be seen in the picture of one vehicle."""
        if self._settings.surroundings != "blurred":
            return []
        return [plate_box(each.corners) for at, each in enumerate(detections) if at != number]

    def _read(
        self,
        frame: Frame,
        detections: Sequence[Detection],
        boxes: Sequence[PlateBox],
        owners: dict[int, Track],
        recognise: Recognise,
    ) -> dict[int, Observation]:
        """Recognise what is worth it; return the observations by index of their detection."""
        saves = self._saves_readings()
        wanted = [
            number
            for number, box in enumerate(boxes)
            if number not in owners
            or owners[number].wants_reading(
                box,
                frame.monotonic_ns,
                saves=saves,
                is_whole=is_whole(plate_box(detections[number].corners), frame.size_wh),
            )
        ]
        if not wanted:
            return {}
        if len(wanted) > self._settings.max_reads_per_frame:
            # New ones and strays first, then the unsure, then the large.
            wanted.sort(key=lambda number: (number in owners and 1 + owners[number].is_sure, -boxes[number].width))
            del wanted[self._settings.max_reads_per_frame :]
        observations = recognise(frame, [detections[number] for number in wanted])
        if len(observations) != len(wanted):
            raise ValueError(f"recognise must give one observation per detection: {len(wanted)}, {len(observations)}")
        return dict(zip(wanted, observations, strict=True))

    def _pair_rest(
        self,
        expected: Sequence[TrackPrediction],
        boxes: Sequence[PlateBox],
        owners: dict[int, Track],
        plates: dict[int, PlateText],
    ) -> None:
        """Add to `owners` the pairs that position, size and text make together."""
        rest = [number for number in range(len(boxes)) if number not in owners]
        taken = {id(track) for track in owners.values()}
        free = [index for index, track in enumerate(self._tracks) if id(track) not in taken]
        pairs = cheapest_pairs(
            [expected[index] for index in free],
            [boxes[number] for number in rest],
            [plates.get(number) for number in rest],
        )
        owners.update((rest[column], self._tracks[free[row]]) for row, column in pairs)

    def _report_sure(self, read_tracks: Sequence[Track], now_ns: int) -> list[Read]:
        """Return early reads and corrections of the tracks that were read now."""
        reads = []
        for track in read_tracks:
            plate = track.consensus
            if plate is None or (track.reported is not None and track.reported.text == plate.text):
                reads += self._report_parking(track)
                continue
            if track.is_sure or (track.reported is None and self._is_overdue(track, now_ns)):
                reads += self._report(track, plate, is_final=False)
        return reads

    def _report_parking(self, track: Track) -> list[Read]:
        """Return a correction where a vehicle has come to be parked: its pass may go on for hours."""
        if track.reported is None or track.reported_facts is None or track.reported_facts.is_parked:
            return []
        return self._report(track, track.reported, is_final=False) if track.facts.is_parked else []

    def _is_overdue(self, track: Track, now_ns: int) -> bool:
        in_view_s = (now_ns - track.first_ns) / 1e9
        return in_view_s >= self._settings.report_after_s and rejection(track, self._settings) is None

    def _report(self, track: Track, plate: PlateText, *, is_final: bool) -> list[Read]:
        """Return the track's next revision; nothing where it goes on with a pass already reported."""
        if track.read_id is None:
            if self._joins_open(track):
                return []
            track.repeats = self._recent.find(track)
            if track.repeats is not None:
                return []
        read_id = track.read_id or self._new_id()
        read = build_read(
            track, plate, read_id, self.camera_id, self._model_ids, is_final=is_final, settings=self._settings
        )
        return [self._joined(read)]

    def _joins_open(self, track: Track) -> bool:
        """Tell whether an open, reported track is the same vehicle: one that lost it, or its plate detected twice."""
        other = self._same_open(track)
        if other is None:
            return False
        if other.last_ns < track.first_ns and track in self._tracks:
            other.absorb(track)
            self._tracks.remove(track)
            self.repeated += 1
        else:
            track.repeats = other.read_id
        return True

    def _same_open(self, track: Track) -> Track | None:
        plate = track.consensus
        for other in self._tracks:
            if other is track or other.reported is None or plate is None:
                continue
            gap_s = (track.first_ns - other.last_ns) / 1e9
            if is_same_text(other.reported, plate, self._settings) and is_near(
                other.box, other.velocity, track.first_box, gap_s, self._settings.rejoin_widths
            ):
                return other
            if is_cut_short(other.reported, plate) and stays_at(other.box, track):
                return other
        return None

    def _close_lost(self, now_ns: int) -> list[Read]:
        limit = now_ns - self._settings.lost_after_s * 1e9
        lost = [track for track in self._tracks if track.last_ns <= limit]
        if not lost:
            return []
        self._tracks = [track for track in self._tracks if track.last_ns > limit]
        self._recent.forget(now_ns)
        return [read for track in lost for read in self._close(track)]

    def _close(self, track: Track) -> list[Read]:
        """End a pass: return its final read, or count the reason why there is none."""
        plate = track.consensus
        cause = None if track.reported is not None else rejection(track, self._settings)
        if cause is not None or plate is None:
            self.rejected[cause or "no_text"] += 1
            self._tell_end(track, cause or "no_text")
            return []
        if track.reported is not None and not track.is_sure and plate.confidence < track.reported.confidence:
            plate = track.reported  # a sure report is not taken back by worse readings at the end
        reads = self._report(track, plate, is_final=True)
        if reads:
            self._recent.remember(reads[0].read_id, track)
        else:
            self.repeated += 1
            if track.repeats is not None:
                self._recent.touch(track.repeats, track)
        self._tell_end(track, None, is_repeat=not reads)
        return reads

    def _tell_end(self, track: Track, cause: str | None, *, is_repeat: bool = False) -> None:
        if self._on_end is not None:
            self._on_end(ended_pass(track, self.camera_id, cause, is_repeat=is_repeat))


def _distinct(detections: Sequence[Detection]) -> tuple[list[Detection], list[PlateBox]]:
    """Return the detections without those that overlap a more confident one, and their boxes."""
    kept: list[tuple[Detection, PlateBox]] = []
    for detection in sorted(detections, key=lambda detection: -detection.confidence):
        box = plate_box(detection.corners)
        if not any(box.iou(other) > _SAME_PLATE_IOU for _, other in kept):
            kept.append((detection, box))
    return [detection for detection, _ in kept], [box for _, box in kept]

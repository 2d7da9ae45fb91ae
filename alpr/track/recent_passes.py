"""Recently reported passes of one camera, so that a vehicle that was hidden or parked is not reported again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alpr.track.motion import PlateBox, predict
from alpr.track.reading_alignment import is_compatible
from alpr.track.settings import TrackSettings
from alpr.track.track import Track
from alpr.types import PlateText

_MOST = 512  # remembered passes; the oldest go first
_SAME_PLACE_WIDTHS = 1.0
_MOST_HIDDEN = 3  # characters; what is left of a plate of which more is hidden may be anybody's


@dataclass(frozen=True, slots=True, eq=False)
class RecentPass:
    """The last state of one pass that was reported."""

    plate: PlateText
    box: PlateBox
    velocity: tuple[float, float]
    """(x, y) in pixels per second."""
    seen_ns: int
    """Steady clock, when it was last seen."""


class RecentPasses:
    """The passes of one camera that are over but not forgotten.

    Args:
        settings: the tracker's.
    """

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings
        self._reported: dict[str, RecentPass] = {}

    def __len__(self) -> int:
        return len(self._reported)

    def remember(self, read_id: str, track: Track) -> None:
        """Add a reported pass that is over.

        Args:
            read_id: of its read.
            track: its last state.
        """
        assert track.reported is not None  # noqa: S101 - only reported passes have a read id
        self._reported.pop(read_id, None)
        self._reported[read_id] = RecentPass(track.reported, track.box, track.velocity, track.last_ns)
        if len(self._reported) > _MOST:
            del self._reported[next(iter(self._reported))]

    def touch(self, read_id: str, track: Track) -> None:
        """Update a pass by a track that went on with it and is over too.

        Args:
            read_id: of the pass.
            track: the track that went on with it.
        """
        known = self._reported.pop(read_id, None)
        if known is not None:  # else it was pushed out by newer ones
            self._reported[read_id] = replace(
                known, box=track.box, velocity=track.velocity, seen_ns=max(known.seen_ns, track.last_ns)
            )

    def forget(self, now_ns: int) -> None:
        """Drop the passes older than the longest memory.

        Args:
            now_ns: on the steady clock of the frames.
        """
        limit = now_ns - max(self._settings.parked_memory_s, self._settings.rejoin_s) * 1e9
        while self._reported:
            oldest = next(iter(self._reported))
            if self._reported[oldest].seen_ns >= limit:
                return
            del self._reported[oldest]

    def find(self, track: Track) -> str | None:
        """Return the read id of the reported pass that a track goes on with, or None.

        Args:
            track: a track that was not reported yet.
        """
        plate = track.consensus
        if plate is None:
            return None
        for read_id in reversed(self._reported):
            known = self._reported[read_id]
            if is_same_text(known.plate, plate, self._settings) and self._is_same_pass(known, track):
                return read_id
            if is_cut_short(known.plate, plate) and self._has_stayed(known, track):
                return read_id
        return None

    def _is_same_pass(self, known: RecentPass, track: Track) -> bool:
        gap_s = (track.first_ns - known.seen_ns) / 1e9
        if gap_s <= self._settings.rejoin_s and is_near(
            known.box, known.velocity, track.first_box, gap_s, self._settings.rejoin_widths
        ):
            return True
        return self._has_stayed(known, track)

    def _has_stayed(self, known: RecentPass, track: Track) -> bool:
        # A car that comes back to the same barrier has driven there: its track began elsewhere.
        return (track.first_ns - known.seen_ns) / 1e9 <= self._settings.parked_memory_s and stays_at(known.box, track)


def is_same_text(known: PlateText, plate: PlateText, settings: TrackSettings) -> bool:
    """Tell whether a text was reported before: the same, or a doubtful misreading of a surer one.

    Args:
        known: the text that was reported.
        plate: the text to report.
        settings: the tracker's.
    """
    if known.text == plate.text:
        return True
    return plate.confidence < min(settings.sure_confidence, known.confidence) and is_compatible(known, plate)


def is_cut_short(known: PlateText, plate: PlateText) -> bool:
    """Tell whether a text is what is left of a known one where something hides one end of the plate.

    Args:
        known: the whole text.
        plate: the shorter one.
    """
    hidden = len(known.text) - len(plate.text)
    return 0 < hidden <= _MOST_HIDDEN and (known.text.startswith(plate.text) or known.text.endswith(plate.text))


def stays_at(box: PlateBox, track: Track) -> bool:
    """Tell whether a track has been at one position from its beginning.

    Args:
        box: the plate at that position.
        track: the track.
    """
    return all(seen.widths_to(box) <= _SAME_PLACE_WIDTHS for seen in (track.first_box, track.box))


def is_near(box: PlateBox, velocity: tuple[float, float], later: PlateBox, gap_s: float, widths: float) -> bool:
    """Tell whether a vehicle may have moved from one position to another.

    Args:
        box: where it was last seen.
        velocity: (x, y) there, in pixels per second.
        later: where it is supposed to be now.
        gap_s: seconds in between.
        widths: tolerance in plate widths, around where it was or where it was heading.
    """
    heading = predict(box, velocity, max(gap_s, 0.0))
    return min(box.widths_to(later), heading.widths_to(later)) <= widths

"""ViewWatch: the samples of one camera in, its view alarms out. Pure; time is the frames' own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alpr.view.alarms import SHOWS_NOTHING, ViewAlarm
from alpr.view.conditions import is_black, is_blinded, is_blurred, is_unchanged
from alpr.view.persistence import Persistence
from alpr.view.sample import ViewSample
from alpr.view.usual_view import UsualView

_RAISE_S = {
    ViewAlarm.BLACK: 5.0,
    ViewAlarm.FROZEN: 30.0,
    ViewAlarm.BLINDED: 30.0,
    ViewAlarm.BLURRED: 60.0,
    ViewAlarm.MOVED: 60.0,
    ViewAlarm.OBSCURED: 600.0,
}
_CLEAR_S = {
    ViewAlarm.BLACK: 20.0,
    ViewAlarm.FROZEN: 0.0,
    ViewAlarm.BLINDED: 30.0,
    ViewAlarm.BLURRED: 60.0,
    ViewAlarm.MOVED: 60.0,
    ViewAlarm.OBSCURED: 120.0,
}
_NIGHTFALL_S = 600.0
"""Seconds of black before it is an alarm where it came slowly: by night the next headlamps are waited for."""
_LIT_FROM = 60.0  # luma of the brightest hundredth: well over black
_SIGHT_S = 300.0  # over which it is known whether the camera showed something lately
_SHOWS_PLATES_S = 12 * 3600.0  # a camera that has read a plate in the dark is made for it


@dataclass(frozen=True, slots=True)
class ViewChange:
    """A view alarm that has begun or ended."""

    alarm: ViewAlarm
    is_raised: bool


class ViewWatch:
    """Watches the view of one camera. Not for use by several threads.

    Args:
        scene: what the camera usually shows, as it was known before a restart; None for nothing.
        is_moving: True for a camera in a vehicle, whose view changes: it is neither moved nor obscured.
        reads_in_dark: True where it was known before a restart that it reads plates in a picture that is else black.
    """

    def __init__(
        self, scene: UsualView | None = None, *, is_moving: bool = False, reads_in_dark: bool = False
    ) -> None:
        self.scene = scene or UsualView()
        """What the camera usually shows."""
        self._is_moving = is_moving
        self._states = {alarm: Persistence(_RAISE_S[alarm], _CLEAR_S[alarm]) for alarm in _RAISE_S}
        self._still: ViewSample | None = None
        self._last: ViewSample | None = None
        self._lit = 0.0
        self._has_shown = reads_in_dark
        self._dark_read_ns: int | None = None
        self._read_in_dark = reads_in_dark
        self._is_dark = False

    @property
    def alarms(self) -> tuple[ViewAlarm, ...]:
        """The alarms that stand."""
        return tuple(alarm for alarm in ViewAlarm if alarm in self._states and self._states[alarm].is_raised)

    @property
    def shows_nothing(self) -> ViewAlarm | None:
        """The alarm by which the camera shows nothing, or None. Before it has shown anything black counts at once."""
        if not self._has_shown and self._is_dark:
            return ViewAlarm.BLACK
        return next((alarm for alarm in SHOWS_NOTHING if self._states[alarm].is_raised), None)

    @property
    def is_judged(self) -> bool:
        """True once a frame was looked at."""
        return self._last is not None

    @property
    def last(self) -> ViewSample | None:
        """The latest sample."""
        return self._last

    def note_read(self) -> list[ViewChange]:
        """Note that a plate was read: whatever the picture looks like, it shows plates. Returns the alarms that end.

        A camera with a short exposure and an infrared lamp shows nothing but plates by night, as it should.
        """
        if not self._is_dark or self._last is None:
            return []
        self._dark_read_ns, self._has_shown = self._last.at_ns, True
        black = self._states[ViewAlarm.BLACK]
        if not black.is_raised:
            return []
        black.end()
        return [ViewChange(ViewAlarm.BLACK, is_raised=False)]

    @property
    def reads_in_dark(self) -> bool:
        """True where it has read plates lately in a picture that was else black."""
        known_ns = self._dark_read_ns
        return (
            known_ns is not None and self._last is not None and (self._last.at_ns - known_ns < _SHOWS_PLATES_S * 1e9)
        )

    def take(self, sample: ViewSample) -> list[ViewChange]:
        """Take in a sample and return the alarms that have begun or ended by it.

        Args:
            sample: of a later frame than the one before.
        """
        if self._read_in_dark and self._last is None:
            self._dark_read_ns = sample.at_ns
        self._is_dark = is_black(sample)
        self._remember(sample)
        self._has_shown |= not self._is_dark
        met = {
            ViewAlarm.BLACK: self._is_dark,
            ViewAlarm.FROZEN: self._stands_still(sample),
            ViewAlarm.BLINDED: is_blinded(sample),
            ViewAlarm.BLURRED: is_blurred(sample, self.scene.usual_sharpness(sample)),
        }
        is_clear = not any(met.values())
        # Of a picture that shows nothing nobody can say whether the camera has moved: that stays as it was.
        met[ViewAlarm.MOVED] = self._states[ViewAlarm.MOVED].is_raised
        met[ViewAlarm.OBSCURED] = self._states[ViewAlarm.OBSCURED].is_raised
        if is_clear and not self._is_moving:
            has_moved, is_dull = self.scene.compare(sample, may_learn=not self.alarms)
            met |= {ViewAlarm.MOVED: has_moved, ViewAlarm.OBSCURED: is_dull}
        changes = []
        for alarm, is_met in met.items():
            raise_s = self._darkness_s() if alarm is ViewAlarm.BLACK else None
            state = self._states[alarm]
            if state.take(is_met, sample.at_ns, raise_s=raise_s):
                changes.append(ViewChange(alarm, state.is_raised))
        return changes

    def accept(self) -> list[ViewChange]:
        """Take the present view for the usual one; return the alarms that end by it."""
        self.scene.forget()
        ended = [alarm for alarm in (ViewAlarm.MOVED, ViewAlarm.OBSCURED) if self._states[alarm].is_raised]
        for alarm in ended:
            self._states[alarm].end()
        return [ViewChange(alarm, is_raised=False) for alarm in ended]

    def _stands_still(self, sample: ViewSample) -> bool:
        """Compare with the first frame that looked like this one, so that slow changes do not add up to stillness."""
        if self._still is None or is_unchanged(sample, self._still) is not True:
            self._still = sample
            return False
        return True

    def _darkness_s(self) -> float:
        """Return the seconds of black that make an alarm: few where it came at a stroke, many where night fell."""
        if self._lit >= 0.5:
            return _RAISE_S[ViewAlarm.BLACK]
        if self.reads_in_dark:
            return math.inf
        return _NIGHTFALL_S if self._has_shown else _RAISE_S[ViewAlarm.BLACK]

    def _remember(self, sample: ViewSample) -> None:
        is_lit = float(sample.brightest >= _LIT_FROM)
        if self._last is None:
            self._lit = is_lit
        else:
            since_s = max(0.0, (sample.at_ns - self._last.at_ns) / 1e9)
            self._lit += min(1.0, since_s / _SIGHT_S) * (is_lit - self._lit)
        self._last = sample

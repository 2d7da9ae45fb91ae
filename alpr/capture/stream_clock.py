"""When the camera took a picture, from the time stamps of its stream and the moments at which its packets came. Pure.

The stamps tell how far apart pictures were taken, but not when. The packet that came soonest after its stamp fixes
that: every other one came as much later as it was held up by the network, by a burst, or by this computer. The least
of the last minute is taken, so that a camera whose clock goes a little faster or slower than ours is followed.
"""

from __future__ import annotations

_BUCKET_NS = 30_000_000_000  # the least of two of these counts
_JUMP_NS = 10_000_000_000  # between two packets: the camera has set its clock or begun anew
_TOO_SLOW_NS, _TOO_SLOW_FOR_NS = 5_000_000_000, 10_000_000_000
_LIKELY_DELAY_S = (-0.05, 1.0)  # from taking a picture to its arrival, where the camera's clock is set
_MOST_SHIFT_S = 0.002  # for each picture, so that instants do not jump


class StreamClock:
    """Tells when pictures of one connection were taken. Packets are noted on one thread, pictures dated on another.

    Args:
        has_stamps: False where the stream states no times of its own: pictures were taken when they arrived.
        step_s: usual time between two pictures, seconds.
    """

    def __init__(self, *, has_stamps: bool, step_s: float) -> None:
        self.has_stamps = has_stamps
        """False where times of arrival count, from the start or because the stamps turned out to be wrong."""
        self.camera_delay_s: float | None = None
        """Least time from the camera's own wall clock (RTCP) to arrival, seconds; None where it sends none. Far
        from a few tenths of a second, the camera's clock is wrong."""
        self._step_ns = round(step_s * 1e9)
        self._first_stamp_ns: int | None = None
        self._last: tuple[int, int] | None = None  # of the last packet: stamp, arrival
        self._least: int | None = None
        self._bucket: tuple[int, int, int | None] = (0, 0, None)  # began, least of this one, least of the last
        self._slow_since_ns: int | None = None
        self._shift_s = 0.0

    def note(self, stamp_s: float | None, arrived_ns: int, camera_delay_s: float | None = None) -> None:
        """Note a packet.

        Args:
            stamp_s: its presentation time, seconds; None where it has none.
            arrived_ns: on the steady clock.
            camera_delay_s: our wall clock at arrival minus the camera's at its making, seconds; None where unknown.
        """
        if camera_delay_s is not None:
            known = self.camera_delay_s
            # Upwards slowly: one packet that was held up is no news, a camera that sets its clock is.
            is_news = known is None or camera_delay_s < known or camera_delay_s > known + 1
            self.camera_delay_s = camera_delay_s if is_news or known is None else known + 0.0005
        if stamp_s is None or not self.has_stamps:
            return
        stamp_ns = round(stamp_s * 1e9)
        if self._first_stamp_ns is None:
            self._first_stamp_ns = stamp_ns
        offset_ns = arrived_ns - stamp_ns
        if self._last is None or abs(offset_ns - (self._last[1] - self._last[0])) > _JUMP_NS:
            self._bucket, self._slow_since_ns = (arrived_ns, offset_ns, None), None
        self._last = (stamp_ns, arrived_ns)
        began_ns, least, before = self._bucket
        if arrived_ns - began_ns > _BUCKET_NS:
            began_ns, least, before = arrived_ns, offset_ns, least
        least = min(least, offset_ns)
        self._bucket = (began_ns, least, before)
        self._least = least if before is None else min(least, before)
        self._check_pace(offset_ns - self._least, arrived_ns)

    def captured_ns(self, stamp_s: float | None, arrived_ns: int) -> int:
        """Return when a picture was taken, on the steady clock, as the stamps have it.

        Args:
            stamp_s: its presentation time, seconds; None where it has none.
            arrived_ns: when its packet came; counts where there are no stamps.
        """
        if not self.has_stamps or self._least is None or self._first_stamp_ns is None:
            return arrived_ns
        # FFmpeg gives the very first packet no time: it is one step before the next.
        stamp_ns = self._first_stamp_ns - self._step_ns if stamp_s is None else round(stamp_s * 1e9)
        return min(arrived_ns, stamp_ns + self._least)

    def shift_s(self) -> float:
        """Return by how much earlier than `captured_ns` a picture was taken, by the camera's wall clock, seconds.

        0 where it has none or where it is plainly not set. Call it once for each picture: it changes slowly.
        """
        delay_s = self.camera_delay_s
        is_set = delay_s is not None and _LIKELY_DELAY_S[0] <= delay_s <= _LIKELY_DELAY_S[1]
        target_s = max(0.0, delay_s) if is_set and delay_s is not None else 0.0
        self._shift_s += max(-_MOST_SHIFT_S, min(_MOST_SHIFT_S, target_s - self._shift_s))
        return self._shift_s

    def _check_pace(self, late_ns: int, arrived_ns: int) -> None:
        """Give the stamps up where every packet comes later than the one before: the camera counts time wrongly."""
        if late_ns < _TOO_SLOW_NS:
            self._slow_since_ns = None
        elif self._slow_since_ns is None:
            self._slow_since_ns = arrived_ns
        elif arrived_ns - self._slow_since_ns > _TOO_SLOW_FOR_NS:
            self.has_stamps = False

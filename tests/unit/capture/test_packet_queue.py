"""Which packets are decoded when not all can be, and that none is handed out as new that is old."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
import pytest
from av.video.stream import VideoStream

from alpr.capture.packet_queue import ArrivedPacket, PacketQueue
from tests.conftest import FakeClock

INTERVAL_S, FAST_S, SLOW_S = 0.04, 0.004, 0.06


class Stream:
    """A camera of 25 frames a second with a key picture every so many, and a decoder."""

    def __init__(self, key_every: int, most_age_s: float = 1.0) -> None:
        self.clock = FakeClock()
        self.queue = PacketQueue(
            lambda packet: (self.clock.monotonic_ns() - packet.arrived_ns) / 1e9, most_age_s=most_age_s
        )
        self._key_every = key_every
        self.sent = 0

    def send(self, count: int, size: int = 1000) -> None:
        for _ in range(count):
            packet = cast("av.Packet[VideoStream]", av.Packet(size))
            packet.pts, packet.time_base = self.sent, Fraction(1, 25)
            is_key = self.sent % self._key_every == 0
            self.queue.put(ArrivedPacket(packet, self.sent / 25, self.clock.monotonic_ns(), is_key))
            self.sent += 1
            self.clock.advance(INTERVAL_S)

    def take(self, decode_s: float = FAST_S) -> tuple[int, bool] | None:
        taken = self.queue.take(0.0, decode_s, INTERVAL_S)
        if taken is None:
            return None
        assert taken[0].packet.pts is not None
        return taken[0].packet.pts, taken[1]


def test_who_keeps_up_gets_every_packet() -> None:
    stream = Stream(50)
    for number in range(120):
        stream.send(1)
        assert stream.take() == (number, False)
    assert stream.queue.left_out == 0


def test_a_short_delay_is_caught_up_by_decoding_all() -> None:
    stream = Stream(50)
    stream.send(10)
    assert [stream.take() for _ in range(10)] == [(number, False) for number in range(10)]


def test_behind_by_half_the_bound_it_goes_on_with_the_newest_key_picture() -> None:
    stream = Stream(10)
    stream.send(1)
    stream.take()
    stream.send(34)
    assert stream.take() == (30, True)
    assert stream.take() == (31, False)
    assert stream.queue.left_out == 29


def test_of_pictures_that_need_no_other_the_newest_is_taken() -> None:
    stream = Stream(1)
    stream.send(10)
    assert stream.take() == (9, False)
    assert stream.queue.left_out == 9


def test_a_decoder_that_is_quick_catches_up_rather_than_wait_for_a_key_picture() -> None:
    stream = Stream(250)
    stream.send(251)
    while stream.take() is not None:
        pass
    stream.send(40)
    assert stream.take(FAST_S) == (251, False)


def test_a_decoder_that_is_too_slow_waits_for_a_key_picture() -> None:
    stream = Stream(50)
    stream.send(51)
    while stream.take() is not None:
        pass
    stream.send(30)
    assert stream.take(SLOW_S) is None
    stream.send(18)
    assert stream.take(SLOW_S) is None
    stream.send(3)
    assert stream.take(SLOW_S) == (100, True)


def test_a_stream_that_never_repeats_its_key_picture_goes_on_after_a_while() -> None:
    stream = Stream(10**9)
    stream.send(1)
    stream.take()
    stream.send(40)
    assert stream.take(SLOW_S) is None
    taken = []
    for _ in range(200):
        stream.send(1)
        if (one := stream.take(SLOW_S)) is not None:
            taken.append(one)
    assert taken[0][1]  # begins anew: the decoder is not to build on pictures that it lacks
    assert 4.9 < (taken[0][0] - 41) * INTERVAL_S < 6.0


def test_memory_is_bounded_whatever_the_camera_sends() -> None:
    stream = Stream(10**9, most_age_s=1e9)
    for _ in range(30):
        stream.send(1, size=4 << 20)
    assert stream.queue.waiting <= 12
    assert stream.queue.left_out >= 18


def test_no_packet_that_is_beyond_the_bound_is_handed_out_by_a_slow_decoder() -> None:
    stream = Stream(25)
    ages = []
    for _ in range(600):
        stream.send(1)
        taken = stream.queue.take(0.0, SLOW_S, INTERVAL_S) if stream.sent % 3 == 0 else None
        if taken is not None:
            ages.append((stream.clock.monotonic_ns() - taken[0].arrived_ns) / 1e9)
    assert len(ages) > 100
    assert max(ages) <= 1.0 + 1e-9
    assert stream.queue.left_out + len(ages) + stream.queue.waiting == stream.sent


def test_the_end_wakes_who_waits() -> None:
    stream = Stream(25)
    stream.queue.end()
    assert stream.queue.take(60.0, FAST_S, INTERVAL_S) is None
    assert stream.queue.is_ended


@pytest.mark.parametrize("waiting", [0, 3])
def test_what_came_before_the_end_is_still_had(waiting: int) -> None:
    stream = Stream(25)
    stream.send(waiting)
    stream.queue.end()
    assert sum(stream.take() is not None for _ in range(5)) == waiting

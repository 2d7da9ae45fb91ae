"""One video's packets to pictures, by FFmpeg: whole pictures only, fields of interlaced ones made one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.error import FFmpegError
from av.filter.context import FilterContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from alpr.capture.decoded import ColourConverter, FfmpegPicture
from alpr.types import DecodedPicture

MOST_PIXELS = 64_000_000
"""Most pixels of a frame: twice what 8K cameras give. A larger one takes hundreds of megabytes each time."""
_PARTIAL = "partial"  # marks packets of which only a part came


class Decoder:
    """Decodes one video. A picture that the decoder gives up or calls damaged is counted, and never handed out.

    Args:
        context: of the video's stream, not used before.
        time_base: unit of the stream's presentation times, seconds.
        is_live: True decodes on one thread: several hold as many pictures back.
    """

    def __init__(self, context: VideoCodecContext, time_base: Fraction, *, is_live: bool) -> None:
        self.damaged = 0
        """Number of packets and pictures so far that could not be decoded whole."""
        context.options = {**context.options, "max_pixels": str(MOST_PIXELS)}
        context.thread_type = "SLICE" if is_live else "AUTO"
        if is_live:
            context.thread_count = 1
        context.copy_opaque = True
        self._context = context
        self._time_base = time_base
        self._converter = ColourConverter()
        self._deinterlacer: _Deinterlacer | None = None

    def decode(
        self, packet: av.Packet[VideoStream] | None, *, is_partial: bool = False
    ) -> Iterator[tuple[DecodedPicture, float | None]]:
        """Yield the pictures that are whole after this packet, in the order in which they are shown.

        Args:
            packet: the next one; None at the end, for what the decoder still holds.
            is_partial: True where it is known that only a part of the packet is there.

        Returns:
            Each picture and its presentation time, seconds; None where the video states none.
        """
        if packet is not None and (is_partial or packet.is_corrupt):
            packet.opaque = _PARTIAL
        try:
            frames = self._context.decode(packet)
        except (FFmpegError, ValueError, MemoryError):
            # An end that finds a damaged rest has given up nothing that was counted as a packet.
            self.damaged += packet is not None
            frames = []
        for frame in frames:
            if frame.is_corrupt or frame.opaque == _PARTIAL:
                self.damaged += 1
            else:
                yield from self._shown(frame)
        if packet is None and self._deinterlacer is not None:
            yield from self._pictures(self._deinterlacer.finish())

    def skip_unreferenced(self, skip: bool) -> None:
        """Leave out pictures that no other is built on, or no longer: what is left costs less and stays whole.

        Args:
            skip: True from now on leaves them out.
        """
        self._context.skip_frame = "NONREF" if skip else "DEFAULT"

    def restart(self) -> None:
        """Forget what was decoded: the next packet begins a sequence of its own."""
        self._context.flush_buffers()
        self._deinterlacer = None

    def _shown(self, frame: av.VideoFrame) -> Iterator[tuple[DecodedPicture, float | None]]:
        shape = (frame.width, frame.height, frame.format.name)
        if self._deinterlacer is not None and self._deinterlacer.shape != shape:
            yield from self._pictures(self._deinterlacer.finish())
            self._deinterlacer = None
        if self._deinterlacer is None and frame.interlaced_frame:
            self._deinterlacer = _Deinterlacer(frame, self._time_base)
        if self._deinterlacer is None:
            yield from self._pictures([frame])
        else:
            yield from self._pictures(self._deinterlacer.push(frame))

    def _pictures(self, frames: list[av.VideoFrame]) -> Iterator[tuple[DecodedPicture, float | None]]:
        for frame in frames:
            yield FfmpegPicture(frame, self._converter), self._time_of(frame)

    def _time_of(self, frame: av.VideoFrame) -> float | None:
        if frame.pts is None:
            return None
        return float(frame.pts * (frame.time_base or self._time_base))  # a filter states its own unit


class _Deinterlacer:
    """FFmpeg's yadif: one picture for each frame, without the comb that two fields of a moving car make.

    Args:
        first: the first frame; all have its size and format.
        time_base: unit of their presentation times, seconds.
    """

    def __init__(self, first: av.VideoFrame, time_base: Fraction) -> None:
        self.shape = (first.width, first.height, first.format.name)
        self._graph = av.filter.Graph()
        nodes: list[FilterContext] = [
            self._graph.add_buffer(width=first.width, height=first.height, format=first.format, time_base=time_base),
            self._graph.add("yadif", "mode=send_frame:deint=interlaced"),
            self._graph.add("buffersink"),
        ]
        self._graph.link_nodes(*nodes).configure()

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        self._graph.vpush(frame)
        return self._pull()

    def finish(self) -> list[av.VideoFrame]:
        self._graph.vpush(None)
        return self._pull()

    def _pull(self) -> list[av.VideoFrame]:
        frames: list[av.VideoFrame] = []
        while True:
            try:
                frames.append(self._graph.vpull())
            except (av.error.BlockingIOError, av.error.EOFError):
                return frames

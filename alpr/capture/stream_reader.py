"""Opens a network camera's stream by FFmpeg and receives its packets, on a thread of its own.

What FFmpeg is doing cannot be broken off from outside, a name server's silence least of all. So whoever reads waits
here with a time-out, and a thread that is stuck ends by itself when FFmpeg's own time-outs have passed.
"""

from __future__ import annotations

import logging
import struct
import threading
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from alpr.capture.packet_queue import ArrivedPacket, PacketQueue
from alpr.capture.quiet import quieten_ffmpeg
from alpr.capture.stream_clock import StreamClock
from alpr.clock import Clock

_log = logging.getLogger(__name__)

_ANALYSE_S = 0.5  # FFmpeg's own 5 s are for films whose beginning tells little
_WITHOUT_STAMPS = frozenset({"mpjpeg", "mjpeg", "image2", "image2pipe", "h264", "hevc", "m4v"})
_USUAL_FPS = 25.0
_BLOCKED_NS = 4_000_000  # a packet that had to be waited for so long had only just come
_PROTOCOLS = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto"


@dataclass(frozen=True, slots=True, eq=False)
class OpenStream:
    """A stream that was opened."""

    codec: VideoCodecContext | None
    """None where nobody here can decode it, or there is none."""
    time_base: Fraction
    fps: float
    """As the camera states it; 25 where it does not."""
    has_video: bool

    @property
    def is_each_whole(self) -> bool:
        """True where no picture needs another, as of JPEGs."""
        return self.codec is not None and self.codec.codec.intra_only


class StreamReader:
    """One connection to a camera. Starts at once; `close` it when done.

    Args:
        url: as FFmpeg takes it, with its secrets; they are never shown.
        transport: "tcp" or "udp".
        timeouts_s: seconds for opening, and without a packet.
        most_age_s: age of a picture from which on it is not wanted any more, seconds.
        clock: dates packets.
        name: of the thread.
    """

    def __init__(
        self, url: str, transport: str, timeouts_s: tuple[float, float], most_age_s: float, clock: Clock, name: str
    ) -> None:
        self.packets = PacketQueue(self.age_s, most_age_s)
        self.clock = StreamClock(has_stamps=False, step_s=1 / _USUAL_FPS)
        self.error: Exception | None = None
        """Error that ended it; None where the other side has ended the stream, and while it goes on."""
        self.open_s = 0.0
        """Time that opening took, seconds; 0 until it has failed or succeeded."""
        self._url = url
        self._transport = transport
        self._timeouts_s = timeouts_s
        self._time = clock
        self._opened: OpenStream | None = None
        self._is_at_present = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wait_open(self, timeout_s: float) -> OpenStream | None:
        """Return the stream once it is open; None where that failed (`error`) or took too long.

        Args:
            timeout_s: longest wait, seconds.
        """
        with self.packets.changed:
            self.packets.changed.wait_for(lambda: self._opened is not None or self.packets.is_ended, timeout_s)
            return self._opened

    def wait_for_present(self, timeout_s: float) -> None:
        """Wait until what had gathered while opening has been received, so that its age is known.

        Args:
            timeout_s: longest wait, seconds.
        """
        self._is_at_present.wait(timeout_s)

    def age_s(self, packet: ArrivedPacket) -> float:
        """Return how long ago the picture of a packet was taken, seconds.

        Args:
            packet: of this stream.
        """
        taken_ns = self.clock.captured_ns(packet.stamp_s, packet.arrived_ns)
        return (self._time.monotonic_ns() - taken_ns) / 1e9

    @property
    def is_alive(self) -> bool:
        """True until its thread has ended."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End it soon: at the next packet or time-out. Does not wait for that; who waits for packets is woken."""
        self._closing.set()
        self._is_at_present.set()
        self.packets.end()

    def join(self, timeout_s: float) -> None:
        """Wait for its thread to end.

        Args:
            timeout_s: longest wait, seconds.
        """
        self._thread.join(timeout_s)

    def _run(self) -> None:
        quieten_ffmpeg()
        began_ns = self._time.monotonic_ns()
        try:
            with self._open() as container:
                stream = next(iter(container.streams.video), None)
                self._tell_opened(container, stream)
                if stream is not None and stream.codec_context is not None:
                    self._receive(container, stream)
        except (FFmpegError, OSError, ValueError, MemoryError) as error:
            self.error = error
        except Exception as error:  # whoever reads is to learn of it, not this thread's stderr
            _log.exception("reading a camera's stream failed unforeseen")
            self.error = error
        finally:
            self.open_s = self.open_s or (self._time.monotonic_ns() - began_ns) / 1e9
            self._is_at_present.set()
            self.packets.end()

    def _open(self) -> InputContainer:
        open_s, read_s = self._timeouts_s
        options = {
            "rtsp_transport": self._transport,
            "allowed_media_types": "video",
            "analyzeduration": str(round(_ANALYSE_S * 1e6)),
            "protocol_whitelist": _PROTOCOLS,  # a camera is not to make us read files
            "timeout": str(round(read_s * 1e6)),  # of the socket
        }
        if self._url.startswith("http"):
            options = {key: options[key] for key in ("analyzeduration", "protocol_whitelist")}
        return av.open(self._url, options=options, timeout=(open_s, read_s), metadata_errors="replace")

    def _tell_opened(self, container: InputContainer, stream: VideoStream | None) -> None:
        fps = float((stream.average_rate or stream.guessed_rate or 0) if stream is not None else 0)
        fps = fps if 1 <= fps <= 240 else _USUAL_FPS
        has_stamps = not _WITHOUT_STAMPS.intersection(container.format.name.split(","))
        self.clock = StreamClock(has_stamps=has_stamps, step_s=1 / fps)
        codec = None if stream is None else stream.codec_context
        time_base = (stream.time_base if stream is not None else None) or Fraction(1, 90_000)
        with self.packets.changed:
            self._opened = OpenStream(codec, time_base, fps, has_video=stream is not None)
            self.packets.changed.notify_all()

    def _receive(self, container: InputContainer, stream: VideoStream) -> None:
        asked_ns = self._time.monotonic_ns()
        for packet in container.demux(stream):
            arrived_ns = self._time.monotonic_ns()
            if self._closing.is_set() or not packet.size:
                return
            if arrived_ns - asked_ns > _BLOCKED_NS:
                self._is_at_present.set()
            stamp_s = None if packet.pts is None else float(packet.pts * packet.time_base)
            self.clock.note(stamp_s, arrived_ns, _camera_delay_s(packet, self._time.now()))
            self.packets.put(ArrivedPacket(packet, stamp_s, arrived_ns, packet.is_keyframe))
            asked_ns = self._time.monotonic_ns()


def _camera_delay_s(packet: av.Packet[VideoStream], now: datetime) -> float | None:
    """Return our wall clock minus the camera's when the packet was made, seconds; None where it does not say.

    RTCP's sender reports tie the stream's time stamps to the camera's wall clock; FFmpeg passes that on.
    """
    if not packet.has_sidedata("prft"):
        return None
    stated = bytes(packet.get_sidedata("prft"))
    (made_us,) = struct.unpack_from("=q", stated)
    return now.timestamp() - float(made_us) / 1e6

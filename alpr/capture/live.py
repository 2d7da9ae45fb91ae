"""Network cameras as sources. They never reconnect by themselves: the feed does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from alpr.capture.address import StreamAddress, parse_address
from alpr.capture.camera_faults import CameraFault, fault_of_error, fault_of_reach, in_words
from alpr.capture.decoder import MOST_PIXELS, Decoder
from alpr.capture.reach import reach
from alpr.capture.source import mask_url
from alpr.capture.stream_reader import OpenStream, StreamReader
from alpr.clock import Clock
from alpr.errors import SourceLost, SourceOpenError
from alpr.types import DecodedPicture, Frame

Transport = Literal["auto", "tcp", "udp"]

_OPEN_GRACE_S = 0.5  # FFmpeg's own time-out comes first, and knows more
_PRESENT_S = 0.4
_LOOK_ROUND_S = 0.1
_REACH_S = 1.0
_NOTHING_GIVEN_S = 10.0
_AT_EASE, _PRESSED = 0.1, 0.3  # shares of the bound on age between which unreferenced pictures go on being left out


class RtspSource:
    """A camera by RTSP or HTTP (a stream of JPEGs or of video).

    `captured_at` is when the picture was taken, as far as the stream tells: by its time stamps, laid on the moments
    at which its packets arrived, and by the camera's own clock where it states that (RTCP) and agrees with ours. Else
    it is the moment of arrival. Where decoding falls behind, packets are left out up to the newest picture that needs
    no other, so that what is handed out is never older than `most_age_s`.

    Args:
        camera_id: of every frame.
        url: with user and password where the camera needs them; these never show in messages.
        clock: gives the moment of arrival.
        transport: "tcp", "udp", or "auto" for the first of them that the camera offers.
        open_timeout_s: seconds that `frames` may take to open it.
        read_timeout_s: seconds without a packet after which it is lost.
        most_age_s: age from which on a picture is not handed out any more, seconds.
    """

    is_live = True
    problem = ""

    def __init__(
        self,
        camera_id: str,
        url: str,
        *,
        clock: Clock,
        transport: Transport = "auto",
        open_timeout_s: float = 5.0,
        read_timeout_s: float = 2.0,
        most_age_s: float = 1.0,
    ) -> None:
        self.camera_id = camera_id
        self.skipped = 0
        """Pictures that came and could not be decoded whole."""
        self.left_out = 0
        """Pictures that were not decoded, or not handed out, because newer ones were there."""
        self.is_on_demand = False
        """True where any picture can be left out without decoding it, as of a stream of JPEGs."""
        self.coding = ""
        """Name of the coding of its pictures, such as "h264"; "" before it was opened."""
        self._url = url
        self._clock = clock
        self._transport = transport
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        self._most_age_s = most_age_s
        self._closing = threading.Event()
        self._reader: StreamReader | None = None
        self._next_seq = 0
        self._last_ns = 0

    def frames(self) -> Iterator[Frame]:
        """See `Source.frames`."""
        if self._closing.is_set():
            return
        self._wait_for_last_reader()
        reader, stream, decoder = self._connect()
        try:
            yield from self._decode(reader, stream, decoder)
        finally:
            reader.close()

    def close(self) -> None:
        """See `Source.close`."""
        self._closing.set()
        if self._reader is not None:
            self._reader.close()

    @property
    def camera_clock_offset_s(self) -> float | None:
        """Clock of the camera minus ours, seconds, late by the way of its packets; None where it states none."""
        delay_s = None if self._reader is None else self._reader.clock.camera_delay_s
        return None if delay_s is None else -delay_s

    def _wait_for_last_reader(self) -> None:
        """Let no two connections stand at once: a name server that is silent would gather threads."""
        if self._reader is not None:
            until_ns = self._clock.monotonic_ns() + round(self._open_timeout_s * 1e9)
            while self._reader.is_alive and self._clock.monotonic_ns() < until_ns and not self._closing.is_set():
                self._reader.join(_LOOK_ROUND_S)
            if self._reader.is_alive:
                raise SourceOpenError(
                    f"camera {self.camera_id}: {mask_url(self._url)} still holds the last attempt up; "
                    "check the network and its name server"
                )

    def _connect(self) -> tuple[StreamReader, OpenStream, Decoder]:
        """Open the stream, by each transport and reading of the password that may be meant.

        Raises:
            SourceOpenError: none can be opened; states the cause.
        """
        address = parse_address(self._url)
        if address is None:
            raise SourceOpenError(
                f"camera {self.camera_id}: {mask_url(self._url)} names no host; give rtsp://user:password@host/path"
            )
        is_rtsp = address.scheme.startswith("rtsp")
        transports = ("tcp", "udp") if self._transport == "auto" and is_rtsp else (self._transport,)
        fault, detail = CameraFault.OTHER, ""
        for transport in transports:
            for login in address.passwords:
                reader = self._read(address.url(login), transport)
                stream = reader.wait_open(self._open_timeout_s + _OPEN_GRACE_S)
                fault, detail = self._fault(reader, stream, address)
                if stream is not None and stream.codec is not None and not detail:
                    self.coding = stream.codec.codec.canonical_name
                    return reader, stream, Decoder(stream.codec, stream.time_base, is_live=True)
                reader.close()
                if fault is not CameraFault.WRONG_PASSWORD:
                    break
            if fault is not CameraFault.TRANSPORT:
                break
        words = in_words(fault, address, transports[-1], detail)
        raise SourceOpenError(
            f"camera {self.camera_id}: cannot open {mask_url(self._url)}: {words}", fault.value, fault.is_answering
        )

    def _read(self, url: str, transport: str) -> StreamReader:
        reader = StreamReader(
            url,
            transport,
            (self._open_timeout_s, self._read_timeout_s),
            self._most_age_s,
            self._clock,
            f"receive-{self.camera_id}",
        )
        self._reader = reader
        if self._closing.is_set():  # between the last look and now
            reader.close()
        return reader

    def _fault(
        self, reader: StreamReader, stream: OpenStream | None, address: StreamAddress
    ) -> tuple[CameraFault, str]:
        """Return why a stream cannot be used, and what more is known of that; no detail where it can."""
        if stream is not None and stream.codec is not None:
            width, height = stream.codec.width, stream.codec.height
            if width * height <= MOST_PIXELS:
                return CameraFault.OTHER, ""
            return CameraFault.TOO_LARGE, f"{width}×{height}, more than the {MOST_PIXELS // 10**6} million pixels"
        if stream is not None:
            return (CameraFault.UNKNOWN_CODEC if stream.has_video else CameraFault.NO_VIDEO), "none"
        fault = None if reader.error is None else fault_of_error(reader.error)
        if fault is CameraFault.WRONG_PASSWORD and not address.login:
            fault = CameraFault.NO_PASSWORD
        if fault is None and not self._closing.is_set():
            is_timeout = reader.open_s >= 0.9 * min(self._read_timeout_s, self._open_timeout_s)
            answer = reach(address.host, address.port, _REACH_S)
            fault = fault_of_reach(answer, reader.error, is_timeout=is_timeout)
        # Of an error only its kind: its text has the address with the password in it.
        return fault or CameraFault.OTHER, type(reader.error).__name__

    def _decode(self, reader: StreamReader, stream: OpenStream, decoder: Decoder) -> Iterator[Frame]:
        self.is_on_demand = stream.is_each_whole
        reader.wait_for_present(_PRESENT_S)
        decode_s, damaged, left_out = 0.0, 0, 0
        given_ns, has_begun = self._clock.monotonic_ns(), False
        while not self._closing.is_set():
            taken = reader.packets.take(self._read_timeout_s, decode_s, 1 / stream.fps)
            if self._closing.is_set():
                return
            if taken is None:
                raise self._lost(reader) if has_begun else self._silent()
            has_begun = True
            packet, is_anew = taken
            if is_anew:
                decoder.restart()
            began_ns = self._clock.monotonic_ns()
            pictures = list(decoder.decode(packet.packet))
            decode_s += 0.1 * ((self._clock.monotonic_ns() - began_ns) / 1e9 - decode_s)
            self._count(reader.packets.left_out - left_out, decoder.damaged - damaged)
            left_out, damaged = reader.packets.left_out, decoder.damaged
            self._ease(decoder, reader.age_s(packet))
            for picture, stamp_s in pictures:
                frame = self._frame(reader, picture, stamp_s, packet.arrived_ns)
                if frame is not None:
                    given_ns = began_ns
                    yield frame
            if began_ns - given_ns > _NOTHING_GIVEN_S * 1e9:
                raise self._useless(bool(pictures))

    def _useless(self, is_late: bool) -> SourceLost:
        where = f"camera {self.camera_id}: {mask_url(self._url)}"
        if is_late:
            return SourceLost(
                f"{where} sends pictures that are more than {self._most_age_s:.1f} s old when they can be looked at; "
                "check the network, or set the camera to fewer or smaller pictures"
            )
        return SourceLost(f"{where} sends pictures of which none is whole; check the network, or restart the camera")

    def _frame(
        self, reader: StreamReader, picture: DecodedPicture, stamp_s: float | None, arrived_ns: int
    ) -> Frame | None:
        """Return a picture with its time; None where it is too old to be handed out."""
        now, now_ns = self._clock.now(), self._clock.monotonic_ns()
        taken_ns = max(self._last_ns + 1, reader.clock.captured_ns(stamp_s, arrived_ns))
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        age_s = (now_ns - taken_ns) / 1e9
        if age_s > self._most_age_s:
            self.left_out += 1
            return None
        self._last_ns = taken_ns
        taken_at = now - timedelta(seconds=age_s + reader.clock.shift_s())
        return Frame(self.camera_id, seq, taken_at, taken_ns, picture)

    def _count(self, left_out: int, damaged: int) -> None:
        self.left_out += left_out
        self.skipped += damaged
        self._next_seq += left_out + damaged

    def _ease(self, decoder: Decoder, age_s: float) -> None:
        """Leave out pictures that no other is built on while decoding is behind."""
        if age_s > _PRESSED * self._most_age_s:
            decoder.skip_unreferenced(True)
        elif age_s < _AT_EASE * self._most_age_s:
            decoder.skip_unreferenced(False)

    def _silent(self) -> SourceOpenError:
        """Say of a camera that has taken us in and sent nothing that it is not open."""
        address, fault = parse_address(self._url), CameraFault.SILENT
        words = "" if address is None else in_words(fault, address, self._transport)
        return SourceOpenError(
            f"camera {self.camera_id}: {mask_url(self._url)}: {words}", fault.value, fault.is_answering
        )

    def _lost(self, reader: StreamReader) -> SourceLost:
        address = mask_url(self._url)
        if reader.packets.is_ended and reader.error is None:
            return SourceLost(f"camera {self.camera_id}: {address} has ended the stream; check the camera")
        return SourceLost(
            f"camera {self.camera_id}: {address} stopped giving frames ({self._read_timeout_s:.1f} s without one, or "
            "the connection broke); check the camera and the way to it"
        )

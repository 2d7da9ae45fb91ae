"""A camera that speaks RTSP on loopback, with faults at the flick of a switch. Standard library only.

Serves JPEG or H.264 pictures over RTP inside the RTSP connection (RFC 2326, RFC 2435, RFC 6184), over and over, at a
given rate. Switches, which may be thrown at any time: `is_frozen` (stays connected, sends nothing), `is_refusing`
(answers 503), `is_udp_only` (answers 461), `is_damaging` (spoils what it sends), `held_up_s` (sends so much later, as
a slow network does), `clock_error_s` (states its clock, that much wrong), `drop()` (hangs up on everybody).
"""

from __future__ import annotations

import base64
import contextlib
import random
import re
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

_PAYLOAD_BYTES = 1400


@dataclass(frozen=True, slots=True)
class _Jpeg:
    """The parts of a baseline JPEG with standard Huffman tables that RFC 2435 sends."""

    kind: int
    """0: 4:2:2, 1: 4:2:0."""
    width: int
    height: int
    tables: bytes
    scan: bytes


def _take_apart(jpeg: bytes) -> _Jpeg:
    at, tables, frame = 2, b"", b""
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        body = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xDB:  # one or more quantisation tables of 1 + 64 bytes
            tables += b"".join(body[start + 1 : start + 65] for start in range(0, len(body), 65))
        elif marker == 0xC0:
            frame = body
        elif marker == 0xDA:
            break
    height, width = struct.unpack(">HH", frame[1:5])
    kind = {0x21: 0, 0x22: 1}[frame[7]]
    return _Jpeg(kind, width, height, tables, jpeg[at:].removesuffix(b"\xff\xd9"))


def _rtp_packets(jpeg: _Jpeg, timestamp: int, sequence: int, source: int) -> Iterator[bytes]:
    """One picture as RTP packets; the last has the marker bit (RFC 2435, section 3)."""
    at = 0
    while at < len(jpeg.scan):
        header = struct.pack(">I", at) + bytes((jpeg.kind, 255, jpeg.width // 8, jpeg.height // 8))
        if at == 0:
            header += struct.pack(">BBH", 0, 0, len(jpeg.tables)) + jpeg.tables
        part = jpeg.scan[at : at + _PAYLOAD_BYTES]
        at += len(part)
        marker = 0x80 if at >= len(jpeg.scan) else 0
        yield (
            struct.pack(">BBHII", 0x80, marker | 26, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source)
            + header
            + part
        )
        sequence += 1


def _units_of(access_unit: bytes) -> list[bytes]:
    """The NAL units between the start codes of an H.264 picture."""
    return [unit for unit in re.split(rb"\x00\x00\x00?\x01", access_unit) if unit]


def _h264_packets(access_unit: bytes, timestamp: int, sequence: int, source: int) -> Iterator[bytes]:
    """One picture as RTP packets (RFC 6184): whole units, and large ones in fragments."""
    units = _units_of(access_unit)
    for index, unit in enumerate(units):
        is_last_unit = index == len(units) - 1
        pieces = [unit]
        if len(unit) > _PAYLOAD_BYTES:
            rest = [unit[at : at + _PAYLOAD_BYTES] for at in range(1, len(unit), _PAYLOAD_BYTES)]
            marks = [0x80 * (at == 0) | 0x40 * (at == len(rest) - 1) for at in range(len(rest))]
            pieces = [
                bytes((unit[0] & 0xE0 | 28, mark | unit[0] & 0x1F)) + piece
                for mark, piece in zip(marks, rest, strict=True)
            ]
        for at, piece in enumerate(pieces):
            marker = 0x80 if is_last_unit and at == len(pieces) - 1 else 0
            yield (
                struct.pack(">BBHII", 0x80, marker | 96, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source) + piece
            )
            sequence += 1


def _sender_report(timestamp: int, source: int, clock_s: float) -> bytes:
    """RTCP's statement which time stamp belongs to which instant of the camera's clock (RFC 3550, section 6.4.1)."""
    ntp = clock_s + 2_208_988_800
    fraction = round((ntp % 1) * (1 << 32)) & 0xFFFFFFFF
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, source, int(ntp), fraction, timestamp & 0xFFFFFFFF, 0, 0)


class RtspCamera:
    """Serves from `with` to its end; `url` has the credentials.

    Args:
        login: `user:password` that it asks for (Basic), or "".
        port: 0 for any that is free.
        pictures: baseline JPEGs of one size, sides multiples of 8, as `cv2.imencode(".jpg", …)` makes them; or
            H.264 pictures with start codes, as `tests.encode.h264_pictures` makes them.
    """

    def __init__(self, pictures: Sequence[bytes], *, fps: float = 25.0, login: str = "", port: int = 0) -> None:
        self.is_frozen = False
        self.is_refusing = False
        self.is_udp_only = False
        self.is_damaging = False
        self.held_up_s = 0.0
        self.clock_error_s: float | None = None
        self.sent = 0
        """Pictures sent to anybody so far; the number of the next is this modulo `len(pictures)`."""
        self.connections = 0
        self._is_h264 = not pictures[0].startswith(b"\xff\xd8")
        self._encoded = pictures
        self._pictures = [] if self._is_h264 else [_take_apart(picture) for picture in pictures]
        self._fps = fps
        self._login = login
        self._peers: set[socket.socket] = set()
        self._closing = threading.Event()
        camera = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    camera._serve(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = False

        self._server = Server(("127.0.0.1", port), Session)
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"rtsp://{self._login}{'@' if self._login else ''}127.0.0.1:{self.port}/stream"

    def drop(self) -> None:
        """Hang up on everybody."""
        for peer in list(self._peers):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> RtspCamera:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="rtsp-camera")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self.drop()
        self._server.server_close()  # joins the sessions' threads
        self._thread.join()

    def _serve(self, session: socketserver.StreamRequestHandler) -> None:
        self._peers.add(session.request)
        self.connections += 1
        try:
            while request := session.rfile.readline().decode():
                headers = {}
                while line := session.rfile.readline().decode().strip():
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                method, url = request.split()[:2]
                session.wfile.write(self._answer(method, url, headers).encode())
                if method == "PLAY":
                    self._play(session)
                    return
        finally:
            self._peers.discard(session.request)

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> str:
        status, more, body = "200 OK", [], ""
        credentials = base64.b64encode(self._login.encode()).decode()
        if self.is_refusing:
            status = "503 Service Unavailable"
        elif self._login and headers.get("authorization") != f"Basic {credentials}":
            status, more = "401 Unauthorized", ['WWW-Authenticate: Basic realm="camera"']
        elif method == "OPTIONS":
            more = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
        elif not url.partition("?")[0].rstrip("/").endswith(("/stream", "/track1")) and method == "DESCRIBE":
            status = "404 Not Found"
        elif method == "DESCRIBE":
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                f"{self._media()}a=framerate:{self._fps:g}\r\na=control:track1\r\n"
            )
            more = ["Content-Type: application/sdp", f"Content-Base: {url}/"]
        elif (method == "SETUP" and self.is_udp_only) or (
            method == "SETUP" and "interleaved" not in headers.get("transport", "")
        ):
            status = "461 Unsupported Transport"
        elif method == "SETUP":
            more = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
        lines = [
            f"RTSP/1.0 {status}",
            f"CSeq: {headers.get('cseq', '0')}",
            "Session: 1",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, *more, "", body])

    def _media(self) -> str:
        if not self._is_h264:
            return "m=video 0 RTP/AVP 26\r\n"
        sets = [base64.b64encode(unit).decode() for unit in _units_of(self._encoded[0]) if unit[0] & 0x1F in (7, 8)]
        return (
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={','.join(sets)}\r\n"
        )

    def _packets(self, number: int, timestamp: int, sequence: int, source: int) -> Iterator[bytes]:
        if not self._is_h264:
            yield from _rtp_packets(self._pictures[number % len(self._pictures)], timestamp, sequence, source)
            return
        picture = self._encoded[number % len(self._encoded)]
        if self.is_damaging:
            middle = len(picture) // 2
            picture = (
                picture[:middle]
                + bytes(0x5A ^ byte for byte in picture[middle : middle + 40])
                + picture[middle + 40 :]
            )
        yield from _h264_packets(picture, timestamp, sequence, source)

    def _play(self, session: socketserver.StreamRequestHandler) -> None:
        source, sequence, began, count = random.getrandbits(32), 0, time.monotonic(), 0
        waiting: deque[tuple[float, bytes]] = deque()
        while not self._closing.wait(max(0.0, began + count / self._fps - time.monotonic())):
            if not self.is_frozen:
                number, self.sent = self.sent, self.sent + 1
                timestamp = round(count * 90000 / self._fps)
                due = time.monotonic() + self.held_up_s
                if self.clock_error_s is not None and count % 10 == 0:
                    report = _sender_report(timestamp, source, time.time() + self.clock_error_s)
                    session.wfile.write(struct.pack(">cBH", b"$", 1, len(report)) + report)
                for packet in self._packets(number, timestamp, sequence, source):
                    waiting.append((due, struct.pack(">cBH", b"$", 0, len(packet)) + packet))
                    sequence += 1
            while waiting and waiting[0][0] <= time.monotonic():
                session.wfile.write(waiting.popleft()[1])
            count += 1

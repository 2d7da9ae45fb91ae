"""A receiver of webhooks or an MQTT broker that behaves as it is told to, badly for the most part.

    python bench/faults/receiver.py http|mqtt PORT BOOK MOOD

What it takes it writes into BOOK, and flushes to the disk, before it answers. MOOD is a file that is read at each
event: "good"; "refuse": it takes nothing and says so; "deny": it takes the event and says that it failed; "cut": it
takes it and breaks the connection instead of answering; "half": it begins a good answer and breaks off; "mute": it
takes nothing and does not answer. Imports nothing of alpr.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MUTE_S = 30.0


class Book:
    """What was taken."""

    def __init__(self, path: Path, mood: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._mood = mood
        self._lock = threading.Lock()
        self.is_over = threading.Event()

    @property
    def mood(self) -> str:
        """How it behaves now."""
        return self._mood.read_text().strip()

    def keep(self, body: bytes) -> None:
        """Write an event down, if it is one of ours, and flush it to the disk."""
        row = json.loads(body)
        if isinstance(row, dict) and "event" in row:
            with self._lock:
                os.write(self._file, json.dumps(row).encode() + b"\n")
                os.fsync(self._file)


def serve_http(port: int, book: Book) -> None:
    """A receiver of webhooks."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        timeout = MUTE_S

        def do_POST(self) -> None:
            body, mood = self.rfile.read(int(self.headers["Content-Length"])), book.mood
            if mood == "mute":
                book.is_over.wait(MUTE_S)
            elif mood != "refuse":
                book.keep(body)
            if mood in ("mute", "cut"):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(500 if mood in ("refuse", "deny") else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"o" if mood == "half" else b"ok")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        server.serve_forever()


class _Mqtt(socketserver.StreamRequestHandler):
    """As much of MQTT 3.1.1 as a publisher needs: CONNECT, PUBLISH at QoS 1, PINGREQ."""

    book: Book

    def handle(self) -> None:
        try:
            while (first := self.rfile.read(1)) and self._packet(first[0], self._body()):
                self.wfile.flush()
        except OSError:
            return

    def _body(self) -> bytes:
        length = shift = 0
        while byte := self.rfile.read(1):
            length |= (byte[0] & 0x7F) << shift
            shift += 7
            if byte[0] < 0x80:
                break
        return self.rfile.read(length)

    def _packet(self, first: int, body: bytes) -> bool:
        """Answer one; False to break the connection."""
        kind, mood = first >> 4, self.book.mood
        if kind == 1:
            self.wfile.write(b"\x20\x02\x00" + (b"\x05" if mood == "refuse" else b"\x00"))
            return mood != "refuse"
        if kind == 12:
            self.wfile.write(b"\xd0\x00")
        return kind != 3 or self._published(body, mood)

    def _published(self, body: bytes, mood: str) -> bool:
        (length,) = struct.unpack(">H", body[:2])
        number, payload = body[2 + length : 4 + length], body[4 + length :]
        if mood in ("refuse", "mute"):
            return mood == "mute"
        if payload.startswith(b"{"):
            self.book.keep(payload)
        if mood in ("cut", "deny"):
            return False
        self.wfile.write((b"\x40\x02" + number)[: 2 if mood == "half" else 4])
        return mood != "half"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve_mqtt(port: int, book: Book) -> None:
    """A broker that nobody subscribes to."""
    _Mqtt.book = book
    with _Server(("127.0.0.1", port), _Mqtt) as server:
        server.serve_forever()


def main() -> None:
    kind, port, book, mood = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    (serve_http if kind == "http" else serve_mqtt)(port, Book(book, mood))


if __name__ == "__main__":
    main()

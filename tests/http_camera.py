"""A camera that sends a stream of JPEGs by HTTP on loopback (multipart/x-mixed-replace). Standard library only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HttpCamera:
    """Serves from `with` to its end, and hangs up after the last picture when told to `drop`."""

    def __init__(self, pictures: Sequence[bytes], *, fps: float = 25.0) -> None:
        self.connections = 0
        self._closing, self._dropping = threading.Event(), threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                camera._dropping.clear()
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
                self.end_headers()
                number = 0
                with contextlib.suppress(OSError):
                    while not (camera._closing.wait(1 / fps) or camera._dropping.is_set()):
                        picture = pictures[number % len(pictures)]
                        head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                        self.wfile.write(head.encode() + picture + b"\r\n")
                        number += 1

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/video"

    def drop(self) -> None:
        """Hang up."""
        self._dropping.set()

    def __enter__(self) -> HttpCamera:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="http-camera")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

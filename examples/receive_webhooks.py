"""Receives the signed webhooks of a collector and appends each event once to a file.

    python examples/receive_webhooks.py --secret webhook.secret --to events.jsonl --port 8090

The collector repeats an event until it is answered with 2xx: the answer goes out when the event is on the disk, and
an event whose id is there already is only answered. Needs nothing but Python. The signature is described in
docs/messages.md, "Webhooks and MQTT".
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import re
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

MOST_BYTES = 1 << 20
OLDEST_S = 300
SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def is_signed(secret: bytes, header: str, body: bytes, now_s: float) -> bool:
    """True where the signature is of this body and this secret, and not older than five minutes.

    >>> header = "t=1767268800,v1=82330ea5e3ac98b4b461dc0d698404ef1e68356819346410bebe11e41c413b5f"
    >>> is_signed(b"0123456789abcdef", header, b"{}", now_s=1767268860)
    True
    >>> is_signed(b"0123456789abcdef", header, b"{}", now_s=1767269200)  # 400 s later: a replay
    False
    """
    if not (parts := SIGNATURE.fullmatch(header)) or abs(now_s - int(parts[1])) > OLDEST_S:
        return False
    expected = hmac.new(secret, f"{parts[1]}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts[2])  # in constant time


class Events:
    """The events received so far, one JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        written = path.read_bytes()
        whole = written[
            : written.rfind(b"\n") + 1
        ]  # a line cut short by a power cut was never answered: it comes again
        os.truncate(path, len(whole))
        self._ids = {json.loads(line)["event_id"] for line in whole.splitlines()}

    def keep(self, event: dict[str, object]) -> None:
        """Append an event durably, unless it is there already."""
        if event["event_id"] in self._ids:
            return
        with self._path.open("a") as file:
            file.write(json.dumps(event) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._ids.add(event["event_id"])


def handler(secret: bytes, events: Events) -> type[BaseHTTPRequestHandler]:
    """What answers a request: 204 kept, 401 not signed as it should be, 413 too long."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # a peer that says nothing does not hold the only thread

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self.send_error(413)
                return
            body = self.rfile.read(int(length))
            if not is_signed(secret, self.headers.get("X-Alpr-Signature", ""), body, time.time()):
                self.send_error(401)  # refused for good: the collector does not try again
                return
            events.keep(json.loads(body))
            self.send_response(204)
            self.end_headers()

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description="Receive the signed webhooks of a collector.")
    parser.add_argument("--secret", type=Path, required=True, help="file with the secret that the collector has too")
    parser.add_argument("--to", type=Path, required=True, help="file that events are appended to, one JSON line each")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one")
    options = parser.parse_args()
    server = HTTPServer(("127.0.0.1", options.port), handler(options.secret.read_bytes().strip(), Events(options.to)))
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

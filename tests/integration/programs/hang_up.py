"""Says much to one who does not listen, and hangs up: libzmq 4.3.5 ends a process that lets it count what waits.

    python -m tests.integration.programs.hang_up collector|device ENDPOINT PUBLIC SECRET [SERVER_KEY]

As a collector it prints "ready" once it listens.
"""

from __future__ import annotations

import os
import sys
import time

import zmq

_MESSAGES = 3000


def main() -> None:
    role, endpoint, public, secret, *server = sys.argv[1:]
    context = zmq.Context()
    socket = context.socket(zmq.ROUTER if role == "collector" else zmq.DEALER)
    socket.sndhwm = 0
    socket.curve_publickey, socket.curve_secretkey = public.encode(), secret.encode()
    route: list[bytes] = []
    if role == "collector":
        socket.curve_server = True
        socket.bind(endpoint)
        print("ready", flush=True)
        route = socket.recv_multipart()[:1]
    else:
        socket.curve_serverkey = server[0].encode()
        socket.connect(endpoint)
    for _ in range(_MESSAGES):
        socket.send_multipart([*route, bytes(1000)])
    time.sleep(1)
    os._exit(0)  # what was not read yet makes the kernel reset the connection


if __name__ == "__main__":
    main()

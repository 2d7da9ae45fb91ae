"""Whether anybody answers at a network address, tried once by TCP: tells apart what FFmpeg's errors do not."""

from __future__ import annotations

import errno
import socket
from enum import StrEnum


class Reach(StrEnum):
    """The answer of an address."""

    ANSWERS = "answers"
    NAME_UNKNOWN = "name-unknown"
    REFUSED = "refused"
    NO_ROUTE = "no-route"
    SILENT = "silent"


_NO_ROUTE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EACCES})


def reach(host: str, port: int, timeout_s: float) -> Reach:
    """Try to connect, and hang up at once.

    Args:
        host: name or number.
        port: of TCP.
        timeout_s: longest wait for the connection, seconds; a name server may take its own time.
    """
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except (socket.gaierror, UnicodeError):
        return Reach.NAME_UNKNOWN
    except ConnectionRefusedError:
        return Reach.REFUSED
    except OSError as error:
        return Reach.NO_ROUTE if error.errno in _NO_ROUTE else Reach.SILENT
    return Reach.ANSWERS

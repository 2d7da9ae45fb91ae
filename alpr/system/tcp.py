"""What the kernel knows of a TCP connection whose descriptor belongs to someone else, and how to end it.

A descriptor's number may be another file's by the time that it is looked at: each call takes the identity that the
connection had when it was accepted, and does nothing where that is gone. Bytes are counted on Linux only.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys
import termios
from typing import NamedTuple, TypeAlias

_BYTES_AT = 120
"""Where struct tcp_info (linux/tcp.h) has tcpi_bytes_acked and tcpi_bytes_received, eight bytes each."""

Identity: TypeAlias = tuple[int, int]
"""Device and inode: no two sockets share them."""


class Flow(NamedTuple):
    """Bytes sent and received over a connection so far."""

    consumed: int
    """Received, and read by the program."""
    acked: int
    """Sent, and acknowledged by the other side's kernel."""


def identity(descriptor: int) -> Identity | None:
    """Identify the file that a descriptor is now; None where it is none.

    Args:
        descriptor: of this process.
    """
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def peer_address(descriptor: int) -> str:
    """Return the address of the other side, without its port; "" where there is none.

    Args:
        descriptor: of a connection.
    """
    lent = None
    try:
        lent = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, descriptor)
        return str(lent.getpeername()[0])
    except OSError:
        return ""
    finally:
        if lent is not None:
            lent.detach()


def flow(descriptor: int, who: Identity) -> Flow | None:
    """Read how much went over a connection; None where it is gone, zeros where the kernel does not tell.

    Args:
        descriptor: of a connection.
        who: its `identity` when it was accepted.
    """
    if identity(descriptor) != who:
        return None
    if sys.platform != "linux":
        return Flow(0, 0)
    lent = None
    try:
        lent = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, descriptor)
        info = lent.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        acked, received = struct.unpack_from("=QQ", info, _BYTES_AT)
        (unread,) = struct.unpack("=i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))
    except (OSError, struct.error):
        return None
    finally:
        if lent is not None:
            lent.detach()
    return Flow(max(0, received - unread), acked)


def hang_up(descriptor: int, who: Identity) -> bool:
    """End a connection both ways, so that its owner finds it broken; False where it was gone already.

    Args:
        descriptor: of a connection.
        who: its `identity` when it was accepted.
    """
    try:
        own = os.dup(descriptor)  # stays what it is, whatever becomes of the other
    except OSError:
        return _hang_up_in_place(descriptor, who)
    try:
        if identity(own) != who:
            return False
        return _hang_up_in_place(own, who)
    finally:
        os.close(own)


def _hang_up_in_place(descriptor: int, who: Identity) -> bool:
    if identity(descriptor) != who:
        return False
    lent = None
    try:
        lent = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, descriptor)
        lent.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    finally:
        if lent is not None:
            lent.detach()
    return True

"""The quality of the computer's clock as its kernel knows it, from whoever disciplines it (NTP, PTP, GPS)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KernelClock:
    """The quality of the clock, as the kernel knows it."""

    is_synchronised: bool
    max_error_s: float


class _Timex(ctypes.Structure):
    """struct timex of Linux, as far as it is read here (adjtimex(2))."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


_STA_UNSYNC, _TIME_ERROR = 0x40, 5


def kernel_clock() -> KernelClock | None:
    """Ask the kernel, changing nothing; None where it does not tell."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        timex = _Timex()
        state = libc.adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return KernelClock(state != _TIME_ERROR and not timex.status & _STA_UNSYNC, timex.maxerror / 1e6)

"""A bound on the arenas of glibc's allocator, so that threads that come and go do not each leave memory behind."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # malloc.h of glibc


def bound_arenas(most: int = 2) -> bool:
    """Hold the allocator to a few arenas; False where it is not glibc's, which changes nothing.

    Every connection to a camera has a thread of its own. Over 60 connections to an H.264 camera that hung up each
    time a process grew by 6 MB with as many arenas as glibc likes, and by 0.8 MB with two.

    Args:
        most: arenas; to be called before threads start.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, most))
    except (OSError, AttributeError):
        return False

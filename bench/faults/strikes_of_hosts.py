"""What the machine or strangers do to a program: no descriptors, wrong clocks, connections of all sorts."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from random import Random

import zmq

from alpr.link.keys.curve_keys import new_key_pair
from alpr.link.protocol.messages import Hello, encode
from bench.faults.heard import Heard
from bench.faults.strikes import arrive_again
from bench.faults.whole import Whole

_CROWD = 300


def few_descriptors_for_device(whole: Whole, _chance: Random, pace: float) -> None:
    """For 10 s the device can open no more than one file."""
    with _descriptors(whole, whole.edge, spare=1):
        time.sleep(10 * pace)
        whole.keep_up()
    arrive_again(whole)


def few_descriptors_for_collector(whole: Whole, _chance: Random, pace: float) -> None:
    """For 10 s the collector can open no more than one file."""
    with _descriptors(whole, whole.collector, spare=1):
        time.sleep(10 * pace)
        whole.keep_up()
    arrive_again(whole)


def crowd(whole: Whole, _chance: Random, pace: float) -> None:
    """For 10 s strangers hold 300 connections to a collector that may have 200 files open."""
    with _descriptors(whole, whole.collector, spare=200), ExitStack() as stack:
        for _ in range(_CROWD):
            with suppress(OSError):  # it need not take them all
                stack.enter_context(socket.create_connection(("127.0.0.1", whole.port), 0.2))
        time.sleep(10 * pace)
        whole.keep_up()
    arrive_again(whole)


def strangers(whole: Whole, chance: Random, _pace: float) -> None:
    """A hundred connections with garbage, and a greeting under a key that nobody knows."""
    words = (b"", b"\xff\0\0\0\0\0\0\0\x01\x7f", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 2048)
    for _ in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", whole.port), 5) as stranger:
            stranger.sendall(chance.choice((*words, chance.randbytes(300))))
    keys = new_key_pair()
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.curve_publickey, dealer.curve_secretkey = keys.public.encode(), keys.secret.encode()
        dealer.curve_serverkey = whole.server_key.encode()
        dealer.connect(f"tcp://127.0.0.1:{whole.port}")
        dealer.send(encode(Hello("0" * 16, ("0" * 16,), "alpr", datetime.now(UTC))))
        if dealer.poll(300):
            raise RuntimeError("a stranger was answered")
    arrive_again(whole)


def step_clock(whole: Whole, chance: Random, _pace: float) -> None:
    """The clock of either side jumps an hour on or back."""
    whole.wait_for_reads()
    program = chance.choice((whole.edge, whole.collector))
    program.signal(chance.choice((signal.SIGUSR1, signal.SIGUSR2)))
    arrive_again(whole)


@contextmanager
def _descriptors(whole: Whole, program: Heard, spare: int) -> Iterator[None]:
    """So many more than are open now."""
    arrive_again(whole)
    pid = program.pid
    highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - numbers, not paths
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1 + spare, hard))
    try:
        yield
    finally:
        if program.is_running and program.pid == pid:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))

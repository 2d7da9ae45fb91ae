"""Scenarios in which the other side is old, broken or hostile, while a true device goes on working."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import zmq

from alpr.link.keys.curve_keys import KeyPair, new_key_pair
from alpr.link.protocol.convert import record_from_read
from alpr.link.protocol.messages import Batch, Entry, Hello, encode
from bench.faults.line import a_line
from bench.faults.outcome import Outcome
from bench.faults.records import numbered_read
from bench.faults.stage import Stage, wait_until

BOOT = "0123456789abcdef"


def old_peer(folder: Path, scale: float) -> Outcome:
    """An enrolled device of another version: its odd records are refused one by one, nobody else is hurt."""
    with _working(folder, round(400 * scale), "old") as (stage, keys), _dealer(stage, keys) as dealer:
        now = datetime.now(UTC)
        dealer.send(msgspec.msgpack.encode({"kind": "hello", "v": 0, "boot_id": BOOT, "boots": [BOOT]}))
        dealer.send(encode(Hello(BOOT, (BOOT,), "alpr 0.0.1", now)))
        good = encode(record_from_read(numbered_read(10_000_000, "old")))
        odd = msgspec.msgpack.encode({"kind": "seance", "medium": "table"})
        lacking = msgspec.msgpack.encode({"kind": "read", "read_id": "0" * 32})
        entries = tuple(Entry(seq, msgspec.Raw(raw)) for seq, raw in enumerate((good, odd, lacking), 1))
        dealer.send(encode(Batch(BOOT, 1, entries)))
        answers = _answers(dealer, "ack")
    acks = [answer for answer in answers if answer["kind"] == "ack"]
    refused = {refusal["seq"] for ack in acks for refusal in ack["refused"]}
    counts = stage.count()
    taken = counts.foreign == 1  # the good one of the old device: ours, but not of the stream
    return Outcome(
        counts.missing == counts.twice == 0 and taken and refused == {2, 3},
        {**asdict(counts), "refused_records": len(refused)},
    )


def replay(folder: Path, scale: float) -> Outcome:
    """All that a device said on the wire is said again by a stranger."""
    stage = Stage(folder, round(600 * scale))
    with closing(stage), a_line(stage.port) as line:
        edge = stage.edge_to(f"tcp://127.0.0.1:{line.port}")
        stage.collector.start()
        edge.start()
        edge.wait(300)
        before = stage.column("SELECT count(*) FROM reads")[0]
        words = [said for said in line.first_words if len(said) > 500]
        for said in words * 20:
            with socket.create_connection(("127.0.0.1", stage.port)) as stranger:
                stranger.settimeout(0.2)
                for start in range(0, len(said), 700):
                    try:
                        stranger.sendall(said[start : start + 700])
                        stranger.recv(4096)
                    except OSError:
                        break
        time.sleep(1)
        stage.collector.stop()
    counts = stage.count()
    return Outcome(
        counts.is_right and bool(words) and before == counts.arrived, {**asdict(counts), "replays": 20 * len(words)}
    )


def hostile(folder: Path, scale: float) -> Outcome:
    """Garbage, half words, 10,000 connections, unknown keys; an enrolled device that sends too much and nonsense."""
    connections = round(10_000 * scale)
    with _working(folder, round(2000 * scale), "bad") as (stage, keys):
        before_mb = stage.collector.memory_mb()
        slow = [socket.create_connection(("127.0.0.1", stage.port)) for _ in range(100)]
        for number in range(connections):
            # One address makes only so many a second: those beyond are ended at once.
            with suppress(OSError), socket.create_connection(("127.0.0.1", stage.port), 5) as stranger:
                stranger.sendall(
                    (b"", b"\xff\0\0\0\0\0\0\0\x01\x7f", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 2048)[number % 4]
                )
            if number % 100 == 0:
                _trickle(slow, number // 100)
        refused = 0
        for _ in range(round(100 * scale)):
            with _dealer(stage, new_key_pair()) as unknown:
                unknown.send(encode(Hello(BOOT, (BOOT,), "alpr", datetime.now(UTC))))
                refused += not unknown.poll(20)
        with _dealer(stage, keys) as enrolled:
            for raw in (b"", b"\xc1" * 100, msgspec.msgpack.encode({"kind": "batch"}), b"x" * (40 << 20)):
                enrolled.send(raw)
            time.sleep(1)
        peak_mb = stage.collector.memory_mb()
        for one in slow:
            one.close()
    counts = stage.count()
    grown = peak_mb - before_mb
    return Outcome(
        counts.is_right and grown < 200,
        {
            **asdict(counts),
            "connections": connections,
            "strangers_refused": refused,
            "memory_before_mb": round(before_mb),
            "memory_grown_mb": round(grown),
        },
    )


def _trickle(sockets: list[socket.socket], at: int) -> None:
    """One byte each, as someone who wants to keep a place busy."""
    greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE"
    for one in sockets:
        try:
            one.send(greeting[at % len(greeting) : at % len(greeting) + 1])
        except OSError:
            continue


@contextmanager
def _working(folder: Path, total: int, name: str) -> Iterator[tuple[Stage, KeyPair]]:
    """A device at work beside whatever happens in the block; it has to finish all the same."""
    stage = Stage(folder, total)
    keys = new_key_pair()
    stage.allow(name, keys)
    with closing(stage):
        stage.collector.start()
        stage.edge.start()
        wait_until(lambda: "listening" in stage.collector.log.read_text(), 30, "the collector listens")
        wait_until(stage.database.exists, 30, "the collector works")
        yield stage, keys
        if stage.edge.wait(600):
            raise RuntimeError(f"the true device failed: {stage.edge.log.read_text()[-2000:]}")
        stage.collector.stop()


@contextmanager
def _dealer(stage: Stage, keys: KeyPair) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 200
        dealer.curve_publickey, dealer.curve_secretkey = keys.public.encode(), keys.secret.encode()
        dealer.curve_serverkey = stage.server.public.encode()
        dealer.connect(stage.endpoint)
        yield dealer


def _answers(dealer: zmq.Socket[bytes], last: str) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    while dealer.poll(20_000):
        answers.append(msgspec.msgpack.decode(dealer.recv()))
        if answers[-1]["kind"] == last:
            break
    return answers

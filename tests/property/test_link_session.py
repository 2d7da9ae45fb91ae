"""A device's session against a collector that says anything at all, at any time: the state machine holds."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from alpr.errors import MessageError
from alpr.journal.journal import Journal
from alpr.journal.outbox import Outbox, read_depth
from alpr.link.client.dealer_socket import SocketEvents, Transition
from alpr.link.client.heartbeat import HeartbeatSender
from alpr.link.client.hotlist_download import HeldSets, HotlistDownload
from alpr.link.client.session import Session
from alpr.link.keys.curve_keys import new_key_pair, write_private_key
from alpr.link.keys.keyring import KeyRing
from alpr.link.protocol.heartbeat_messages import Vitals
from alpr.link.protocol.hotlist_messages import HotlistsHeld
from alpr.link.protocol.messages import Ack, Batch, Welcome, decode_from_collector, decode_from_device, encode
from tests.conftest import FakeClock
from tests.records import a_hit, a_read

KINDS = (
    *("welcome", "ack", "goodbye", "echo", "claimed", "claim-refused", "new-key-taken", "new-key-refused"),
    *("server-key", "hotlists", "hotlist_part", "hotlist_none", "batch", "hello", "nothing"),
)
_SECONDS = [0, 1, -1, 2**31, 2**34 - 1, 253402300799, 253402300800, -62135596800, -62135596801, 2**63 - 1, -(2**63)]
STAMPS = st.tuples(st.sampled_from(_SECONDS), st.sampled_from([0, 999_999_999, 1_000_000_000, 2**32 - 1])).map(
    lambda pair: msgspec.msgpack.Ext(-1, pair[1].to_bytes(4, "big") + pair[0].to_bytes(8, "big", signed=True))
)
NUMBERS = st.sampled_from([0, 1, 2, 3, -1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**64 - 1, -(2**63)])
FLOATS = st.sampled_from([float("nan"), float("inf"), float("-inf"), -0.0, 1e300])
TEXTS = st.sampled_from(
    ["", "all", "../../x", "\x1b[2J", "a\nb", "x" * 500, "\0", "\u202e", "#" * 40, "0" * 40, "0" * 16, "f" * 32]
)
BYTES = st.sampled_from([b"", bytes(32), bytes(33), bytes(300)])
SCALARS = st.one_of(STAMPS, NUMBERS, FLOATS, TEXTS, BYTES, st.none(), st.booleans())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["seq", "reason", "list_set"]), inner)
    ),
    max_leaves=6,
)
NAMES = (
    *("boot_id", "seqs", "refused", "reason", "sent_at", "received_at", "answered_at", "public_key"),
    *("offers", "list_set", "revision", "file_sha256", "file_bytes", "offset", "content", "name"),
    *("old_until", "software", "v", "has_hotlists", "has_heartbeats"),
)
MAPS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)


class Wire:
    """Takes all; remembers records that went out since the connection was made."""

    def __init__(self) -> None:
        self.sent: set[int] = set()
        self.is_closed = False

    def send(self, message: bytes) -> bool:
        said = decode_from_device(message)
        if isinstance(said, Batch):
            self.sent.update(entry.seq for entry in said.entries)
        return True

    def retreat(self) -> None:
        self.is_closed = True

    def repel(self) -> None:
        self.is_closed = True


class HostileConversation(RuleBasedStateMachine):
    """What the machine is told is what a collector can say; what it keeps is what the rules allow."""

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.path, self.clock, self.wire = folder / "journal.db", FakeClock(), Wire()
        self.journal = self.stack.enter_context(closing(Journal(self.path, clock=self.clock)))
        self.outbox = self.stack.enter_context(Outbox(self.path))
        write_private_key(new_key_pair(), "edge", folder / "edge.key")
        self.server = new_key_pair().public
        self.ring = KeyRing(folder / "edge.key", self.server, folder / "collector.keys")
        self.folder = folder / "hotlists"
        heartbeats = HeartbeatSender(self.path, Vitals, self.clock, "test", 10, lambda: self.ring.servers)
        self.session = Session(
            self.outbox,
            self.wire,
            self.clock,
            "test",
            10,
            heartbeats,
            HotlistDownload(self, self.clock),
            self.ring.learn,
        )
        self.number, self.forgotten = 0, 0
        self.connect()

    # What the download asks of its store.
    held = HeldSets(HotlistsHeld(()))

    def holdings(self) -> HeldSets:
        return self.held

    def refuses(self, path: Path, file_bytes: int) -> bool:
        return False

    def connect(self) -> None:
        self.wire.sent, self.wire.is_closed = set(), False
        self.session.take(SocketEvents(((Transition.UP, "connected"),), ()))

    def say(self, *messages: bytes) -> None:
        self.session.take(SocketEvents((), messages))
        self.session.pump()

    @rule(is_hit=st.booleans())
    def a_read_comes(self, is_hit: bool) -> None:
        self.number += 1
        read = a_read(self.number, picture_bytes=0)
        self.journal.append([read], [a_hit(read)] if is_hit else [])
        self.session.pump()

    @rule(fields=MAPS, kind=st.sampled_from(KINDS))
    def it_says_anything(self, fields: dict[str, Any], kind: str) -> None:
        self.say(msgspec.msgpack.encode({"v": 1, **fields, "kind": kind}))

    @rule(raw=st.binary(max_size=200))
    def it_says_bytes(self, raw: bytes) -> None:
        self.say(raw)

    @rule()
    def it_welcomes(self) -> None:
        self.say(encode(Welcome("test", has_hotlists=True, has_heartbeats=True)))

    @rule(seqs=st.lists(st.integers(1, 40), max_size=10), is_ours=st.booleans())
    def it_acks(self, seqs: list[int], is_ours: bool) -> None:
        sent, waited = set(self.wire.sent), self.waiting()
        self.say(encode(Ack(self.journal.boot_id if is_ours else "0" * 16, tuple(seqs))))
        gone = waited - self.waiting()
        assert gone <= len(sent & set(seqs)) if is_ours else gone == 0

    @rule(times=st.integers(50, 400), fields=MAPS, kind=st.sampled_from(KINDS))
    def it_floods(self, times: int, fields: dict[str, Any], kind: str) -> None:
        self.say(*[msgspec.msgpack.encode({"v": 1, **fields, "kind": kind})] * times)

    @rule(change=st.sampled_from([Transition.DOWN, Transition.REFUSED, Transition.WRONG_KEY, Transition.VIOLATION]))
    def the_line_breaks(self, change: Transition) -> None:
        self.session.take(SocketEvents(((change, "broke"),), ()))
        self.session.pump()

    @rule(seconds=st.sampled_from([0.01, 1, 11, 61, 3700]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.session.pump()

    @precondition(lambda self: not self.session.state.is_connected)
    @rule()
    def it_is_reached_again(self) -> None:
        self.connect()

    def waiting(self) -> int:
        return sum(read_depth(self.path).rows.values())

    @invariant()
    def what_was_held_is_held(self) -> None:
        if self.number:
            assert self.session.state.acked <= self.number * 3
        assert self.server in self.ring.servers
        assert len(self.ring.servers) <= 2
        waiting = read_depth(self.path)
        lost = sum(waiting.lost.values())
        assert sum(waiting.rows.values()) + self.session.state.acked + lost >= self.number

    @invariant()
    def a_folder_holds_only_names_of_its_own(self) -> None:
        if self.folder.exists():
            assert all(path.suffix in (".part", ".alprhl") for path in self.folder.iterdir())
            assert sum(path.stat().st_size for path in self.folder.iterdir()) < 10 << 20

    @invariant()
    def times_are_the_devices_own(self) -> None:
        """An echo may lie about the offset, which is only told; nothing else hears of it."""
        assert self.session.state.last_ack_at is None or self.session.state.last_ack_at <= self.clock.now()

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()


_SETTINGS = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))


def test_a_hostile_conversation_ends_nothing_and_loses_nothing() -> None:
    run_state_machine_as_test(HostileConversation, settings=_SETTINGS)


def test_instants_at_the_ends_of_the_calendar_are_messages_or_none() -> None:
    for seconds in _SECONDS:
        stamp = msgspec.msgpack.Ext(-1, (0).to_bytes(4, "big") + seconds.to_bytes(8, "big", signed=True))
        raw = msgspec.msgpack.encode(
            {"kind": "echo", "v": 1, "sent_at": stamp, "received_at": stamp, "answered_at": stamp}
        )
        with suppress(MessageError):
            said: Any = decode_from_collector(raw)
            assert datetime(1, 1, 1, tzinfo=UTC) <= said.sent_at <= datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)

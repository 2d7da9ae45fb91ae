"""The container of a published update, and which may follow which: one test for each way to attack."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from alpr.errors import (
    ExpiredError,
    MalformedError,
    NotYetValidError,
    ReplayError,
    RollbackError,
    SignatureError,
    TruncatedError,
    UpdateRefused,
    WrongBaseError,
)
from alpr.hotlist.updates import payload as payload_module
from alpr.hotlist.updates.container import MAX_HEADER_BYTES, UpdateHead, check_payload, read_head
from alpr.hotlist.updates.payload import Block, blocks
from alpr.hotlist.updates.succession import SetVersion, check_follows
from tests.conftest import START
from tests.updates import ADMINS, ALICE, BOB, a_release, an_update, some_entries

HELD_1 = SetVersion(1, a_release(1))
ONE = {"stolen": some_entries("AB12CDE")}


def head_of(update: bytes) -> UpdateHead:
    return read_head(io.BytesIO(update))


def blocks_of(update: bytes) -> list[Block]:
    stream = io.BytesIO(update)
    return list(blocks(read_head(stream).header, stream))


def check(update: bytes) -> None:
    stream = io.BytesIO(update)
    check_payload(read_head(stream), stream)


def test_what_was_put_in_comes_out_and_was_signed() -> None:
    plates = [f"AA{n:05d}" for n in range(2500)]
    update = an_update(
        {"stolen": some_entries(*plates), "wanted": some_entries("X1")},
        removes={"wanted": [("X2", "", "case 7")]},
        base=1,
        revision=2,
        keys=(ALICE, BOB),
    )
    head = head_of(update)
    assert head.signers(ADMINS, 2) == ("alice", "bob")
    assert (head.file_bytes, head.header.name, head.header.is_delta) == (len(update), "all 2", True)
    assert (head.header.put, head.header.removed) == (2501, 1)
    check(update)
    found = blocks_of(update)
    assert [row["plate"] for block in found if block.list == "stolen" for row in block.put] == plates
    assert max(len(block.put) for block in found) == 1000
    assert [key for block in found for key in block.remove] == [("X2", "", "case 7")]


def test_signing_again_replaces_the_own_signature_and_leaves_the_header() -> None:
    head = head_of(an_update(ONE))
    twice = head.signed_by(BOB).signed_by(ALICE)
    assert [signature.key_id for signature in twice.signatures] == [BOB.key_id, ALICE.key_id]
    assert twice.header_bytes == head.header_bytes


def test_attack_altered_payload() -> None:
    update = bytearray(an_update(ONE))
    update[-1] ^= 1
    with pytest.raises(MalformedError, match="not the one that was signed"):
        check(bytes(update))
    with pytest.raises(MalformedError):
        blocks_of(bytes(update))


def test_attack_payload_of_another_update() -> None:
    mine, other = an_update(ONE), an_update({"stolen": some_entries("AB12CDF")})
    mixed = mine[: head_of(mine).payload_at] + other[head_of(other).payload_at :]
    assert len(mixed) == len(mine)
    with pytest.raises(MalformedError, match="not the one that was signed"):
        check(mixed)


def test_attack_altered_header() -> None:
    update = an_update(ONE, revision=7)
    altered = update.replace(b'"revision":7', b'"revision":9')
    with pytest.raises(SignatureError) as refused:
        head_of(altered).signers(ADMINS, 1)
    assert refused.value.cause == "bad-signature"


def test_attack_header_that_asks_for_fewer_signatures_than_the_device() -> None:
    with pytest.raises(SignatureError) as refused:
        head_of(an_update(ONE, signatures_needed=1)).signers(ADMINS, 2)
    assert refused.value.cause == "too-few-signatures"


def test_a_header_may_ask_for_more_signatures_than_the_device() -> None:
    draft = head_of(an_update(ONE, signatures_needed=2))
    with pytest.raises(SignatureError) as refused:
        draft.signers(ADMINS, 1)
    assert refused.value.cause == "too-few-signatures"
    assert draft.signed_by(BOB).signers(ADMINS, 1) == ("alice", "bob")


def test_attack_rollback() -> None:
    with pytest.raises(RollbackError, match="older than revision 8"):
        check_follows(head_of(an_update(ONE, revision=7)).header, SetVersion(8, a_release(8)), START)


def test_attack_another_publication_under_the_same_number() -> None:
    with pytest.raises(RollbackError, match="another publication than revision 7"):
        check_follows(head_of(an_update(ONE, revision=7)).header, SetVersion(7, a_release(99)), START)


def test_attack_replay() -> None:
    with pytest.raises(ReplayError, match="held already"):
        check_follows(head_of(an_update(ONE)).header, HELD_1, START + timedelta(days=365))


def test_attack_freeze_with_an_expired_update() -> None:
    header = head_of(an_update(ONE)).header
    check_follows(header, None, START + timedelta(days=13, hours=23))
    with pytest.raises(ExpiredError, match="expired at 2026-01-15T12:00"):
        check_follows(header, None, START + timedelta(days=14))


def test_attack_update_before_its_time() -> None:
    header = head_of(an_update(ONE)).header
    with pytest.raises(NotYetValidError, match="check the clock"):
        check_follows(header, None, START - timedelta(seconds=1))


@pytest.mark.parametrize("held", [None, HELD_1, SetVersion(2, a_release(99)), SetVersion(3, a_release(3))])
def test_attack_delta_on_a_wrong_base(held: SetVersion | None) -> None:
    header = head_of(an_update(ONE, revision=4, base=2)).header
    with pytest.raises(WrongBaseError, match="a snapshot is needed"):
        check_follows(header, held, START)


def test_a_delta_on_its_base_and_a_snapshot_on_anything_older_follow() -> None:
    check_follows(head_of(an_update(ONE, revision=4, base=2)).header, SetVersion(2, a_release(2)), START)
    check_follows(head_of(an_update(ONE, revision=4)).header, HELD_1, START)


def test_attack_truncated_anywhere() -> None:
    update = an_update({"stolen": some_entries(*(f"AA{n:03d}" for n in range(50)))})
    for length in range(len(update)):
        with pytest.raises(TruncatedError):
            check(update[:length])
    check(update)
    with pytest.raises(TruncatedError):
        blocks_of(update[:-1])


def test_attack_any_byte_altered() -> None:
    """Whatever byte is altered: refused, or the same header and payload (Base64 has bits that mean nothing)."""
    update = an_update(ONE)
    for place in range(len(update)):
        altered = bytearray(update)
        altered[place] ^= 0x11
        stream = io.BytesIO(altered)
        try:
            head = read_head(stream)
            head.signers(ADMINS, 1)
            check_payload(head, stream)
        except UpdateRefused:
            continue
        assert head.header_bytes == head_of(update).header_bytes
        assert altered[head.payload_at :] == update[head.payload_at :]


def test_attack_more_after_the_end() -> None:
    with pytest.raises(MalformedError, match="goes on after its end"):
        check(an_update(ONE) + b"\0")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"put": 2}, "its header says otherwise"),
        ({"unpacked_bytes": 3}, "unpacks to more than the 3 bytes"),
        ({"unpacked_bytes": 3000}, "not as long as it states"),
        ({"lists": ()}, "does not name"),
        ({"payload_sha256": "0" * 64}, "not the one that was signed"),
    ],
)
def test_a_payload_that_is_not_what_its_header_says(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MalformedError, match=complaint):
        blocks_of(an_update(ONE, **changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": 2}, "cannot be understood"),
        ({"list_set": "../x"}, "cannot be understood"),
        ({"base_release": a_release(1)}, "half a base"),
        ({"base_revision": 1, "base_release": a_release(1)}, "cannot follow"),
        ({"removed": 1}, "a snapshot removes nothing"),
        ({"expires_at": START}, "expires before it is valid"),
        ({"made_at": START.replace(tzinfo=None)}, "cannot be understood"),
    ],
)
def test_headers_that_make_no_sense(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MalformedError, match=complaint):
        head_of(an_update(ONE, **changes))


def test_a_list_named_twice_is_refused() -> None:
    lists = head_of(an_update(ONE)).header.lists
    with pytest.raises(MalformedError, match="names a list twice"):
        head_of(an_update(ONE, lists=lists * 2))


def with_header(change: Callable[[dict[str, Any]], None]) -> bytes:
    head = head_of(an_update(ONE))
    fields = msgspec.json.decode(head.header_bytes)
    change(fields)
    return UpdateHead(head.header, msgspec.json.encode(fields), head.signatures).encoded()


def test_a_condition_that_we_do_not_know_is_not_overlooked() -> None:
    with pytest.raises(MalformedError, match="only_on_sundays"):
        head_of(with_header(lambda fields: fields.update(only_on_sundays=True)))


@pytest.mark.parametrize("content", [b"", b"ALPRHL", b"plate,reason\nAB12CDE,stolen\n", b"ALPRHL2\n" + b"\0" * 90])
def test_what_is_no_update(content: bytes) -> None:
    with pytest.raises((MalformedError, TruncatedError)):
        head_of(content)


def test_a_head_of_absurd_size_is_not_read() -> None:
    with pytest.raises(MalformedError, match="is the most"):
        head_of(b"ALPRHL1\n" + (MAX_HEADER_BYTES + 1).to_bytes(4, "big") + b"{" * 100)


def packed(*framed: bytes) -> dict[str, Any]:
    import hashlib

    unpacked = b"".join(framed)
    content = zlib.compress(unpacked)
    return {
        "content": content,
        "payload_bytes": len(content),
        "unpacked_bytes": len(unpacked),
        "payload_sha256": hashlib.sha256(content).hexdigest(),
    }


@pytest.mark.parametrize(
    ("framed", "complaint"),
    [
        (b"\0\0\0\x05abcde", "cannot be understood"),
        (b"\0\0\0\x05ab", "last block is not whole"),
        (b"\0\0", "last block is not whole"),
        ((payload_module.MAX_BLOCK_BYTES + 1).to_bytes(4, "big"), "is the most"),
    ],
)
def test_blocks_that_are_none(framed: bytes, complaint: str) -> None:
    made = packed(framed)
    content = made.pop("content")
    head = head_of(an_update(ONE, **made))
    with pytest.raises(MalformedError, match=complaint):
        blocks_of(head.encoded() + content)


def test_a_bomb_unpacks_no_further_than_it_states() -> None:
    made = packed(b"\0" * (64 << 20))
    content = made.pop("content")
    assert len(content) < 100_000
    head = head_of(an_update(ONE, **made | {"unpacked_bytes": 1000}))
    with pytest.raises(MalformedError, match="unpacks to more than the 1000 bytes"):
        blocks_of(head.encoded() + content)

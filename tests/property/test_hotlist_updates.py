"""A delta on what was leads to what is, whatever both hold."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alpr.hotlist.store.entry_store import EntryKey
from alpr.hotlist.updates.container import Header, PublishedList
from alpr.hotlist.updates.payload import Block, PayloadWriter, blocks
from alpr.hotlist.updates.publish import _merge
from tests.conftest import START
from tests.updates import a_release

LISTS = ("amber", "stolen", "Ärger")
Content = dict[tuple[str, EntryKey], str]
"""Reasons by list and key."""

keys = st.tuples(
    st.sampled_from(["A1", "AA", "B2", "Z9"]), st.sampled_from(["", "GB"]), st.sampled_from(["", "ß", "1"])
)
contents = st.dictionaries(
    st.tuples(st.sampled_from(LISTS), keys), st.sampled_from(["stolen", "wanted", "a\nb"]), max_size=12
)


def rows(content: Content) -> Iterator[tuple[str, EntryKey, dict[str, Any]]]:
    for (name, key), reason in sorted(content.items()):
        mapping = {"plate": key[0], "region": key[1], "case_reference": key[2], "reason": reason}
        yield name, key, {field: value for field, value in mapping.items() if value}


def written(writer: PayloadWriter, stream: io.BytesIO) -> list[Block]:
    facts = writer.finish()
    stream.seek(0)
    header = Header(
        1, "all", 2, a_release(2), 1, a_release(1), START, START, START, 1,
        tuple(PublishedList(name, 0, START) for name in LISTS),
        facts.put, facts.removed, facts.payload_bytes, facts.unpacked_bytes, facts.payload_sha256,
    )  # fmt: skip
    return list(blocks(header, stream))


def applied(found: list[Block], content: Content) -> Content:
    after = dict(content)
    for block in found:
        for key in block.remove:
            del after[block.list, key]
        for entry in block.put:
            key = (entry["plate"], entry.get("region", ""), entry.get("case_reference", ""))
            after[block.list, key] = entry["reason"]
    return after


@given(before=contents, now=contents)
def test_a_delta_leads_from_what_was_to_what_is_and_says_no_more(before: Content, now: Content) -> None:
    streams = io.BytesIO(), io.BytesIO()
    snapshot, delta = map(PayloadWriter, streams)
    _merge(rows(before), rows(now), snapshot, delta)
    whole, change = written(snapshot, streams[0]), written(delta, streams[1])
    assert applied(whole, {}) == now
    assert applied(change, before) == now
    said = sum(len(block.put) + len(block.remove) for block in change)
    assert said == sum(before.get(key) != now.get(key) for key in before.keys() | now.keys())


@given(st.binary(max_size=300))
def test_garbage_never_ends_in_anything_but_a_refusal(garbage: bytes) -> None:
    from alpr.errors import UpdateRefused
    from alpr.hotlist.updates.container import MAGIC, read_head

    for content in (garbage, MAGIC + garbage, MAGIC + len(garbage).to_bytes(4, "big") + garbage + b"\0\0\0\2[]"):
        try:
            read_head(io.BytesIO(content))
        except UpdateRefused:
            continue
        raise AssertionError("garbage was taken for an update")

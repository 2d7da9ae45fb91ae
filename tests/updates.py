"""Builders of administrators' keys and of published updates."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alpr.hotlist.store.entry_store import EntryKey
from alpr.hotlist.updates.container import Header, PublishedList, unsigned_head
from alpr.hotlist.updates.payload import PayloadWriter
from alpr.hotlist.updates.signing import Admin, AdminKey
from tests.conftest import START


def an_admin_key(number: int = 1) -> AdminKey:
    """A key that is the same each time."""
    return AdminKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


ALICE, BOB = an_admin_key(1), an_admin_key(2)
ADMINS = (Admin("alice", ALICE.public), Admin("bob", BOB.public))


def a_release(revision: int) -> str:
    """The release of a revision, where the test does not say otherwise."""
    return f"{revision:016x}"


def an_update(
    puts: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    removes: Mapping[str, Iterable[EntryKey]] | None = None,
    entries: Mapping[str, int] | None = None,
    revision: int = 1,
    base: int | None = None,
    keys: Iterable[AdminKey] = (ALICE,),
    made_at: datetime = START,
    updated_at: datetime | None = None,
    **changes: Any,
) -> bytes:
    """A published update, as a file holds it.

    Args:
        puts: list → mappings of its entries.
        removes: list → keys of entries.
        entries: list → how many it has then; as many as are put where it is not said.
        changes: fields of the header that are to be otherwise.
    """
    payload = io.BytesIO()
    writer = PayloadWriter(payload)
    listed = {name: list(mappings) for name, mappings in puts.items()}
    for name, mappings in listed.items():
        for mapping in mappings:
            writer.put(name, dict(mapping))
    for name, removed in (removes or {}).items():
        for key in removed:
            writer.remove(name, key)
    facts = writer.finish()
    counts = {name: len(mappings) for name, mappings in listed.items()} | dict(entries or {})
    fields: dict[str, Any] = {
        "format": 1,
        "list_set": "all",
        "revision": revision,
        "release": a_release(revision),
        "base_revision": base,
        "base_release": None if base is None else a_release(base),
        "made_at": made_at,
        "not_before": made_at,
        "expires_at": made_at + timedelta(days=14),
        "signatures_needed": 1,
        "lists": tuple(PublishedList(name, count, updated_at or made_at) for name, count in counts.items()),
        "put": facts.put,
        "removed": facts.removed,
        "payload_bytes": facts.payload_bytes,
        "unpacked_bytes": facts.unpacked_bytes,
        "payload_sha256": facts.payload_sha256,
    }
    head = unsigned_head(Header(**fields | changes))
    for signer in keys:
        head = head.signed_by(signer)
    return head.encoded() + payload.getvalue()


def some_entries(*plates: str, reason: str = "stolen car") -> list[dict[str, Any]]:
    """Mappings of plain entries."""
    return [{"plate": plate, "reason": reason} for plate in plates]

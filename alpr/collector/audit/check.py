"""Checks the audit against all that is known of it: its own chain, and the heads that were kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from alpr.collector.audit.audit import ChainHead, audited, verify_audit, wrong_with
from alpr.collector.audit.heads import KeptHeads, head_from, is_sealed
from alpr.collector.store.files import audit_path
from alpr.errors import AuditError, DecodeError
from alpr.link.keys.curve_keys import KeyPair
from alpr.link.protocol.heartbeat_messages import AuditHead
from alpr.system.decoding import decoded
from alpr.system.sqlite import connect_read_only, stored


class _Witnessed(msgspec.Struct):
    rows: int
    hash: str
    epoch: int = 0


_witnessed = msgspec.json.Decoder(_Witnessed)


def check_audit(database: Path, expected: Iterable[ChainHead] = ()) -> ChainHead:
    """Walk the audit of a collector's database and check it against the heads kept there; return its end.

    Args:
        database: the collector's.
        expected: further heads that it must contain.

    Raises:
        AuditError: what is wrong with it, or there is none.
    """
    path = audit_path(database)
    with audited():
        database_id, heads = KeptHeads(database).known()
        if heads and not path.is_file():
            raise AuditError(f"{path}: the audit is gone; it had {heads[0].rows} rows")
        found = verify_audit(path, *expected)
        with closing(connect_read_only(path)) as connection, stored(path):
            if mismatch := wrong_with(connection, database_id, heads):
                raise AuditError(f"{path}: {mismatch}")
    return found


def heads_of_witness(file: Path) -> Iterator[ChainHead]:
    """Yield the heads in a witness's file, in which other lines may stand too.

    Args:
        file: with JSON lines; see `append_to`.

    Raises:
        AuditError: it cannot be read.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise AuditError(f"{file}: the witness cannot be read ({error.strerror})") from error
    for line in lines:
        try:
            witnessed = decoded(_witnessed, line)
        except DecodeError:
            continue
        yield ChainHead(witnessed.rows, witnessed.hash, witnessed.epoch)


def heads_of_devices(remembered: Iterable[AuditHead | None], keys: KeyPair) -> Iterator[ChainHead]:
    """Return the heads among those of devices that the collector sealed itself: a device cannot make one up.

    Args:
        remembered: heads that devices remember; None for none.
        keys: the collector's.
    """
    return (head_from(head) for head in remembered if head is not None and is_sealed(head, keys))

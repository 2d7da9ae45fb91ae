"""The order of updates: one follows another where it is newer, in time, and on its own base. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alpr.errors import ExpiredError, NotYetValidError, ReplayError, RollbackError, WrongBaseError
from alpr.hotlist.updates.container import Header


@dataclass(frozen=True, slots=True)
class SetVersion:
    """The revision of a set that a database holds, or held."""

    revision: int
    release: str


def check_follows(header: Header, held: SetVersion | None, now: datetime, floor: SetVersion | None = None) -> None:
    """Check that an update, whoever signed it, may follow what is held.

    Args:
        header: of the update.
        held: version of the same set in the database; None where there is none yet.
        now: by the device's clock.
        floor: the highest version that was ever held of the set, None where unknown; above `held` where the
            database was lost.

    Raises:
        ReplayError: it is what is held.
        RollbackError: it is older, or another publication under the number that is, or ever was, held.
        ExpiredError, NotYetValidError: by the clock.
        WrongBaseError: a delta against something else.
    """
    if held is not None and header.revision == held.revision and header.release == held.release:
        raise ReplayError(f"revision {held.revision} is held already")
    if held is not None and header.revision <= held.revision:
        what = "older than" if header.revision < held.revision else "another publication than"
        raise RollbackError(f"revision {header.revision} is {what} revision {held.revision}, which is held")
    if floor is not None and (header.revision < floor.revision or _is_other(header, floor)):
        what = "older than" if header.revision < floor.revision else "another publication than"
        raise RollbackError(
            f"revision {header.revision} is {what} revision {floor.revision}, which was held here before the "
            "database was reset: bring that one or a newer one"
        )
    if now >= header.expires_at:
        raise ExpiredError(f"it expired at {_second(header.expires_at)}, now is {_second(now)}: publish a new one")
    if now < header.not_before:
        raise NotYetValidError(
            f"it is not valid before {_second(header.not_before)}, now is {_second(now)}: check the clock"
        )
    base = (header.base_revision, header.base_release)
    if header.is_delta and (held is None or base != (held.revision, held.release)):
        holds = f"revision {held.revision}" if held else "nothing"
        raise WrongBaseError(f"it follows revision {header.base_revision}, held is {holds}: a snapshot is needed")


def _is_other(header: Header, held: SetVersion) -> bool:
    return header.revision == held.revision and header.release != held.release


def _second(at: datetime) -> str:
    return at.isoformat(timespec="seconds")

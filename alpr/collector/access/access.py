"""The only way to what the collector keeps: a purpose is stated, the look is recorded, then there is an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from alpr.clock import SystemClock
from alpr.collector.access.hits import FoundHit, HitQuery, find_hits, find_misreads, write_crops
from alpr.collector.access.search import ReadQuery, SearchResult, search
from alpr.collector.audit.audit import RENEW, Access, Audit, ChainHead
from alpr.collector.audit.heads import KeptHeads, new_epoch, open_audit
from alpr.errors import AccessDenied, AuditError, DispositionError
from alpr.types import Disposition

# Said by people who are asked for a purpose and have none, or will not tell.
_EMPTY_WORDS = frozenset(  # as prose, one word after the other
    """a abc and applicable asdf asdfg bar because blah business check checking enforcement foo for hello idk inquiry
    investigation job just law look looking lookup misc my na nil no none not nothing of official other plate police
    purpose purposes query qwerty random reason reasons search searching see some something stuff tbd test testing
    the this todo unknown use various whatever work xyz yes""".split()  # noqa: SIM905 - sixty quoted words are harder to read
)
_MIN_LETTERS = 5


def audited_search(
    database: Path, audit: Audit, query: ReadQuery, *, who: str, purpose: str, case_id: str = ""
) -> SearchResult:
    """Search, record the search with its result count, then answer.

    Args:
        database: the collector's.
        audit: takes the record of the search.
        query: pattern, times and camera.
        who: the person, as the system knows them.
        purpose: why, in their own words.
        case_id: number of the case; "" for none.

    Raises:
        AccessDenied: no purpose, or one that says nothing.
        AuditError: the look could not be recorded; there is no answer then.
        StoreError: the database cannot be read.
    """
    asked = {
        "plate": query.pattern,
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
        "camera": query.camera_id,
        "limit": query.limit,
    }
    look = Access(who, "search", asked, purpose.strip(), case_id.strip(), 0)
    with _failures_recorded(audit, look):
        checked_purpose(purpose)
        found = search(database, query)
        audit.record(replace(look, query={**asked, "is_cut": found.is_cut}, result_count=len(found.reads)))
    return found


def audited_hits(
    database: Path, audit: Audit, query: HitQuery, *, who: str, purpose: str, case_id: str = ""
) -> list[FoundHit]:
    """Look for hits; recorded and raising as `audited_search`. Covert entries' hits show to their receivers only.

    Args:
        database: the collector's.
        audit: takes the record.
        query: times, list and state.
        who: the person, as the system knows them; also by whose name covert hits are shown.
        purpose: why, in their own words.
        case_id: number of the case; "" for none.
    """
    asked = {
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
        "list": query.list_name,
        "is_undecided": query.is_undecided,
        "limit": query.limit,
    }
    look = Access(who, "hits", asked, purpose.strip(), case_id.strip(), 0)
    with _failures_recorded(audit, look):
        checked_purpose(purpose)
        found = find_hits(database, query, (who,))
        audit.record(replace(look, result_count=len(found)))
    return found


def audited_decision(
    database: Path, audit: Audit, disposition: Disposition, *, purpose: str, case_id: str = ""
) -> Disposition:
    """Decide on a hit at the centre. It is recorded first, so that no decision stands that the audit does not know; a
    decision that is refused is recorded too.

    Args:
        database: the collector's.
        audit: takes the record.
        disposition: the decision and who made it.
        purpose: why, in their own words.
        case_id: number of the case; "" for none.

    Raises:
        DispositionError: the hit is not here or they may not learn of it, which read the same; or the rules do not
            allow the decision.
        AuditError: the decision could not be recorded; it was not made then.
    """
    asked = {
        "hit_id": disposition.hit_id,
        "disposition_id": disposition.disposition_id,
        "verdict": disposition.verdict.value,
        "action": disposition.action.value,
    }
    decision = Access(disposition.by, "dispose", asked, purpose.strip(), case_id.strip(), 0)
    from alpr.collector.store.store import Store  # noqa: PLC0415 - slow to import, and who only looks never needs it

    with _failures_recorded(audit, decision), closing(Store(database)) as store:
        checked_purpose(purpose)
        names = (disposition.by,)
        store.check_decision(disposition, names)
        audit.record(replace(decision, result_count=1))
        return store.decide(disposition, names)


def audited_misreads(database: Path, audit: Audit, folder: Path, *, who: str, purpose: str, case_id: str = "") -> int:
    """Export misreads as labelled crops, recorded before anything is written; return their number.

    Misreads of covert entries are exported for their receivers only.

    Args:
        database: the collector's.
        audit: takes the record.
        folder: created where missing.
        who: the person, as the system knows them.
        purpose: why, in their own words.
        case_id: number of the case; "" for none.
    """
    export = Access(who, "export-misreads", {"folder": str(folder)}, purpose.strip(), case_id.strip(), 0)
    with _failures_recorded(audit, export):
        checked_purpose(purpose)
        misreads = list(find_misreads(database, (who,)))
        audit.record(replace(export, result_count=len(misreads)))
        return write_crops(iter(misreads), folder)


def audited_audit(audit: Audit, *, who: str, by: str = "", plate: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest rows of the audit, oldest first; this look is its next row.

    Args:
        audit: read, and then written.
        who: the person who looks.
        by: only rows of this person: a part of the name, in any case; "" for everybody.
        plate: only rows about this plate: a part of the query; "" for any.
        limit: the largest number of rows.
    """
    look = Access(who, "audit", {"who": by, "plate": plate, "limit": limit}, "reading the audit", "", 0)
    with _failures_recorded(audit, look):
        rows = [
            row
            for row in audit.rows()
            if by.casefold() in str(row["who"]).casefold() and plate.upper() in str(row["query"]).upper()
        ][-limit:]
        audit.record(replace(look, result_count=len(rows)))
    return rows


def audited_renewal(database: Path, *, who: str, purpose: str, case_id: str = "") -> ChainHead:
    """Begin the audit anew, on record: the next row names what is missing, which is not looked for any more.

    Args:
        database: the collector's.
        who: the person, as the system knows them.
        purpose: why, in their own words.
        case_id: number of the case; "" for none.

    Raises:
        AccessDenied: no purpose, or one that says nothing.
        AuditError: its chain is broken: it has to be moved aside first.
    """
    kept, clock = KeptHeads(database), SystemClock()
    with closing(open_audit(database, clock)) as audit:
        database_id, heads = kept.known()
        asked = {
            "epoch": new_epoch(clock.now(), [audit.head(), *heads]),
            "database": database_id,
            "missing": audit.missing(),
        }
        renewal = Access(who, RENEW, asked, purpose.strip(), case_id.strip(), 0)
        with _failures_recorded(audit, replace(renewal, action="renew-refused")):
            checked_purpose(purpose)
        audit.verify()
        audit.record(renewal)
        kept.keep(audit.head(), clock.now())
        return audit.head()


@contextmanager
def _failures_recorded(audit: Audit, access: Access) -> Iterator[None]:
    """Record an error with what was asked for: as refused, or as failed on the way."""
    try:
        yield
    except AuditError:  # it cannot be recorded
        raise
    except BaseException as error:
        word = "refused" if isinstance(error, AccessDenied | DispositionError) else "failed"
        audit.record(replace(access, outcome=f"{word}: {error or type(error).__name__}"))
        raise


def checked_purpose(purpose: str) -> str:
    """Return a purpose without the space around it, after checking that it says something.

    Args:
        purpose: as the person stated it.

    Raises:
        AccessDenied: it is empty, too short to mean anything, or a phrase that stands for having none.

    >>> checked_purpose(" stolen vehicle, case 12 ")
    'stolen vehicle, case 12'
    """
    words = re.findall(r"\w+", purpose.casefold())
    letters = [char for word in words for char in word if char.isalpha()]
    if len(letters) < _MIN_LETTERS or len(set(letters)) < 3 or _says_nothing(words):
        raise AccessDenied(f"purpose {purpose.strip()!r} says nothing: state in a few words what the search is for")
    return purpose.strip()


def _says_nothing(words: list[str]) -> bool:
    return all(word in _EMPTY_WORDS or word.isdigit() or len(word) == 1 for word in words)

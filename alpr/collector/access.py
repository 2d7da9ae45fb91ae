"""The only way to what the collector keeps: a purpose is stated, the look is recorded, then there is an answer."""

from __future__ import annotations

import os
import pwd
import re
from contextlib import closing
from pathlib import Path

from alpr.collector.audit import Access, Audit
from alpr.collector.hits import FoundHit, HitQuery, find_hits, find_misreads, write_crops
from alpr.collector.search import Found, Query, search
from alpr.collector.store import Store
from alpr.errors import AccessDenied
from alpr.hotlist.match.hits import may_learn
from alpr.types import Disposition

# Said by people who are asked for a purpose and have none, or will not tell.
_EMPTY_WORDS = frozenset(  # as prose, one word after the other
    """a abc and applicable asdf asdfg bar because blah business check checking enforcement foo for hello idk inquiry
    investigation job just law look looking lookup misc my na nil no none not nothing of official other plate police
    purpose purposes query qwerty random reason reasons search searching see some something stuff tbd test testing
    the this todo unknown use various whatever work xyz yes""".split()  # noqa: SIM905 - sixty quoted words are harder to read
)
_MIN_LETTERS = 5


def audited_search(database: Path, audit: Audit, query: Query, *, who: str, purpose: str, case_id: str = "") -> Found:
    """Search, record the search with its result count, then answer.

    Args:
        who: the person, as the system knows them.
        purpose: why, in their own words.

    Raises:
        AccessDenied: no purpose, or one that says nothing.
        AuditError: the look could not be recorded; there is no answer then.
        StoreError: the database cannot be read.
    """
    stated = checked_purpose(purpose)
    found = search(database, query)
    asked = {
        "plate": query.pattern,
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
        "camera": query.camera_id,
        "limit": query.limit,
        "is_cut": found.is_cut,
    }
    audit.record(Access(who, "search", asked, stated, case_id.strip(), len(found.reads)))
    return found


def audited_hits(
    database: Path, audit: Audit, query: HitQuery, *, who: str, purpose: str, case_id: str = ""
) -> list[FoundHit]:
    """Look for hits; recorded and raising as `audited_search`. Covert entries' hits show to their receivers only."""
    stated = checked_purpose(purpose)
    found = [one for one in find_hits(database, query) if may_learn(one.hit.entry.receivers, (who,))]
    asked = {
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
        "list": query.list_name,
        "is_undecided": query.is_undecided,
        "limit": query.limit,
    }
    audit.record(Access(who, "hits", asked, stated, case_id.strip(), len(found)))
    return found


def audited_decision(
    database: Path, audit: Audit, disposition: Disposition, *, purpose: str, case_id: str = ""
) -> Disposition:
    """Decide on a hit at the centre. Recorded first, so that no decision stands that the audit does not know.

    Raises:
        DispositionError: the hit is not here, or the rules do not allow the decision.
        AuditError: the decision could not be recorded; it was not made then.
    """
    with closing(Store(database)) as store:
        audit.record(
            Access(
                disposition.by,
                "dispose",
                {
                    "hit_id": disposition.hit_id,
                    "disposition_id": disposition.disposition_id,
                    "verdict": disposition.verdict.value,
                    "action": disposition.action.value,
                },
                checked_purpose(purpose),
                case_id.strip(),
                1,
            )
        )
        return store.decide(disposition)


def audited_misreads(database: Path, audit: Audit, folder: Path, *, who: str, purpose: str, case_id: str = "") -> int:
    """Export misreads as labelled crops, recorded before anything is written; how many.

    Those of covert entries' hits are exported for their receivers only.
    """
    misreads = [one for one in find_misreads(database) if may_learn(one.receivers, (who,))]
    audit.record(
        Access(who, "export-misreads", {"folder": str(folder)}, checked_purpose(purpose), case_id, len(misreads))
    )
    return write_crops(iter(misreads), folder)


def checked_purpose(purpose: str) -> str:
    """A purpose that says something, without space around it.

    Raises:
        AccessDenied: it is empty, too short to mean anything, or a phrase that stands for having none.
    """
    words = re.findall(r"\w+", purpose.casefold())
    letters = [char for word in words for char in word if char.isalpha()]
    if len(letters) < _MIN_LETTERS or len(set(letters)) < 3 or _says_nothing(words):
        raise AccessDenied(f"purpose {purpose.strip()!r} says nothing: state in a few words what the search is for")
    return purpose.strip()


def _says_nothing(words: list[str]) -> bool:
    return all(word in _EMPTY_WORDS or word.isdigit() or len(word) == 1 for word in words)


def os_user() -> str:
    """Who runs this process, as the system knows them: with the name they logged in under where that differs."""
    name = _name(os.getuid())
    try:
        login_id = int(Path("/proc/self/loginuid").read_text("ascii"))
    except (OSError, ValueError):
        return name
    is_set = login_id != 2**32 - 1
    return f"{name} (logged in as {_name(login_id)})" if is_set and login_id != os.getuid() else name


def _name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"uid {user_id}"

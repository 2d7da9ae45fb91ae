"""The match policies of lists in the hotlist database: reading and changing them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alpr.errors import HotlistError, StoreError
from alpr.hotlist.rules.policy import DEFAULT_POLICY, MatchPolicy
from alpr.hotlist.store.database import open_for_writing
from alpr.hotlist.store.staging import refuse_other_origin, remember_revision
from alpr.system.sqlite import stored, transaction


def set_policy(
    database: Path, list_name: str, settings: Mapping[str, str], now: datetime | None = None
) -> MatchPolicy:
    """Change settings of a list's policy; the others stay. In force for all readers from now on.

    A policy that differs from the one before is a new revision of the list: a hit is told by list and revision.

    Args:
        database: the hotlist database.
        list_name: of the list.
        settings: setting → value, as text; see `MatchPolicy`.
        now: when it was changed; None for this moment.

    Returns:
        The policy as it is now.

    Raises:
        HotlistError: there is no such list or setting, a value is not one, or the list comes from signed updates,
            which bring its policy; nothing is changed.
        StoreError: the database cannot be written.
    """
    if not database.is_file():
        raise StoreError(f"{database}: no hotlist database there: import a list first")
    with closing(open_for_writing(database)) as connection, stored(database), transaction(connection):
        row = connection.execute("SELECT policy FROM lists WHERE name = ?", (list_name,)).fetchone()
        if row is None:
            raise HotlistError(f"{database}: no list named {list_name!r}: see `alpr hotlist list`")
        refuse_other_origin(connection, list_name, "")
        policy = policy_from_json(row[0], list_name).changed(settings)
        written = json_from_policy(policy)
        if written != row[0]:
            update = "UPDATE lists SET policy = ?, revision = revision + 1 WHERE name = ?"
            connection.execute(update, (written, list_name))
            when = now or datetime.now(UTC)
            remember_revision(connection, list_name, cause="policy", source="", now=when)
    return policy


def json_from_policy(policy: MatchPolicy) -> str:
    """Return the settings that differ from the defaults: a better default reaches every list that did not choose.

    Args:
        policy: of a list.
    """
    defaults = DEFAULT_POLICY.settings()
    return json.dumps({name: value for name, value in policy.settings().items() if value != defaults[name]})


def policy_from_json(written: str, list_name: str) -> MatchPolicy:
    """Return the policy that a list's row holds.

    Args:
        written: JSON, as `json_from_policy` made it.
        list_name: named in messages.

    Raises:
        HotlistError: it cannot be understood; the policy is not guessed.
    """
    try:
        settings = {str(name): str(value) for name, value in json.loads(written).items()}
    except (ValueError, AttributeError) as error:
        raise HotlistError(f"the match policy of list {list_name!r} cannot be read ({error}): set it anew") from error
    return DEFAULT_POLICY.changed(settings)

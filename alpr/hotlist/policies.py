"""The match policies in the hotlist database: how they stand there, changing one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from alpr.errors import HotlistError, StoreError
from alpr.hotlist.database import open_for_writing, stored
from alpr.hotlist.policy import DEFAULT_POLICY, MatchPolicy
from alpr.sqlite import transaction


def set_policy(database: Path, list_name: str, settings: Mapping[str, str]) -> MatchPolicy:
    """Change settings of a list's policy; the others stay. Counts for all readers from now on.

    Args:
        settings: by name, as text; see `MatchPolicy`.

    Returns:
        The policy as it is now.

    Raises:
        HotlistError: there is no such list or setting, or a value is not one; nothing is changed.
        StoreError: the database cannot be written.
    """
    if not database.is_file():
        raise StoreError(f"{database}: no hotlist database there: import a list first")
    with closing(open_for_writing(database)) as connection, stored(database), transaction(connection):
        row = connection.execute("SELECT policy FROM lists WHERE name = ?", (list_name,)).fetchone()
        if row is None:
            raise HotlistError(f"{database}: no list named {list_name!r}: see `alpr hotlist list`")
        policy = policy_from_json(row[0], list_name).changed(settings)
        written = json_from_policy(policy)
        connection.execute("UPDATE lists SET policy = ? WHERE name = ?", (written, list_name))
    return policy


def json_from_policy(policy: MatchPolicy) -> str:
    """What differs from the defaults, so that a better default reaches every list that did not choose."""
    defaults = DEFAULT_POLICY.settings()
    return json.dumps({name: value for name, value in policy.settings().items() if value != defaults[name]})


def policy_from_json(written: str, list_name: str) -> MatchPolicy:
    """The policy that a list's row holds.

    Raises:
        HotlistError: it cannot be understood; the policy is not guessed.
    """
    try:
        settings = {str(name): str(value) for name, value in json.loads(written).items()}
    except (ValueError, AttributeError) as error:
        raise HotlistError(f"the match policy of list {list_name!r} cannot be read ({error}): set it anew") from error
    return DEFAULT_POLICY.changed(settings)

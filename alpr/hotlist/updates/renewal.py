"""A damaged hotlist database: put aside for a person to look at, an empty one in its place, the version floor kept.

A roadside computer has nobody beside it: after a power cut that left a page of the file torn it has to go on reading,
without lists, and take the next update. The lists themselves are kept elsewhere and come again; what they cost until
then are hits, so that every step is reported as an error.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from alpr.errors import StoreDamaged, StoreError
from alpr.hotlist.store.database import open_for_writing
from alpr.hotlist.updates.version_floor import raise_floors, read_floors
from alpr.system.sqlite import check
from alpr.system.store_files import damage_mark, mark_damaged, put_aside

_log = logging.getLogger(__name__)


def renew_damaged(database: Path, now: datetime) -> Path | None:
    """Replace a hotlist database by an empty one where it is damaged.

    Called at a start, before anything else opens the file. One that is missing or whole is left as it is; one that
    was found damaged while in use is checked thoroughly, however large it is.

    Args:
        database: the hotlist database.
        now: names the file that is put aside.

    Returns:
        Where the damaged file is now; None where nothing was damaged.

    Raises:
        MigrationError: the file is another program's database, or of a newer version.
        StoreError: the damaged file cannot be put aside, or no new one can be made.
    """
    is_marked = damage_mark(database).exists()
    if not database.is_file():
        if is_marked:  # cut off after it was put aside, or a person has moved it away
            open_for_writing(database).close()
            damage_mark(database).unlink(missing_ok=True)
        return None
    try:
        with closing(open_for_writing(database)) as connection:
            # What stands there now may be a backup or a new import: a whole one is never taken for the damaged one.
            check(connection, database, is_thorough=is_marked)
    except StoreDamaged as error:
        _log.error("%s", error)
    else:
        if is_marked:
            damage_mark(database).unlink(missing_ok=True)
            _log.warning("%s: was found damaged while in use; a full check finds it whole, it stays", database)
        return None
    mark_damaged(database)  # a start that is cut off between the next steps is taken up by the one after it
    _save_floors(database, now)
    aside = put_aside(database, "damaged", now)
    open_for_writing(database).close()
    damage_mark(database).unlink(missing_ok=True)
    _log.error(
        "%s was damaged and is now %s: no hotlist is held, reads raise no hits until the next update or import",
        database,
        aside.name,
    )
    return aside


def _save_floors(database: Path, now: datetime) -> None:
    """Take the version floor from what can be read of the database, where its own file is lost too."""
    try:
        if read_floors(database):
            return  # it was raised within every transaction: the database cannot know more
    except StoreDamaged:
        pass
    except StoreError as error:
        _log.error("%s", error)
        return
    uri = f"{database.absolute().as_uri()}?mode=ro"
    with suppress(sqlite3.Error, StoreError), closing(sqlite3.connect(uri, uri=True)) as connection:
        raise_floors(connection, database, now)

"""Options that the hotlist commands share: the database, the reading of files, the limit of shrinking."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from alpr.hotlist.files.checked_file import ImportOptions
    from alpr.hotlist.files.table_layout import TableOptions
    from alpr.hotlist.match.index import HotlistIndex

_F = TypeVar("_F", bound=Callable[..., Any])
_FORMATS = ("csv", "json", "jsonl", "ncic", "texas", "voi", "xlsx")

db_option = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("var/hotlist.sqlite"),
    show_default=True,
    help="The hotlist database.",
)
shrink_option = click.option(
    "--max-shrink",
    type=click.FloatRange(0, 100),
    default=10.0,
    show_default=True,
    envvar="ALPR_HOTLIST_MAX_SHRINK",
    metavar="PERCENT",
    help="Refuse an import that would shrink a list by more than this; ten entries may always go.",
)
accept_option = click.option(
    "--accept-shrink", is_flag=True, help="Accept that the list shrinks by more than --max-shrink."
)


def file_options(function: _F) -> _F:
    """Add the options that say how a file is read.

    Args:
        function: of the command.
    """
    options = (
        click.option(
            "--format",
            "written_as",
            type=click.Choice(_FORMATS),
            help="Format of the file. Default: recognised by its content.",
        ),
        click.option(
            "--default",
            "defaults",
            multiple=True,
            metavar="COLUMN=VALUE",
            help="Value for blank cells, such as receivers=unit-7 for a covert list. May be repeated.",
        ),
        click.option(
            "--map",
            "mapped",
            multiple=True,
            metavar="COLUMN=NAME,…",
            help="Which column of a table is which, by its name, number or letter: plate=Kennzeichen,reason=3.",
        ),
        click.option(
            "--sheet", default="", metavar="NAME", help="Sheet of a workbook. Default: found by its header."
        ),
        click.option(
            "--dates",
            type=click.Choice(("dmy", "mdy")),
            help="Order in dates with slashes. Default: as the file's other dates show.",
        ),
        click.option("--codes", metavar="C,C…", help="Import only rows with one of these codes."),
        click.option(
            "--split",
            "is_split",
            is_flag=True,
            help="Make a list for each code; --list is the beginning of their names.",
        ),
        click.option("--strict", "is_strict", is_flag=True, help="Reject rows that would only be noted."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def import_options(
    written_as: str | None,
    defaults: tuple[str, ...],
    codes: str | None,
    is_split: bool,
    is_strict: bool,
    max_shrink: float | None,
    table: TableOptions,
) -> ImportOptions:
    """The options as the importer takes them.

    Args:
        max_shrink: in percent; None for any.
        table: of `table_options`.
    """
    from alpr.hotlist.files.checked_file import ImportOptions
    from alpr.hotlist.files.formats import Format

    return ImportOptions(
        format=Format(written_as) if written_as else None,
        defaults=dict(map(_default, defaults)),
        codes=frozenset(code.strip().upper() for code in codes.split(",")) if codes else (),
        is_split=is_split,
        is_strict=is_strict,
        max_shrink=None if max_shrink is None else max_shrink / 100,
        table=table,
    )


def table_options(mapped: tuple[str, ...], sheet: str, dates: str | None, *, is_guess_taken: bool) -> TableOptions:
    """The options for tables as the importer takes them.

    Args:
        mapped: each COLUMN=NAME, several with commas between them.
        sheet: its name; "" for any.
        dates: "dmy", "mdy" or None.
        is_guess_taken: somebody looks at what comes of a guess.
    """
    from alpr.hotlist.files.table_layout import TableOptions

    columns = {}
    for written in mapped:
        # A comma begins the next column only where a column of ours follows: names in the file may have some.
        for each in re.split(r",(?=\s*[a-z_]+\s*=)", written):
            column, equals, name = each.partition("=")
            if not equals or not name.strip():
                raise click.BadParameter(
                    f"{each!r} is not COLUMN=NAME, such as plate=Kennzeichen", param_hint="--map"
                )
            columns[column.strip().lower()] = name.strip()
    is_day_first = None if dates is None else dates == "dmy"
    return TableOptions(columns, is_guess_taken=is_guess_taken, is_day_first=is_day_first, sheet=sheet)


def _default(written: str) -> tuple[str, str]:
    column, equals, value = written.partition("=")
    if not equals:
        raise click.BadParameter(f"{written!r} is not COLUMN=VALUE, such as priority=1", param_hint="--default")
    return column.strip(), value.strip()


def open_index(database: Path) -> HotlistIndex:
    """Open the database for reading, brought up to date if an older version made it.

    Args:
        database: its path.
    """
    from alpr.hotlist.match.index import HotlistIndex
    from alpr.hotlist.store.database import bring_up_to_date

    bring_up_to_date(database)
    return HotlistIndex.open(database)

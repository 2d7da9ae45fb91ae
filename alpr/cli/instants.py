"""Instants on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import click


def instant(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Parse an option's value: ISO 8601, UTC unless it says otherwise.

    Args:
        ctx: as click gives it.
        param: as click gives it.
        value: None stays None.

    Raises:
        click.BadParameter: it is no instant.
    """
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        forms = "2026-01-31, 2026-01-31T08:00 or 2026-01-31T08:00+01:00"
        raise click.BadParameter(f"{value!r} is not an instant; give {forms}", ctx, param) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found

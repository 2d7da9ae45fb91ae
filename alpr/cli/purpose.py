"""The purpose that every look at the centre needs; also the want of one is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from alpr.errors import AccessDenied

purpose_option = click.option("--purpose", help="Why, in your own words. Recorded; required.")
case_option = click.option("--case", "case_id", default="", help="Case number. Recorded.")


@contextmanager
def purpose_needed(purpose: str | None) -> Iterator[str]:
    """Yield the purpose as it was given; its refusal becomes a usage error.

    Args:
        purpose: as given; None where it was not.
    """
    try:
        yield purpose or ""
    except AccessDenied as denied:
        if purpose is None:
            raise click.UsageError("Missing option '--purpose'; the attempt was recorded.") from denied
        raise

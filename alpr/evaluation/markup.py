"""Text from labels and models as it stands in the page."""

from __future__ import annotations

from html import escape

from alpr.system.printable import printable


def plain(text: str) -> str:
    """Text that is no markup, in which nothing is hidden and nothing turns the reading direction."""
    return escape(printable(text))

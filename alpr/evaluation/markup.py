"""Text from labels and models as it stands in the page."""

from __future__ import annotations

from html import escape

from alpr.system.printable import printable


def plain(text: str) -> str:
    """Escape a text so that it is no markup, hides nothing and turns no reading direction.

    Args:
        text: from anywhere.
    """
    return escape(printable(text))

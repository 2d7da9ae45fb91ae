"""Checks a built site: `python -m tools.site.check build/site`. Exit 3 where a page would fetch from another host.

Links that a reader clicks may lead anywhere. Pages with diagrams of Mermaid are refused, since Material fetches its
program from a content network.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_OUTSIDE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
_IN_CSS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])\s*((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)
_FETCHED = {"src", "srcset", "poster", "data", "action", "formaction", "href", "xlink:href"}


class _Fetches(HTMLParser):
    """Collects what a page fetches from other hosts by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in _FETCHED and (tag, name) != ("a", "href") and _OUTSIDE.match(value or ""):
                self.found.append(f"<{tag} {name}={value}>")
            if name == "style":
                self.found += _IN_CSS.findall(value or "")
            if name == "class" and "mermaid" in (value or "").split():
                self.found.append(f"<{tag} class=mermaid>, whose program is fetched from outside")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.found += _IN_CSS.findall(data)


def fetches_in_html(text: str) -> list[str]:
    """What a page fetches from other hosts.

    >>> fetches_in_html('<a href="https://example.org">to click</a> <img src="a.png">')
    []
    >>> fetches_in_html('<link rel="stylesheet" href="https://fonts.example.org/css">')
    ['<link href=https://fonts.example.org/css>']
    """
    parser = _Fetches()
    parser.feed(text)
    return parser.found


def fetches_in_css(text: str) -> list[str]:
    """What a style sheet fetches from other hosts.

    >>> fetches_in_css("a { background: url(https://example.org/a.png) } b { background: url('b.png') }")
    ['https://example.org/a.png']
    """
    return _IN_CSS.findall(text)


def fetches(site: Path) -> Iterator[str]:
    """One line for each thing that a page of the site would fetch from another host."""
    for path in sorted(site.rglob("*")):
        look = {".html": fetches_in_html, ".css": fetches_in_css}.get(path.suffix)
        for found in look(path.read_text()) if look else ():
            yield f"{path.relative_to(site)}: {found}"


def main(site: Path) -> int:
    pages = len(list(site.rglob("*.html")))
    found = list(fetches(site))
    print(*found, f"{pages} pages, {len(found)} fetches from other hosts", sep="\n")
    return 3 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

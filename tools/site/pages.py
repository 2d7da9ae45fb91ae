"""Pages of the site that are made of files outside docs/, with their links turned to where they lead there. Pure."""

from __future__ import annotations

import posixpath
import re

OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "models/LICENSE.md": "licences.md",
}
"""File in the repository → page of the site."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def page_of(file: str, text: str) -> str:
    """A file of the repository as a page at the site's top.

    A link to a file that has no page becomes its text and the file's path, since the site knows of no repository.

    Args:
        file: its path in the repository, as `models/LICENSE.md`.
        text: Markdown.

    >>> page_of("models/LICENSE.md", "[models](../docs/models.md#variants), [cards](README.md), [web](https://example.org)")
    '[models](models.md#variants), cards (`models/README.md`), [web](https://example.org)'
    >>> page_of("CHANGELOG.md", "[`docs/hits.md`](docs/hits.md), [`LICENSE`](LICENSE), [first](#010)")
    '[`docs/hits.md`](hits.md), `LICENSE`, [first](#010)'
    """
    pieces = _FENCE.split(text)
    return "".join(
        p if p.startswith("```") else _LINK.sub(lambda found: _turned(file, *found.groups()), p) for p in pieces
    )


def _turned(file: str, bang: str, text: str, target: str) -> str:
    name, hash_, anchor = target.partition("#")
    if not name or re.match(r"[a-z]+:", target):
        return f"{bang}[{text}]({target})"
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
    if path in OUTSIDE or path.startswith("docs/"):
        return f"{bang}[{text}]({OUTSIDE.get(path, path.removeprefix('docs/'))}{hash_}{anchor})"
    return text if text.strip("`") == path else f"{text} (`{path}`)"

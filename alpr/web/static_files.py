"""Style sheets, scripts and pictures of pages: read once at the start, served under names that change with them."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str


class StaticFiles:
    """The files of some folders, held in memory: nothing that a request says becomes a path on the disk.

    Args:
        folders: whose files are served; a later one's replace an earlier one's of the same name.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._files: dict[str, _File] = {}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    self._files[path.relative_to(folder).as_posix()] = _load(path)
        # One for all: a script finds the next one beside itself.
        digest = hashlib.sha256(b"".join(file.content for _, file in sorted(self._files.items())))
        self._version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Return the address of a file, with its version.

        Args:
            name: within its folder.

        Raises:
            KeyError: there is no such file.
        """
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self._version}/{name}"

    @property
    def route(self) -> Route:
        """The route that serves them, to anybody: the sign-in page needs them too."""
        return Route("/static/{version}/{name:path}", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None or self._version != request.path_params["version"]:
            return PlainTextResponse("no such file\n", 404)
        return Response(file.content, media_type=file.media_type, headers={"Cache-Control": _FOR_EVER})


def _load(path: Path) -> _File:
    content = path.read_bytes()
    guessed = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return _File(content, guessed)

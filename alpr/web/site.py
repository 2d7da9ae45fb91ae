"""The skeleton of a site: who is signed in, templates, and routes that nobody reaches without both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from alpr.clock import Clock
from alpr.web.lockout import Lockout
from alpr.web.security import SecurityLayer
from alpr.web.sessions import Session, Sessions
from alpr.web.static_files import StaticFiles
from alpr.web.users import Users

CSRF_FIELD = "csrf"
THEMES = ("auto", "day", "night")
_HERE = Path(__file__).parent
_MOST_FIELDS = 64
_BODY_PATIENCE_S = 10.0

Form: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in."""

    request: Request
    session: Session
    form: Form
    """Fields of a form that was sent; its token was checked. Empty for a GET."""

    @property
    def user(self) -> str:
        """Name of the person."""
        return self.session.user

    @property
    def is_partial(self) -> bool:
        """True where the page itself asks for a part of it."""
        return self.request.headers.get("hx-request") == "true"


Endpoint: TypeAlias = Callable[[Visit], Awaitable[Response]]


class Site:
    """Users, sessions and templates of one site.

    Args:
        title: shown on the sign-in page and in the browser's tab.
        users: who may sign in.
        sessions: who is.
        clock: spaces failed sign-ins.
        folders: of the pages on top, each with `templates` and `static`.
        is_encrypted: True where it is served over TLS; its cookies then never travel otherwise.
    """

    def __init__(
        self,
        title: str,
        users: Users,
        sessions: Sessions,
        clock: Clock,
        *,
        folders: Sequence[Path] = (),
        is_encrypted: bool = False,
    ) -> None:
        self.title = title
        self.users = users
        self.sessions = sessions
        self.lockout = Lockout(clock)
        self.is_encrypted = is_encrypted
        self.cookie = "__Host-alpr-session" if is_encrypted else "alpr-session"
        self.static = StaticFiles([_HERE / "static", *(folder / "static" for folder in folders)])
        self._templates = Environment(
            loader=FileSystemLoader([*(folder / "templates" for folder in folders), _HERE / "templates"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(asset=self.static.url, site_title=title)

    def session_of(self, request: Request) -> Session | None:
        """Return the session that a request belongs to; None where nobody is signed in.

        A session ends with its user's line in the users' file, and with a new password.

        Args:
            request: with the cookie.
        """
        token = request.cookies.get(self.cookie, "")
        session = self.sessions.find(token)
        if session is not None and self.users.hash_of(session.user) != session.password_hash:
            self.sessions.end(token)
            return None
        return session

    def render(self, template: str, **context: Any) -> str:
        """Render a template; whatever is put into it is escaped.

        Args:
            template: name of its file.
            context: its variables.
        """
        return self._templates.get_template(template).render(**context)

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """Answer with a rendered page.

        Args:
            request: that is answered; says day or night.
            template: name of its file.
            status: of the answer.
            context: variables of the template.
        """
        theme = request.cookies.get("alpr-theme", "auto")
        known = theme if theme in THEMES else "auto"
        return HTMLResponse(self.render(template, theme=known, **context), status)

    def get(self, path: str, endpoint: Endpoint) -> Route:
        """Return a route for those who are signed in.

        Args:
            path: as Starlette writes it.
            endpoint: answers.
        """
        return Route(path, self._guarded(endpoint, sends_form=False), methods=["GET"])

    def post(self, path: str, endpoint: Endpoint) -> Route:
        """Return a route for forms of those who are signed in; one without the session's token is refused.

        Args:
            path: as Starlette writes it.
            endpoint: answers.
        """
        return Route(path, self._guarded(endpoint, sends_form=True), methods=["POST"])

    def app(self, routes: Sequence[Route], names: Collection[str]) -> ASGIApp:
        """Build the application, with the security layer around it.

        Args:
            routes: of the pages; the static files come by themselves.
            names: host names under which it may be asked for.
        """
        starlette = Starlette(routes=[self.static.route, *routes])
        # A path with a slash too many is not redirected: the target would be made of what the request says.
        starlette.router.redirect_slashes = False
        return SecurityLayer(starlette, names, is_encrypted=self.is_encrypted)

    def _guarded(self, endpoint: Endpoint, *, sends_form: bool) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            session = self.session_of(request)
            if session is None:
                return _to_sign_in(request)
            form: Form = {}
            if sends_form:
                read = await read_form(request)
                if read is None or not session.is_own_form(read.get(CSRF_FIELD, "")):
                    return PlainTextResponse("this form is not of this session: load the page again\n", 403)
                form = read
            return await endpoint(Visit(request, session, form))

        return answer


async def read_form(request: Request) -> Form | None:
    """Read the fields of a form, the last of each name; None where it is none.

    Args:
        request: whose body is at most what the security layer lets through.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    try:
        body = (await asyncio.wait_for(request.body(), _BODY_PATIENCE_S)).decode("utf-8")
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except (ValueError, ClientDisconnect, TimeoutError):
        return None


def _to_sign_in(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":
        return PlainTextResponse("sign in again\n", 401, headers={"HX-Redirect": "/sign-in"})
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/sign-in", 303)
    return PlainTextResponse("sign in first\n", 401)

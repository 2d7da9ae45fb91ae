"""Signing in and out."""

from __future__ import annotations

import asyncio
import logging
import math

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alpr.web.passwords import is_right_password
from alpr.web.site import Site, Visit, read_form

_log = logging.getLogger(__name__)
_MOST_WAITING = 4
"""Sign-ins that wait for the one whose password is being hashed; what comes beyond is sent away at once."""


class SignIn:
    """The two routes, and the one password that is hashed at a time.

    Args:
        site: whose users sign in.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    @property
    def routes(self) -> list[Route]:
        """Routes for anybody to sign in, and for those who are signed in to sign out."""
        return [
            Route("/sign-in", self._form, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            self._site.post("/sign-out", self._sign_out),
        ]

    async def _form(self, request: Request) -> Response:
        if self._site.session_of(request) is not None:
            return RedirectResponse("/", 303)
        return self._page(request, "")

    async def _sign_in(self, request: Request) -> Response:
        form = await read_form(request) or {}
        name, password = form.get("name", "").strip()[:64], form.get("password", "")
        keys = (f"name {name}", f"address {request.client.host if request.client else ''}")
        wait_s = self._site.lockout.wait_s(*keys)
        if wait_s > 0:
            return self._page(request, f"Too many failed attempts. Try again in {_in_words(wait_s)}.", 429, name=name)
        if self._waiting >= _MOST_WAITING:
            return self._page(request, "Too many sign-ins at once. Try again.", 429, name=name)
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                hashed = self._site.users.hash_of(name)
                is_right = await asyncio.to_thread(is_right_password, password, hashed)
        finally:
            self._waiting -= 1
        if not is_right or hashed is None:
            self._site.lockout.failed(*keys)
            _log.warning("page: failed sign-in as %s from %s", name, request.client.host if request.client else "?")
            return self._page(request, "Name or password is wrong.", 403, name=name)
        self._site.lockout.succeeded(*keys)
        _log.info("page: %s signed in", name)
        self._site.sessions.end(request.cookies.get(self._site.cookie, ""))
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            self._site.cookie,
            self._site.sessions.begin(name, hashed),
            httponly=True,
            samesite="strict",
            secure=self._site.is_encrypted,
            path="/",
        )
        return answer

    async def _sign_out(self, visit: Visit) -> Response:
        self._site.sessions.end(visit.request.cookies.get(self._site.cookie, ""))
        _log.info("page: %s signed out", visit.user)
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(self._site.cookie, path="/", secure=self._site.is_encrypted, httponly=True)
        return answer

    def _page(self, request: Request, mistake: str, status: int = 200, *, name: str = "") -> Response:
        has_users = bool(self._site.users.names)
        return self._site.page(
            request, "sign_in.html", status, mistake=mistake, name=name, has_users=has_users, user=""
        )


def _in_words(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 90 else f"{math.ceil(seconds / 60)} min"

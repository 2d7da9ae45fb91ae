"""Sessions of people who are signed in: kept in memory only, known by a random token of which the hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from alpr.clock import Clock

_MOST_SESSIONS = 256


@dataclass(slots=True)
class Session:
    """One browser of one person, from sign-in to its end."""

    user: str
    began_ns: int
    password_hash: str = field(repr=False)
    """As it was at the sign-in: a session ends where the password has changed since."""
    csrf_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Stands in each of the session's forms; a page of another site cannot know it."""

    def is_own_form(self, token: str) -> bool:
        """Tell whether a form that was sent is one of this session's.

        Args:
            token: that the form brought.
        """
        return hmac.compare_digest(self.csrf_token.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """All sessions of a page.

    Args:
        clock: whose steady count is taken.
        longest_s: seconds from sign-in to the end of a session. There is no end by idleness: a page that waits for
            hits is idle all night, and must not be signed out when one comes.
    """

    def __init__(self, clock: Clock, longest_s: float) -> None:
        self._clock = clock
        self._longest_ns = round(longest_s * 1e9)
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, user: str, password_hash: str) -> str:
        """Begin a session and return the token for its cookie: new each time, so that none can be planted.

        Args:
            user: who has signed in.
            password_hash: of the password that they signed in with.
        """
        token = secrets.token_urlsafe(32)
        self._sessions[_key(token)] = Session(user, self._clock.monotonic_ns(), password_hash)
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a cookie's token; None where there is none, or it is over.

        Args:
            token: from the cookie; "" for none.
        """
        session = self._sessions.get(_key(token))
        if session is None:
            return None
        if self._clock.monotonic_ns() - session.began_ns > self._longest_ns:
            self.end(token)
            return None
        return session

    def end(self, token: str) -> None:
        """End a session.

        Args:
            token: from the cookie; an unknown one changes nothing.
        """
        self._sessions.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()

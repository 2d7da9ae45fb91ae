"""Addresses of network cameras as people write them: passwords with `#`, `/`, `@` and `%` in them just work. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_HOST = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s/?#:@\[\]]+)(?::(?P<port>\d{1,5}))?(?P<path>[/?#].*)?$", re.DOTALL
)
_LIKELY_HOST = re.compile(r"\[|localhost|[^/?#:]*\.|[^/?#:]*:\d")


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """The parts of a network camera's address."""

    scheme: str
    """Lower case."""
    host: str
    """Name or number, without the brackets of IPv6."""
    port: int
    path: str
    """Path and query, as they are sent; "" for none."""
    login: str = ""
    """User and password with a colon between, as written; "" for none."""

    @property
    def passwords(self) -> tuple[str, ...]:
        """Logins as FFmpeg is to be given them, the likeliest first.

        `%41` in a password may be an "A" that somebody encoded, as addresses ask for, or these three characters.
        """
        if not self.login:
            return ("",)
        decoded = _encoded(*(unquote(part) for part in _user_and_password(self.login)))
        literal = _encoded(*_user_and_password(self.login))
        return tuple(dict.fromkeys((decoded, literal)))

    def url(self, login: str = "") -> str:
        """Return the address as FFmpeg takes it.

        Args:
            login: one of `passwords`.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{login}{'@' if login else ''}{host}:{self.port}{self.path}"


def parse_address(url: str) -> StreamAddress | None:
    """Split a camera's address; None where it has no host.

    User and password end at the last `@` after which a host follows. A password with an `@` before something that
    looks like a host needs `%40` for it.

    Args:
        url: as configured.

    >>> parse_address("rtsp://admin:p@ss/w#rd@10.0.0.7/stream1").login
    'admin:p@ss/w#rd'
    """
    match = _ADDRESS.match(url.strip())
    if match is None:
        return None
    scheme, rest = match["scheme"].lower(), match["rest"]
    login, host = _split_login(rest)
    if host is None:
        return None
    port = int(host["port"]) if host["port"] else _DEFAULT_PORTS.get(scheme, 0)
    if not 0 < port < 65536:
        return None
    path = (host["path"] or "").partition("#")[0]
    return StreamAddress(scheme, host["host"].strip("[]"), port, path, login)


def _split_login(rest: str) -> tuple[str, re.Match[str] | None]:
    """Return the login and the match of the host and what follows it."""
    if "@" not in re.split(r"[/?#]", rest, maxsplit=1)[0] and (
        "@" not in rest or not _begins_with_login(rest.partition("@")[0])
    ):
        return "", _HOST.match(rest)
    ends = [at for at, char in enumerate(rest) if char == "@"]
    hosts = [(at, _HOST.match(rest[at + 1 :])) for at in reversed(ends)]
    found = [(at, host) for at, host in hosts if host is not None]
    likely = [(at, host) for at, host in found if _LIKELY_HOST.match(rest[at + 1 :])]
    for at, host in (*likely, *found):
        return rest[:at], host
    return "", None


def _begins_with_login(text: str) -> bool:
    """Tell whether what stands before an `@` is a user and password with a slash in it, and no host with a path."""
    user, colon, password = text.partition(":")
    has_port = _LIKELY_HOST.match(user) is not None and re.match(r"\d{1,5}([/?#]|$)", password) is not None
    return bool(colon) and "/" not in user and not has_port


def _user_and_password(login: str) -> tuple[str, ...]:
    user, colon, password = login.partition(":")
    return (user, password) if colon else (user,)


def _encoded(*parts: str) -> str:
    return ":".join(quote(part, safe="") for part in parts)

"""Secrets in text that people and log servers see: passwords in addresses, keys in queries, claim codes."""

from __future__ import annotations

import re
from urllib.parse import unquote

_LOGIN = re.compile(r"(?<=://)[^\s'\"]*@")  # up to the last @ of the word: a password may hold one, or a slash
_PARAMETER = re.compile(r"(?i)([?&;][^=&;\s]*(?:user|pas|pwd|pw|token|key|auth|secret)[^=&;\s]*=)[^&;#\s'\"]+")
_HEADER = re.compile(r"(?i)\b(authorization:?\s+\w+\s+)\S+")
_CLAIM_CODE = re.compile(r"\bALPR1-[A-Z0-9][A-Z0-9-]+")
_PASSWORD = re.compile(r"://[^\s:/@]*:(.+)@")
_SHORTEST = 5  # a shorter password would take ordinary words out of messages
_known: set[str] = set()


def hide_password_of(url: str) -> None:
    """Mask the password of an address wherever it shows from now on, also alone or decoded.

    Args:
        url: as configured; one without a password changes nothing.
    """
    found = _PASSWORD.search(url)
    if found is not None:
        _known.update(form for form in (found[1], unquote(found[1])) if len(form) >= _SHORTEST)


def masked(text: str) -> str:
    """Return a text without the secrets in it.

    Args:
        text: of a message, with or without addresses in it.

    >>> masked("cannot open rtsp://admin:s3/cr@t@10.0.0.7/live?token=abc&x=1; try http://10.0.0.8/")
    'cannot open rtsp://***@10.0.0.7/live?token=***&x=1; try http://10.0.0.8/'
    """
    if "://" in text:
        text = _PARAMETER.sub(r"\1***", _LOGIN.sub("***@", text))
    if "ALPR1-" in text:
        text = _CLAIM_CODE.sub("ALPR1-***", text)
    text = _HEADER.sub(r"\1***", text) if "uthorization" in text else text
    for secret in _known:
        text = text.replace(secret, "***")
    return text

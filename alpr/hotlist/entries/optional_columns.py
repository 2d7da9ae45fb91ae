"""Parsers of the optional columns of a hotlist file: category, colour, schedule, areas, receivers and so on. Pure.

Each takes text that is not blank and returns the value for `HotlistEntry`, in one spelling; it raises ValueError with
what is wrong. `docs/hotlists.md` says what may be written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from alpr.hotlist.rules.areas import areas_from_text
from alpr.hotlist.rules.conditions import COMPASS_DEG, PICTURE_DIRECTIONS
from alpr.hotlist.rules.schedule import schedule_from_text
from alpr.types import CARD_COLOURS, GeoPolygon

LENGTHS = {"category": 60, "code": 16, "vehicle": 120}
MAX_RECEIVERS = 50
MAX_SCHEDULE_LENGTH = 500
SEPARATOR = ";"
"""Separator of the names in a cell; names never contain it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_HEX_COLOUR = re.compile(r"#[0-9a-f]{6}")


def _text(field: str) -> Callable[[str], str]:
    most = LENGTHS[field]

    def parse(written: str) -> str:
        if len(written) > most:
            raise ValueError(f"has {len(written)} characters, at most {most} are allowed")
        return written

    return parse


def is_card_colour(written: str) -> bool:
    """Return True for what can be the colour of a hit's card.

    Args:
        written: as in a file.
    """
    return written.lower() in CARD_COLOURS or _HEX_COLOUR.fullmatch(written.lower()) is not None


def _colour(written: str) -> str:
    colour = written.lower()
    if not is_card_colour(colour):
        raise ValueError(f"is {shortened(written)}: give one of {', '.join(CARD_COLOURS)}, or #rrggbb")
    return colour


def _sound(written: str) -> str:
    if not _NAME.fullmatch(written):
        raise ValueError(f"is {shortened(written)}: give the name of a sound, in A-Z, 0-9, _ . -")
    return written.lower()


@lru_cache(maxsize=1024)
def _schedule(written: str) -> str:
    if len(written) > MAX_SCHEDULE_LENGTH:
        raise ValueError(f"has {len(written)} characters, at most {MAX_SCHEDULE_LENGTH} are allowed")
    return str(schedule_from_text(written))


@lru_cache(maxsize=256)
def _areas(written: str) -> tuple[GeoPolygon, ...]:
    return areas_from_text(written)


def _directions(written: str) -> tuple[str, ...]:
    found = dict.fromkeys(_direction(part.strip()) for part in written.split(SEPARATOR))
    return tuple(sorted(found, key=[*PICTURE_DIRECTIONS, *COMPASS_DEG].index))


def _direction(part: str) -> str:
    if part.lower() in PICTURE_DIRECTIONS:
        return part.lower()
    if part.upper() in COMPASS_DEG:
        return part.upper()
    raise ValueError(f"is {shortened(part)}: directions are {', '.join((*PICTURE_DIRECTIONS, *COMPASS_DEG))}")


def _receivers(written: str) -> tuple[str, ...]:
    names = sorted({part.strip() for part in written.split(SEPARATOR)})
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"contains {shortened(name)}: a receiver is a name in A-Z, 0-9, _ . @ -, without spaces")
    if len(names) > MAX_RECEIVERS:
        raise ValueError(f"names {len(names)} receivers, at most {MAX_RECEIVERS} are allowed")
    return tuple(names)


OPTIONAL_COLUMNS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        **{field: _text(field) for field in LENGTHS},
        "card_colour": _colour,
        "sound": _sound,
        "schedule": _schedule,
        "areas": _areas,
        "directions": _directions,
        "receivers": _receivers,
    }
)
"""Name of the column → its parser. It is also the field of `HotlistEntry`, but for the card's colour."""


def shortened(written: str) -> str:
    """Quote a text for a message, cut to 40 characters.

    Args:
        written: any text from a file.
    """
    return repr(written if len(written) <= 40 else written[:39] + "…")

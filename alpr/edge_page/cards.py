"""A hit as its card shows it: in words, with the differing characters and their probabilities. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from alpr.edge_page.board import BoardHit
from alpr.edge_page.pairing import Box, Pair, box_at, pair, probability_at
from alpr.events.hit_text import age_warning, card_colour
from alpr.link.protocol.messages import DispositionRecord, HitRecord, ReadRecord
from alpr.types import CARD_COLOURS, Action, MatchKind, Verdict

_KINDS = {
    MatchKind.EXACT: "Exact match",
    MatchKind.LOOK_ALIKE: "Look-alike",
    MatchKind.CANDIDATE: "Second-best reading",
    MatchKind.DISTANCE: "Approximate",
    MatchKind.WILDCARD: "Matches a pattern",
    MatchKind.OTHER_REGION: "Same text, another state or country",
}
_UNCHECKED = {
    "position": "not checked: whether this is within the entry's area",
    "direction": "not checked: the direction of travel",
}
_VERDICTS = {
    Verdict.CORRECT: "Correct",
    Verdict.MISREAD: "Misread",
    Verdict.WRONG_STATE: "Wrong state",
    Verdict.STALE_ENTRY: "Entry out of date",
    Verdict.DISMISSED: "Dismissed",
}
_ACTIONS = {
    Action.STOP: "Stopped",
    Action.SEARCH: "Searched",
    Action.ARREST: "Arrested",
    Action.RELEASE: "Stopped and let go",
    Action.OTHER: "Other action",
}
_SOUNDS = {1: "urgent", 2: "high"}


@dataclass(frozen=True, slots=True)
class Character:
    """One character of the read over its counterpart on the list."""

    pair: Pair
    probability: str
    """Of the character that was read, such as "62 %"; "" where it is not known or does not matter."""
    listed_probability: str
    box: Box | None
    """Where it is in the plate's picture, of a differing one."""

    @property
    def differs(self) -> bool:
        """True where read and list say different things."""
        return self.pair.differs


@dataclass(frozen=True, slots=True)
class Card:
    """All that the card of a hit shows, in words."""

    hit_id: str
    title: str
    """What it is about: the category, else the list's name."""
    colour: str
    """A class of the style sheet: one of `CARD_COLOURS`."""
    priority: int
    plate: str
    listed: str
    characters: tuple[Character, ...]
    kind: str
    is_sure: bool
    """True where the read says exactly what is listed."""
    probability: str
    """That the plate says what is listed."""
    list_name: str
    reason: str
    instructions: str
    vehicle: str
    case_reference: str
    region: str
    read_region: str
    warnings: tuple[str, ...]
    camera_id: str
    direction: str
    """In which the vehicle went, as seen in the picture; "" where that is not known."""
    at: datetime
    clock: str
    """Time of the hit as a person writes it."""
    is_covert: bool
    is_past: bool
    is_withdrawn: bool
    waits: bool
    again: tuple[str, ...]
    has_patch: bool
    has_vehicle: bool
    verdict: str
    """`Verdict`'s value of the decision that counts; "" where there is none."""
    verdict_words: str
    action_words: str
    decided_by: str
    decided_clock: str
    verification: str
    true_text: str
    decision_reason: str

    @property
    def differing(self) -> tuple[Character, ...]:
        """Those characters in which read and list differ."""
        return tuple(each for each in self.characters if each.differs)


def card_of(known: BoardHit, zone: tzinfo | None = None) -> Card:
    """Put a hit into the words of its card.

    Args:
        known: as the board has it.
        zone: in which times are written; None is the device's own.
    """
    hit, entry = known.hit, known.hit.entry
    last = known.decisions[-1] if known.decisions else None
    characters = _characters(known)
    at = hit.read_at or hit.raised_at
    return Card(
        hit_id=hit.hit_id,
        title=entry.category or entry.list_name,
        colour=_colour(hit),
        priority=entry.priority,
        plate=hit.plate,
        listed=entry.plate,
        characters=characters,
        kind=_kind(hit, sum(each.differs for each in characters)),
        is_sure=hit.match == MatchKind.EXACT,
        probability=percent(hit.probability),
        list_name=entry.list_name,
        reason=entry.reason,
        instructions=entry.instructions,
        vehicle=entry.vehicle,
        case_reference=entry.case_reference,
        region=entry.region or "",
        read_region=(known.read.region or "") if known.read else "",
        warnings=_warnings(hit),
        camera_id=hit.camera_id,
        direction=(known.read.direction or "") if known.read else "",
        at=at,
        clock=clock_text(at, zone),
        is_covert=bool(entry.receivers),
        is_past=hit.is_past,
        is_withdrawn=hit.is_withdrawn,
        waits=known.waits,
        again=tuple(f"{clock_text(each.at, zone)} {each.camera_id}" for each in known.again),
        has_patch=bool(known.patch_jpeg),
        has_vehicle=bool(known.vehicle_jpeg),
        **_decision(last, zone),
    )


def sound_of(hit: HitRecord) -> str:
    """Return the sound that a hit makes: "urgent", "high", "low" or "none".

    Args:
        hit: whose entry may name one; a name that the page does not know leaves it to the priority.
    """
    named = hit.entry.sound.lower()
    return named if named in ("urgent", "high", "low", "none") else _SOUNDS.get(hit.entry.priority, "low")


def percent(share: float) -> str:
    """Write a probability so that nothing looks surer than it is.

    Args:
        share: in [0, 1].

    >>> percent(0.934), percent(0.9996), percent(1.0), percent(0.004), percent(0.0)
    ('93 %', '> 99 %', '100 %', '< 1 %', '0 %')
    """
    if 0.995 <= share < 1.0:
        return "> 99 %"
    return "< 1 %" if 0.0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def clock_text(at: datetime, zone: tzinfo | None = None) -> str:
    """Write the time of day of an instant.

    Args:
        at: aware.
        zone: in which it is written; None is the device's own.
    """
    return f"{at.astimezone(zone):%H:%M:%S}"


def _characters(known: BoardHit) -> tuple[Character, ...]:
    # A read of another revision than the hit's has other positions.
    read = known.read if known.read is not None and known.read.plate == known.hit.plate else None
    found = []
    for each in pair(known.hit.plate, known.hit.entry.plate):
        said = listed = ""
        box = None
        if each.differs and each.position is not None:
            box = box_at(known.char_places, each.position) if read is not None else None
            said, listed = (_probability(read, each.position, char) for char in (each.read, each.listed))
        found.append(Character(each, said, listed, box))
    return tuple(found)


def _probability(read: ReadRecord | None, position: int, char: str) -> str:
    share = None if read is None else probability_at(read, position, char)
    return "" if share is None else percent(share)


def _colour(hit: HitRecord) -> str:
    named = card_colour(hit.entry.colour, hit.entry.priority)
    # "#rrggbb" would need a style of its own on the page, which its content security policy forbids.
    return named if named in CARD_COLOURS else card_colour("", hit.entry.priority)


def _kind(hit: HitRecord, differing: int) -> str:
    words = _KINDS.get(MatchKind(hit.match)) if hit.match in set(MatchKind) else hit.match
    if not differing:
        return str(words)
    return f"{words}: {differing} character{'s differ' if differing > 1 else ' differs'}"


def _warnings(hit: HitRecord) -> tuple[str, ...]:
    found = [age_warning(hit.list_age_s, hit.list_max_age_s)]
    found += [_UNCHECKED.get(each, f"not checked: {each}") for each in hit.unchecked]
    return tuple(_sentence(each) for each in found if each)


def _sentence(text: str) -> str:
    return re.sub(r"^\w", lambda first: first[0].upper(), text)


def _decision(last: DispositionRecord | None, zone: tzinfo | None) -> dict[str, str]:
    names = (
        *("verdict", "verdict_words", "action_words", "decided_by"),
        *("decided_clock", "verification", "true_text", "decision_reason"),
    )
    if last is None:
        return dict.fromkeys(names, "")
    verified = f"{last.verified_with}, {clock_text(last.verified_at, zone)}" if last.verified_at else ""
    verdict = _VERDICTS.get(Verdict(last.verdict)) if last.verdict in set(Verdict) else last.verdict
    action = _ACTIONS.get(Action(last.action), "") if last.action in set(Action) else last.action
    values = (
        *(last.verdict, str(verdict), action, last.by),
        *(clock_text(last.decided_at, zone), verified, last.true_text, last.reason),
    )
    return dict(zip(names, values, strict=True))

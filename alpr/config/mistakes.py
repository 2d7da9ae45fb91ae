"""What is wrong with a configuration, in words: from pydantic's errors to one sentence each."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ValidationError

Loc: TypeAlias = tuple[str | int, ...]
"""Where a value stands: ("cameras", 0, "url")."""


_MOST = 1000  # each is compared with all keys that there are; of fewer still are people told


class Mistake(NamedTuple):
    """One wrong value of a configuration."""

    loc: Loc
    text: str
    line: int | None = None
    """Where it is not the line of `loc`."""


def mistakes_of(model: type[BaseModel], error: ValidationError) -> list[Mistake]:
    """Turn each fault that pydantic found into a mistake, without values that may be secret.

    Args:
        model: that was validated.
        error: of pydantic.
    """
    found = error.errors(include_url=False)[:_MOST]
    return [_mistake(model, each) for each in found if not _is_echo(each)]


def _is_echo(found: Any) -> bool:
    """True for a list that is too short only because pydantic leaves out its faulty entries."""
    return bool(found["type"] == "too_short" and len(found["input"]) >= found["ctx"]["min_length"])


def _mistake(model: type[BaseModel], found: Any) -> Mistake:
    loc: Loc = found["loc"]
    phrase = _PHRASES.get(found["type"])
    if found["type"] == "extra_forbidden":
        return Mistake(loc, _unknown_key(str(loc[-1]), _model_at(model, loc[:-1])))
    if phrase:
        return Mistake(loc, phrase(found))
    text = found["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return Mistake(loc, text + _got(loc, found["input"]))


_PHRASES: dict[str, Callable[[Any], str]] = {
    "missing": lambda _: "is required and not given",
    "string_type": lambda found: (
        "should be text; put it in quotes" + _got(found["loc"], found["input"])
        if isinstance(found["input"], bool | int | float)
        else "should be text" + _got(found["loc"], found["input"])
    ),
    "string_pattern_mismatch": lambda found: (
        "should be letters, digits and . _ - only, a letter or digit first" + _got(found["loc"], found["input"])
    ),
    "string_too_short": lambda _: "is empty",
    "tuple_type": lambda found: "should be a list" + _got(found["loc"], found["input"]),
    "model_type": lambda found: "should be a block of 'key: value' lines" + _got(found["loc"], found["input"]),
    "model_attributes_type": lambda found: (
        "should be a block of 'key: value' lines" + _got(found["loc"], found["input"])
    ),
    "too_short": lambda found: f"should have at least {found['ctx']['min_length']} entries",
}


def _got(loc: Loc, given: object) -> str:
    # A camera's address may hold a password: never repeated.
    if not loc or isinstance(given, dict | list) or "url" in loc or "key" in str(loc[-1:]):
        return ""
    if given is None:
        return ", got nothing"
    shown = str(given)
    return f", got {shown if len(shown) <= 40 else shown[:37] + '...'}"


def _unknown_key(key: str, model: type[BaseModel] | None) -> str:
    known = list(model.model_fields) if model else []
    near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
    if near:
        return f"unknown key, did you mean '{near[0]}'?"
    return f"unknown key; known here: {', '.join(known)}"


def _model_at(model: Any, loc: Loc) -> type[BaseModel] | None:
    """The model that describes the block at a place."""
    for part in loc:
        if isinstance(part, str):
            model = _first_model(model.model_fields[part].annotation) if part in model.model_fields else None
        if model is None:
            return None
    return typing.cast("type[BaseModel]", model)


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((made for made in map(_first_model, typing.get_args(annotation)) if made), None)

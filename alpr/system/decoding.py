"""MessagePack and JSON from outside to checked values, with one exception for all that can be wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol, TypeVar

from msgspec import Raw, Struct

from alpr.errors import DecodeError

_T_co = TypeVar("_T_co", covariant=True)
_T = TypeVar("_T")
_TOLD_CHARACTERS = 200  # of what a decoder says: it quotes what it was given


class Decoder(Protocol[_T_co]):
    """A `msgspec.msgpack.Decoder` or `msgspec.json.Decoder` of one type."""

    def decode(self, raw: bytes | Raw, /) -> _T_co:
        """Decode a value."""


def decoded(decoder: Decoder[_T], raw: bytes | Raw) -> _T:
    """Decode bytes to a value whose instants can be expressed in UTC.

    Args:
        decoder: of the type that is expected.
        raw: the whole encoded value.

    Raises:
        DecodeError: whatever is wrong with them.
    """
    try:
        value = decoder.decode(raw)
    except Exception as error:  # not documented in full: the year 10000 is a plain ValueError, a deep nest another
        raise DecodeError(str(error)[:_TOLD_CHARACTERS] or type(error).__name__) from error
    check_instants(value)
    return value


def check_instants(value: object) -> None:
    """Refuse instants that have a time zone but no counterpart in UTC: the first and the last day of the calendar may
    not have one.

    Args:
        value: a decoded value, looked through with all that it holds.

    Raises:
        DecodeError: one is none.
    """
    if isinstance(value, datetime):
        try:
            value.astimezone(UTC)
        except OverflowError as error:
            raise DecodeError(f"{value}: an instant beyond the calendar") from error
    elif isinstance(value, Struct):
        for field in value.__struct_fields__:
            check_instants(getattr(value, field))
    elif isinstance(value, tuple) and value and isinstance(value[0], Struct):
        for each in value:
            check_instants(each)

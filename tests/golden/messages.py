"""An example of each message and record, least and full, built from its type; and the bytes that are pinned.

`python -m tests.golden.messages` adds what is missing in messages.json. What stands there is never changed: it is
what devices in the field send.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from alpr.link.protocol.messages import FromCollector, FromDevice, Record, encode

PINNED = Path(__file__).with_name("messages.json")
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_BY_PATTERN = {
    "[0-9a-f]{64}": "0123456789abcdef" * 4,
    "[0-9a-f]{32}": "0123456789abcdef" * 2,
    "[0-9a-f]{16}": "0123456789abcdef",
    "[0-9A-Z]{0,32}": "AB12CDE",
    "[A-Za-z0-9][A-Za-z0-9._-]{0,63}": "county-7",
    "{40}": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
}


def examples() -> Iterator[tuple[str, msgspec.Struct]]:
    """(name, message): of each kind the least, with required fields alone, and the full one."""
    for union in (FromDevice, FromCollector, Record):
        for kind in typing.get_args(union):
            tag = str(kind.__struct_config__.tag)
            for how, is_full in (("least", False), ("full", True)):
                yield f"{tag} {how}", _value(inspect.type_info(kind), tag, is_full)


def pinned() -> dict[str, bytes]:
    """The bytes by name."""
    return {name: bytes.fromhex(text) for name, text in json.loads(PINNED.read_text()).items()}


def _struct(about: inspect.StructType, is_full: bool) -> Any:
    fields = [field for field in about.fields if is_full or field.required]
    return about.cls(**{field.name: _value(field.type, field.name, is_full) for field in fields})


def _value(about: inspect.Type, name: str, is_full: bool) -> Any:  # noqa: C901, PLR0911, PLR0912 - one line a type
    match about:
        case inspect.Metadata():
            return _value(about.type, name, is_full)
        case inspect.StructType():
            return _struct(about, is_full)
        case inspect.BoolType():
            return is_full
        case inspect.IntType():
            return 1 if name == "v" else max(about.ge or 0, 7 if is_full else 0)
        case inspect.FloatType():
            return 0.625
        case inspect.StrType():
            return _text(about, name)
        case inspect.BytesType():
            length = about.min_length or (7 * 36 * 2 if name == "char_probabilities" else 5)
            return bytes(n % 60 for n in range(length))
        case inspect.DateTimeType():
            return AT
        case inspect.VarTupleType() | inspect.ListType():
            count = max(about.min_length or 0, 2 if is_full else 0)
            return tuple(_value(about.item_type, name, is_full) for _ in range(count))
        case inspect.TupleType():
            return tuple(_value(part, name, is_full) for part in about.item_types)
        case inspect.DictType():
            return {_value(about.key_type, name, is_full): _value(about.value_type, name, is_full)} if is_full else {}
        case inspect.UnionType():
            return _value(about.types[0], name, is_full)
        case inspect.RawType():
            return msgspec.Raw(msgspec.msgpack.encode({"kind": "loss"}))
    raise TypeError(f"{name}: no example for {about}")


def _text(about: inspect.StrType, name: str) -> str:
    if about.pattern:
        for part, text in _BY_PATTERN.items():
            if part in about.pattern:
                return text
        raise TypeError(f"{name}: no example for {about.pattern}")
    return f"some {name}"[: about.max_length]


def main() -> None:
    """Pin what is new."""
    kept = json.loads(PINNED.read_text()) if PINNED.exists() else {}
    fresh = {name: encode(message).hex() for name, message in examples()}  # type: ignore[arg-type]
    PINNED.write_text(json.dumps({**fresh, **kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()

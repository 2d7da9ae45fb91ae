"""What was ever said on the wire is still understood, and nothing of it is lost; the schemas are the types'."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alpr.link.protocol.json_schema import wire_schemas
from alpr.link.protocol.messages import (
    FromCollector,
    FromDevice,
    Record,
    decode_from_collector,
    decode_from_device,
    decode_record,
    encode,
)
from tests.golden.messages import examples, pinned

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
PINNED = pinned()


def decoded(raw: bytes) -> Any:
    tag = msgspec.msgpack.decode(raw)["kind"]
    for union, decode in (
        (FromDevice, decode_from_device),
        (FromCollector, decode_from_collector),
        (Record, decode_record),
    ):
        if tag in {kind.__struct_config__.tag for kind in typing.get_args(union)}:
            return decode(raw)
    raise AssertionError(f"nobody understands {tag}")


def is_within(old: Any, new: Any) -> bool:
    """Whether a newer encoding says all that an older one said."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and is_within(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(is_within, old, new))
    return bool(old == new)


@pytest.mark.parametrize("name", PINNED)
def test_what_was_said_is_understood_and_kept(name: str) -> None:
    raw = PINNED[name]
    again = encode(decoded(raw))
    assert is_within(msgspec.msgpack.decode(raw), msgspec.msgpack.decode(again))


def test_every_message_is_pinned() -> None:
    missing = {name for name, _ in examples()} - set(PINNED)
    assert not missing, "new kinds of messages: python -m tests.golden.messages pins them"


@pytest.mark.parametrize(("name", "message"), list(examples()), ids=[name for name, _ in examples()])
def test_a_message_survives_and_so_it_does_with_fields_of_a_newer_version(name: str, message: Any) -> None:
    del name
    assert decoded(encode(message)) == message
    newer = {**msgspec.msgpack.decode(encode(message)), "of_a_newer_version": [1, {"a": None}]}
    assert decoded(msgspec.msgpack.encode(newer)) == message


def test_the_schemas_in_the_docs_are_those_of_the_types() -> None:
    for name, schema in wire_schemas().items():
        written = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        assert written == json.loads(json.dumps(schema)), (
            "python -m alpr.link.protocol.json_schema docs/schemas renews them"
        )
        kinds = {part["properties"]["kind"]["enum"][0] for part in schema["$defs"].values() if _is_tagged(part)}
        assert kinds


def _is_tagged(part: dict[str, Any]) -> bool:
    return "enum" in part.get("properties", {}).get("kind", {})

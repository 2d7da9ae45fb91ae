"""What webhooks post keeps its names and meaning, and is what the schema says."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alpr.config.schema import EventKind
from alpr.events.json_schema import event_schema
from alpr.events.rows import EVENTS
from alpr.forward.event import Event
from alpr.forward.formats import FORMATS
from tests.golden.events import PINNED, bodies, rows

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "events.schema.json"
BODIES = bodies()
TYPES = {typing.get_args(typing.get_type_hints(event)["event"])[0]: event for event in EVENTS}


def test_what_was_posted_is_still_posted_under_the_same_names() -> None:
    pinned = json.loads(PINNED.read_text("utf-8"))
    assert set(pinned) == set(BODIES), "new kinds of events: python -m tests.golden.events pins them"
    for name, body in pinned.items():
        assert {field: BODIES[name].get(field, "gone") for field in body} == body, name


def test_each_attempt_at_an_event_has_one_id_and_no_two_events_share_one() -> None:
    ids = [body["event_id"] for name, body in BODIES.items() if name != "hit covert"]
    assert len(set(ids)) == len(ids)
    raised, cleared = BODIES["alert raised"], BODIES["alert cleared"]
    assert raised["alert_id"] == cleared["alert_id"] != BODIES["alert of a list"]["alert_id"]


@pytest.mark.parametrize("name", BODIES)
def test_a_row_is_what_the_schema_says(name: str) -> None:
    body = BODIES[name]
    event: Any = TYPES[body["event"]]
    msgspec.convert(body, event, strict=True)
    assert body.keys() <= typing.get_type_hints(event).keys()
    assert set(event_schema()["$defs"][event.__name__]["required"]) <= body.keys()


@pytest.mark.parametrize("name", BODIES)
def test_a_field_that_was_added_later_is_not_required(name: str) -> None:
    """What is pinned is what was posted first: a program's stored events must stay valid."""
    pinned = json.loads(PINNED.read_text("utf-8"))[name]
    assert set(event_schema()["$defs"][TYPES[pinned["event"]].__name__]["required"]) <= pinned.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_can_be_told_under_every_names(name: str) -> None:
    for _, row in rows():
        json.dumps(FORMATS[name](Event(7, row["event"], row)))


def test_all_kinds_that_can_be_configured_are_there_and_the_schema_in_the_docs_is_that_of_the_types() -> None:
    assert set(TYPES) == set(typing.get_args(EventKind)) == {body["event"] for body in BODIES.values()}
    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(json.dumps(event_schema())), (
        "python -m alpr.events.json_schema docs/schemas renews it"
    )

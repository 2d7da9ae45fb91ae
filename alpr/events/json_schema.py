"""The JSON Schema of the collector's events. `python -m alpr.events.json_schema docs/schemas` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from alpr.events.rows import EVENTS


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of any event that the collector prints, posts or publishes."""
    one_of, parts = msgspec.json.schema_components(EVENTS, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "events",
        "description": "What the collector prints, and posts or publishes under its own names. Fields may be added.",
        "oneOf": list(one_of),
        "$defs": dict(sorted(parts.items())),
    }


def main() -> None:
    """Write `events.schema.json` into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(event_schema(), indent=1, ensure_ascii=False) + "\n"
    (folder / "events.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

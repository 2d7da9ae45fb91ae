"""JSON Schemas of all that goes over the link, from the types that decode it.

`python -m alpr.link.protocol.json_schema docs/schemas` writes them. The wire itself is MessagePack:
bytes, which stand as base64 in JSON, are binary there, and instants are MessagePack's timestamps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from alpr.link.protocol.messages import VERSION, FromCollector, FromDevice, Record

_WHOLE = {
    "from-device": (FromDevice, "What a device says to the collector."),
    "from-collector": (FromCollector, "What the collector says to a device."),
    "records": (Record, "The records in a device's batches."),
}


def wire_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) by file name without its ending."""
    return {name: _schema(types, title) for name, (types, title) in _WHOLE.items()}


def _schema(types: Any, title: str) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components([types], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": f"Version {VERSION}. Unknown fields are ignored by whoever reads.",
        **schema,
        "$defs": dict(sorted(parts.items())),
    }


def main() -> None:
    """Write the files into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in wire_schemas().items():
        text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

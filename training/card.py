"""Writes model cards: what a shipped file is, what it learned from, how well it does."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write a card as YAML, its keys in the order given, with the SHA-256 of the file that it names.

    Args:
        path: of the card; the model stands beside it.
        card: plain mappings, sequences and scalars; `file` is the model's file name, `sha256` is filled in.

    Raises:
        FileNotFoundError: no such file beside the card.
    """
    digest = hashlib.sha256((path.parent / str(card["file"])).read_bytes()).hexdigest()
    filled: dict[str, Any] = {}
    for key, value in card.items():
        filled[key] = digest if key == "sha256" else value
        if key == "file" and "sha256" not in card:
            filled["sha256"] = digest
    path.write_text(
        yaml.safe_dump(filled, sort_keys=False, allow_unicode=True, width=1000, default_flow_style=None),
        encoding="utf-8",
    )

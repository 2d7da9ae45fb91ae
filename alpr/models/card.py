"""Model cards: the description that lies beside every model file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpr.errors import ModelError
from alpr.system.bounded_yaml import YamlFault, load_yaml
from alpr.system.regular_files import open_regular

_REQUIRED = ("name", "version", "task", "file", "sha256", "input", "outputs")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The card of a model; `fields` holds all of it."""

    path: Path
    name: str
    version: str
    task: str
    model_path: Path
    sha256: str
    fields: Mapping[str, Any]

    @property
    def model_id(self) -> str:
        """`NAME@first 12 hex digits of the SHA-256`: names the model in its reads."""
        return f"{self.name}@{self.sha256[:12]}"


def load_card(path: Path) -> ModelCard:
    """Read the card of a model.

    Args:
        path: of the card or of the model itself, which has the same stem.

    Raises:
        ModelError: the card is missing, is no YAML mapping, or lacks a required field.
    """
    card_path = path.with_suffix(".yaml")
    try:
        fields = load_yaml(card_path)
    except OSError as error:
        raise ModelError(
            f"model card {card_path} cannot be read ({error.strerror}): every model needs its card beside it"
        ) from error
    except YamlFault as fault:
        line = f", line {fault.line}" if fault.line else ""
        raise ModelError(f"model card {card_path}{line} is not YAML: {fault}") from fault
    if not isinstance(fields, dict):
        raise ModelError(f"model card {card_path} must be a mapping, got {type(fields).__name__}")
    missing = [name for name in _REQUIRED if name not in fields]
    if missing:
        raise ModelError(f"model card {card_path} lacks {', '.join(missing)}")
    return ModelCard(
        path=card_path,
        name=str(fields["name"]),
        version=str(fields["version"]),
        task=str(fields["task"]),
        model_path=card_path.parent / str(fields["file"]),
        sha256=str(fields["sha256"]),
        fields=fields,
    )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Args:
        path: of a regular file.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"model {path} cannot be read ({error.strerror}): restore it or name another one in the config"
        ) from error

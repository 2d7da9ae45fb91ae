"""What came of a running device's last reload: a small file in its data folder, for `alpr reload` to read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from alpr.system.files import whole_file

_NAME = "reload.json"
_MOST_BYTES = 1 << 20


class ReloadOutcome(StrEnum):
    """The fate of a changed configuration."""

    TAKEN = "taken"
    ON_TRIAL = "on trial"
    """It is in use; what it changed has to show that it works."""
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"
    """It was in use, did not work, and the one before is in use again."""

    @property
    def is_over(self) -> bool:
        """True where nothing more comes of this reload by itself."""
        return self is not ReloadOutcome.ON_TRIAL

    @property
    def is_good(self) -> bool:
        """True where what the file says is in use."""
        return self not in (ReloadOutcome.REFUSED, ReloadOutcome.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """One reload of one process."""

    pid: int
    number: int
    """Counts the reloads of the process, from 1."""
    outcome: ReloadOutcome
    message: str
    """For people; several lines where there are several mistakes."""
    at: str
    """ISO 8601, UTC."""


def write_outcome(folder: Path, result: ReloadResult) -> None:
    """Write the outcome of a reload.

    Args:
        folder: a device's `data_dir`.
        result: replaces the one before.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(folder / _NAME, 0o644) as file:
        file.write(json.dumps(asdict(result)).encode("utf-8"))


def read_outcome(folder: Path) -> ReloadResult | None:
    """Return the outcome of the last reload; None where there was none, or the file says nothing that can be.

    Args:
        folder: a device's `data_dir`.
    """
    try:
        with (folder / _NAME).open("rb") as file:
            told = json.loads(file.read(_MOST_BYTES))
        return ReloadResult(
            int(told["pid"]),
            int(told["number"]),
            ReloadOutcome(told["outcome"]),
            str(told["message"]),
            str(told["at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""The measured error model of the shipped recogniser: how often it errs in which way, and how sure it then is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import msgspec

from alpr.errors import DecodeError, HotlistError
from alpr.hotlist.tuning.read_confusions import Confusion
from alpr.system.decoding import decoded
from alpr.types import ALPHABET

SHIPPED_TABLE = Path(__file__).with_name("read_errors.json")
"""Made by `python -m bench.error_model`, which is told in the file."""


class _Shares(msgspec.Struct, frozen=True):
    count: int
    shares: tuple[float, ...]


class _Table(msgspec.Struct, frozen=True):
    measured_with: str
    model: str
    crops: int
    outcomes: dict[str, int]
    replaced: dict[str, int]
    characters: dict[str, int]
    thresholds: tuple[float, ...]
    true_above: dict[str, _Shares]
    others_above: dict[str, _Shares]


_decoder = msgspec.json.Decoder(_Table)


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """What reads are like."""

    model: str
    """Of which recogniser."""
    reads: int
    """How many reads it was measured on."""
    right: float
    """Share of reads that say what the plate says."""
    wrong: Mapping[Confusion, float]
    """Share of reads that differ from the plate in each kind; the rest differs by more."""
    thresholds: Sequence[float]
    """Rising; probabilities that `true_above` and `others_above` are known at."""
    true_above: Mapping[Confusion, Sequence[float]]
    """Of reads that err in a kind, the share that holds the plate's text at least so probable."""
    others_above: Mapping[Confusion, Sequence[float]]
    """Of other plates that differ from a read in a kind, the share that it holds at least so probable."""
    confusions: Mapping[str, float]
    """"AB": probability that a character B of the plate is read as A."""

    @classmethod
    def load(cls, path: Path = SHIPPED_TABLE) -> Self:
        """The model of a table.

        Raises:
            HotlistError: the file is no such table.
        """
        try:
            table = decoded(_decoder, path.read_bytes())
            reads = table.crops - table.outcomes["unread"]
            return cls(
                model=table.model,
                reads=reads,
                right=table.outcomes["right"] / reads,
                wrong={kind: table.outcomes[kind.value] / reads for kind in Confusion},
                thresholds=table.thresholds,
                true_above=_true_above(table),
                others_above={kind: _at_most(table.others_above[kind.value]) for kind in Confusion},
                confusions=_confusions(table.replaced, table.characters),
            )
        except (OSError, DecodeError, KeyError, ZeroDivisionError) as error:
            raise HotlistError(
                f"{path}: is no table of read errors ({error}): make one with bench.error_model"
            ) from error

    def accepted(self, above: Mapping[Confusion, Sequence[float]], kind: Confusion, min_probability: float) -> float:
        """The share that a least probability lets through; between thresholds that of the lower one."""
        place = max(0, bisect_right(self.thresholds, min_probability) - 1)
        return above[kind][place]


@cache
def shipped_errors() -> ErrorModel:
    """The model of the shipped recogniser."""
    return ErrorModel.load()


def _true_above(table: _Table) -> dict[Confusion, tuple[float, ...]]:
    """Errors are few: those that keep the plate's length count together, also for kinds that never came."""
    together = [table.true_above[kind.value] for kind in _SAME_LENGTH]
    count = sum(one.count for one in together)
    columns = zip(*([one.count * share for share in one.shares] for one in together), strict=True)
    pooled = tuple(sum(column) / count for column in columns) if count else (1.0,) * len(table.thresholds)
    found = dict.fromkeys(Confusion, pooled)
    if (missing := table.true_above[Confusion.MISSING.value]).count:
        found[Confusion.MISSING] = missing.shares
    return found


_SAME_LENGTH = (Confusion.LOOK_ALIKE_1, Confusion.LOOK_ALIKE_2, Confusion.REPLACED)


def _at_most(counted: _Shares) -> tuple[float, ...]:
    """Half a time more than was counted: what never came in so many tries is not impossible."""
    more = 0.5 / max(1, counted.count)
    return tuple(min(1.0, share + more) for share in counted.shares)


def _confusions(replaced: Mapping[str, int], characters: Mapping[str, int]) -> dict[str, float]:
    """Counts to probabilities: a pair that was never seen counts as one half of a time, spread over all of them."""
    unseen = 0.5 / (len(ALPHABET) * (len(ALPHABET) - 1))
    return {
        read + true: (replaced.get(read + true, 0) + unseen) / max(1, characters.get(true, 0))
        for true in ALPHABET
        for read in ALPHABET
        if read != true
    }

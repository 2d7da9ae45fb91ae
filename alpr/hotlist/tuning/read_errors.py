"""Error model of the shipped recogniser, as measured: rates of its errors by kind, and its probabilities for them."""

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
"""File of the model, made by `python -m bench.error_model`."""


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
    """Rates and probabilities of a recogniser's errors."""

    model: str
    """Name of the recogniser's model."""
    reads: int
    """Number of reads on which it was measured."""
    right: float
    """Share of reads that are right, in [0, 1]."""
    wrong: Mapping[Confusion, float]
    """Kind of confusion → share of reads that differ so from the plate, in [0, 1]; the rest differs by more."""
    thresholds: Sequence[float]
    """Probabilities, rising, at which `true_above` and `others_above` are given."""
    true_above: Mapping[Confusion, Sequence[float]]
    """Kind of confusion → for each threshold, the share of reads with such an error that give the plate's true text
    at least that probability."""
    others_above: Mapping[Confusion, Sequence[float]]
    """Kind of confusion → for each threshold, the share of other plates that differ so from a read to which the read
    gives at least that probability."""
    confusions: Mapping[str, float]
    """Characters read and true, such as "AB" → probability that a character B of the plate is read as A."""

    @classmethod
    def load(cls, path: Path = SHIPPED_TABLE) -> Self:
        """Load a model.

        Args:
            path: of a file that `bench.error_model` wrote.

        Raises:
            HotlistError: the file cannot be read, or is not such a file.
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
                f"{path}: not a table of read errors ({error}): make one with `python -m bench.error_model`"
            ) from error

    def accepted(self, above: Mapping[Confusion, Sequence[float]], kind: Confusion, min_probability: float) -> float:
        """Return the share, in [0, 1], that reaches a least probability; between thresholds, that of the lower one.

        Args:
            above: `true_above` or `others_above`.
            kind: of the confusion.
            min_probability: in [0, 1].
        """
        at = max(0, bisect_right(self.thresholds, min_probability) - 1)
        return above[kind][at]


@cache
def shipped_errors() -> ErrorModel:
    """Return the model of the shipped recogniser, loaded once."""
    return ErrorModel.load()


def _true_above(table: _Table) -> dict[Confusion, tuple[float, ...]]:
    """Pool the kinds that keep the plate's length, since errors are few, also for kinds that never occurred."""
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
    """Add half an occurrence to each share: what never occurred in so many tries is not impossible."""
    more = 0.5 / max(1, counted.count)
    return tuple(min(1.0, share + more) for share in counted.shares)


def _confusions(replaced: Mapping[str, int], characters: Mapping[str, int]) -> dict[str, float]:
    """Turn counts into probabilities; half an occurrence is spread over the pairs, so that none is impossible."""
    unseen = 0.5 / (len(ALPHABET) * (len(ALPHABET) - 1))
    return {
        read + true: (replaced.get(read + true, 0) + unseen) / max(1, characters.get(true, 0))
        for true in ALPHABET
        for read in ALPHABET
        if read != true
    }

"""How long each stage takes and how often things happen: histograms and counters of fixed size.

Pure: the clock is handed in. A histogram has buckets whose bounds grow by 4 %, so that a quantile that it tells is
within ±2 % of a value that was really measured; minimum, maximum, mean and count are exact. One histogram holds
some five kilobytes however long it runs. Each stage is measured by one thread alone; any thread may sum up.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType

_GROWTH = 1.04
_LOG_GROWTH = math.log(_GROWTH)
_FIRST_NS = 100.0  # below the shortest thing worth timing
_BUCKETS = 600  # 100 ns × 1.04^600 is half an hour; what is longer counts in the last one


@dataclass(frozen=True, slots=True)
class Latency:
    """The summary of a histogram, in milliseconds; all 0.0 where nothing was measured."""

    n: int
    mean_ms: float
    min_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram reduced to a few cumulative counts."""

    n: int
    total_s: float
    cumulative: Mapping[float, int]
    """Upper bound in milliseconds → how many durations do not exceed it, within 4 % of the bound."""


class Histogram:
    """Durations in buckets of equal ratio."""

    __slots__ = ("_buckets", "_max_ns", "_min_ns", "_n", "_total_ns")

    def __init__(self) -> None:
        self._buckets = array("Q", bytes(8 * _BUCKETS))
        self._n = 0
        self._total_ns = 0
        self._min_ns = 0
        self._max_ns = 0

    @property
    def n(self) -> int:
        """Number of durations that were added."""
        return self._n

    def add(self, duration_ns: int) -> None:
        """Count one duration.

        Args:
            duration_ns: in nanoseconds, at least 0.
        """
        if duration_ns <= _FIRST_NS:
            bucket = 0
        else:
            bucket = min(_BUCKETS - 1, 1 + int(math.log(duration_ns / _FIRST_NS) / _LOG_GROWTH))
        self._buckets[bucket] += 1
        self._min_ns = duration_ns if not self._n else min(self._min_ns, duration_ns)
        self._max_ns = max(self._max_ns, duration_ns)
        self._n += 1
        self._total_ns += duration_ns

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram.

        Args:
            other: stays as it is.
        """
        if not other._n:
            return
        self._min_ns = min(self._min_ns, other._min_ns) if self._n else other._min_ns
        self._max_ns = max(self._max_ns, other._max_ns)
        self._n += other._n
        self._total_ns += other._total_ns
        for bucket, count in enumerate(other._buckets):
            self._buckets[bucket] += count

    def quantile_ms(self, share: float) -> float:
        """The duration that this share of all does not exceed (nearest rank), within ±2 %; 0.0 if there is none.

        Args:
            share: in [0, 1].
        """
        if not self._n:
            return 0.0
        rank = max(1, math.ceil(share * self._n))
        if rank == self._n:
            return self._max_ns / 1e6
        seen = 0
        for bucket, count in enumerate(self._buckets):
            seen += count
            if seen >= rank:
                middle_ns = _FIRST_NS * math.exp(_LOG_GROWTH * (bucket - 0.5))
                return min(max(middle_ns, self._min_ns), self._max_ns) / 1e6
        raise AssertionError("the buckets hold fewer durations than were counted")

    def buckets(self, bounds_ms: Iterable[float]) -> Buckets:
        """Count the durations that do not exceed each bound.

        Args:
            bounds_ms: in milliseconds, ascending.
        """
        cumulative = {}
        for bound_ms in bounds_ms:
            last = int(math.log(bound_ms * 1e6 / _FIRST_NS) / _LOG_GROWTH)
            cumulative[bound_ms] = sum(self._buckets[: last + 1])
        return Buckets(self._n, self._total_ns / 1e9, cumulative)

    def latency(self) -> Latency:
        """Summarise the histogram in milliseconds."""
        return Latency(
            n=self._n,
            mean_ms=self._total_ns / self._n / 1e6 if self._n else 0.0,
            min_ms=self._min_ns / 1e6,
            p50_ms=self.quantile_ms(0.50),
            p95_ms=self.quantile_ms(0.95),
            p99_ms=self.quantile_ms(0.99),
            max_ms=self._max_ns / 1e6,
        )


class _Measure:
    """Times one stage; made once per stage and entered again and again, also within itself."""

    __slots__ = ("_histogram", "_now_ns", "_starts")

    def __init__(self, histogram: Histogram, now_ns: Callable[[], int]) -> None:
        self._histogram = histogram
        self._now_ns = now_ns
        self._starts: list[int] = []

    def __enter__(self) -> None:
        self._starts.append(self._now_ns())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What ended in an exception took its time too.
        self._histogram.add(self._now_ns() - self._starts.pop())


class StageTimes:
    """Latency per stage, and counters.

        times = StageTimes()
        with times.measure("detect"):
            ...
        times.latencies()["detect"].p95_ms

    Args:
        now_ns: a steady clock in nanoseconds.
    """

    def __init__(self, now_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._now_ns = now_ns
        self._histograms: dict[str, Histogram] = {}
        self._measures: dict[str, _Measure] = {}
        self._counts: dict[str, int] = {}

    def measure(self, stage: str) -> AbstractContextManager[None]:
        """Measure the time of the block; stages may nest.

        Args:
            stage: its name.
        """
        measure = self._measures.get(stage)
        if measure is None:
            histogram = self._histograms.setdefault(stage, Histogram())
            measure = self._measures[stage] = _Measure(histogram, self._now_ns)
        return measure

    def add(self, stage: str, duration_ns: int) -> None:
        """Count a duration that was measured elsewhere.

        Args:
            stage: its name.
            duration_ns: in nanoseconds, at least 0.
        """
        self._histograms.setdefault(stage, Histogram()).add(duration_ns)

    def count(self, name: str, by: int = 1) -> None:
        """Count an event.

        Args:
            name: of the counter.
            by: how many.
        """
        self._counts[name] = self._counts.get(name, 0) + by

    def merge(self, other: StageTimes) -> None:
        """Add the measurements and counts of another instance.

        Args:
            other: stays as it is.
        """
        for stage, histogram in tuple(other._histograms.items()):
            self._histograms.setdefault(stage, Histogram()).merge(histogram)
        for name, count in other._counts.items():
            self.count(name, count)

    def latencies(self) -> Mapping[str, Latency]:
        """Summaries per stage, in the order in which they were first measured."""
        return {stage: histogram.latency() for stage, histogram in tuple(self._histograms.items())}

    def buckets(self, bounds_ms: Sequence[float]) -> Mapping[str, Buckets]:
        """Count per stage the durations that do not exceed each bound.

        Args:
            bounds_ms: in milliseconds, ascending.
        """
        return {stage: histogram.buckets(bounds_ms) for stage, histogram in tuple(self._histograms.items())}

    def counts(self) -> Mapping[str, int]:
        """Counts per name."""
        return dict(self._counts)

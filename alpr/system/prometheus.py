"""Figures as Prometheus wants them, and those that any computer and program has. Whoever has figures names them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from alpr import __version__
from alpr.system import sensors
from alpr.system.stage_times import Buckets

STAGE_BOUNDS_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Upper bounds of the buckets of a histogram of stages, milliseconds."""


def machine_metrics(prefix: str, folder: Path) -> Iterator[Metric]:
    """Yield the metrics of the computer and of the process; what the system does not report is left out.

    Args:
        prefix: of the metrics' names.
        folder: on the disk that is measured.
    """
    disk, memory, temperature_c = sensors.disk(folder), sensors.memory(), sensors.temperature_c()
    yield gauges(f"{prefix}_build_info", "Version of alpr.", ("version",), [((__version__,), 1.0)])
    yield counters(f"{prefix}_cpu_seconds", "Processor time of the program.", (), [((), time.process_time())])
    if disk is not None:
        yield gauge(f"{prefix}_disk_free_bytes", "Room on the disk where records are kept.", disk.free)
        yield gauge(f"{prefix}_disk_total_bytes", "Size of that disk.", disk.total)
    if memory is not None:
        yield gauge(f"{prefix}_memory_used_bytes", "Memory of the computer in use.", memory.used)
        yield gauge(f"{prefix}_memory_total_bytes", "Memory of the computer.", memory.total)
        yield gauge(f"{prefix}_process_memory_bytes", "Memory of the program.", memory.process or 0)
    if temperature_c is not None:
        yield gauge(f"{prefix}_temperature_celsius", "The hottest of the computer's sensors.", temperature_c)


def stage_metric(name: str, told: str, stages: Mapping[str, Buckets]) -> Metric:
    """Build the histogram of durations by stage.

    Args:
        name: of the metric, in seconds.
        told: its help text.
        stages: by name, in milliseconds.
    """
    family = HistogramMetricFamily(name, told, labels=("stage",))
    for stage, buckets in stages.items():
        bounds = [(f"{bound_ms / 1000:g}", count) for bound_ms, count in buckets.cumulative.items()]
        family.add_metric((stage,), [*bounds, ("+Inf", buckets.n)], buckets.total_s)
    return family


def gauge(name: str, told: str, value: float) -> Metric:
    """Build a gauge without labels.

    Args:
        name: of the metric.
        told: its help text.
        value: as of now.
    """
    return GaugeMetricFamily(name, told, value=value)


def gauges(name: str, told: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """Build a gauge with labels.

    Args:
        name: of the metric.
        told: its help text.
        labels: their names.
        values: (the labels' values, the figure) of each.
    """
    family = GaugeMetricFamily(name, told, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def counters(name: str, told: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """Build a counter with labels; Prometheus sees `<name>_total`.

    Args:
        name: of the metric, without `_total`.
        told: its help text.
        labels: their names.
        values: (the labels' values, the count) of each; counts only grow.
    """
    family = CounterMetricFamily(name, told, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family

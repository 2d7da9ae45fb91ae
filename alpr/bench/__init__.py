"""Latency of the real pipeline against a budget. Knows no camera and no store: its frames are drawn."""

from alpr.bench.reading import stage_name
from alpr.bench.run import run_bench
from alpr.bench.verdict import BenchReport, Budget, DeviceClass, StageReport, Taken, load_budget, over_budget

__all__ = [
    "BenchReport",
    "Budget",
    "DeviceClass",
    "StageReport",
    "Taken",
    "load_budget",
    "over_budget",
    "run_bench",
    "stage_name",
]

"""What a bench run found, and whether it is within the budget. Pure but for reading the budget's file."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from alpr.config.document import read_document, validate
from alpr.system.machine import Machine

Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Taken:
    """The time that a stage took of one frame."""

    wall_ns: float
    cpu_ns: float
    """Processor time of the whole process: also what libraries do on threads of their own."""

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.wall_ns + other.wall_ns, self.cpu_ns + other.cpu_ns)

    def __sub__(self, other: Taken) -> Taken:
        return Taken(self.wall_ns - other.wall_ns, self.cpu_ns - other.cpu_ns)

    def __truediv__(self, parts: int) -> Taken:
        return Taken(self.wall_ns / parts, self.cpu_ns / parts)


@dataclass(frozen=True, slots=True)
class StageReport:
    """The times of one stage over the frames in which it ran."""

    stage: str
    n: int
    p50_ms: float
    """This and the next three by the clock, also what other programs took meanwhile."""
    p95_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: float
    """Median processor time: what it takes on a core of its own, waiting for disks left out."""
    ratio: float
    """Median over frames of the stage's processor time by the yardstick's at that moment."""


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All of one run."""

    workload: str
    frames: int
    warm_up: int
    plates_in_view: float
    """Mean number of detections per frame."""
    reads: int
    """Reads given out, those of the warm-up included: a plate that is read surely is told within its first frames."""
    hits: int
    models: tuple[str, ...]
    providers: tuple[str, ...]
    threads: int
    machine: Machine
    peak_rss_mb: float
    yardstick_ms: tuple[float, ...]
    stages: tuple[StageReport, ...]

    @property
    def yardstick_p10_ms(self) -> float:
        """The yardstick on this core when little else disturbs it: tells what class of core it is."""
        return quantile(self.yardstick_ms, 0.1)

    def fields(self) -> dict[str, Any]:
        """Return the report as JSON has it: times in milliseconds, rounded to a microsecond."""
        return {
            "workload": self.workload,
            "frames": self.frames,
            "warm_up": self.warm_up,
            "plates_in_view": round(self.plates_in_view, 2),
            "reads": self.reads,
            "hits": self.hits,
            "models": list(self.models),
            "providers": list(self.providers),
            "threads": self.threads,
            "machine": asdict(self.machine),
            "peak_rss_mb": round(self.peak_rss_mb, 1),
            "yardstick_ms": {
                "min": round(min(self.yardstick_ms), 3),
                "p10": round(self.yardstick_p10_ms, 3),
                "p50": round(quantile(self.yardstick_ms, 0.5), 3),
            },
            "stages": {
                stage.stage: {key: round(value, 3) for key, value in asdict(stage).items() if key != "stage"}
                for stage in self.stages
            },
        }


class DeviceClass(BaseModel):
    """A kind of core, told by how long the yardstick takes on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    yardstick_ms: tuple[Positive, Positive]
    """From (inclusive) and to (exclusive)."""
    ratios: dict[str, Positive] = {}
    """By stage: what holds there instead of the budget's own."""
    frame_ms: Positive | None = None
    """Most that the median frame may take there: what the ratio of "frame" was derived from."""


class Budget(BaseModel):
    """The most that each stage may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_plates_in_view: Annotated[float, Field(ge=0)]
    """A workload in which fewer plates are found measures something else."""
    ratios: dict[str, Positive]
    """By stage: most times the yardstick's time."""
    devices: tuple[DeviceClass, ...] = ()

    def without(self, stages: Iterable[str]) -> Budget:
        """Return the same budget without limits for some stages.

        Args:
            stages: their names.
        """
        left_out = set(stages)
        kept = [each.model_copy(update={"ratios": _but(each.ratios, left_out)}) for each in self.devices]
        return self.model_copy(update={"ratios": _but(self.ratios, left_out), "devices": tuple(kept)})

    def limits(self, yardstick_ms: float) -> dict[str, float]:
        """Return the limit of each stage, in yardsticks, on a core of a given speed.

        Args:
            yardstick_ms: what the yardstick takes on that core.
        """
        device = self.device(yardstick_ms)
        return {**self.ratios, **device.ratios} if device else dict(self.ratios)

    def device(self, yardstick_ms: float) -> DeviceClass | None:
        """Return the class of a core of a given speed.

        Args:
            yardstick_ms: what the yardstick takes on that core.
        """
        return next(
            (kind for kind in self.devices if kind.yardstick_ms[0] <= yardstick_ms < kind.yardstick_ms[1]), None
        )


def _but(ratios: dict[str, float], left_out: set[str]) -> dict[str, float]:
    return {stage: ratio for stage, ratio in ratios.items() if stage not in left_out}


def load_budget(path: Path) -> Budget:
    """Read a budget.

    Args:
        path: of the YAML file.

    Raises:
        ConfigError: every mistake in it.
    """
    return validate(read_document(path, {}), Budget, ())


def over_budget(report: BenchReport, budget: Budget) -> list[str]:
    """List what is over the budget, one sentence each; [] where nothing is.

    Args:
        report: of the run.
        budget: to hold it to.
    """
    wrong = []
    if report.plates_in_view < budget.min_plates_in_view:
        wrong.append(
            f"only {report.plates_in_view:.2f} plates found per frame, not {budget.min_plates_in_view:g}: "
            "the workload no longer measures what it should"
        )
    stages = {stage.stage: stage for stage in report.stages}
    for name, limit in budget.limits(report.yardstick_p10_ms).items():
        stage = stages.get(name)
        if stage is None:
            wrong.append(f"{name}: did not run")
        elif stage.ratio > limit:
            wrong.append(
                f"{name}: {stage.ratio:.2f} yardsticks, budget {limit:.2f} ({stage.cpu_ms:.2f} ms of this processor)"
            )
    return wrong


def stage_report(stage: str, pairs: Sequence[tuple[Taken, float]]) -> StageReport:
    """Sum up a stage.

    Args:
        stage: its name.
        pairs: at least one: what the stage took, and the yardstick's processor time in nanoseconds at that moment.
    """
    walls_ms = [taken.wall_ns / 1e6 for taken, _ in pairs]
    return StageReport(
        stage=stage,
        n=len(pairs),
        p50_ms=quantile(walls_ms, 0.50),
        p95_ms=quantile(walls_ms, 0.95),
        p99_ms=quantile(walls_ms, 0.99),
        max_ms=max(walls_ms),
        cpu_ms=quantile([taken.cpu_ns / 1e6 for taken, _ in pairs], 0.50),
        ratio=statistics.median(taken.cpu_ns / yardstick_ns for taken, yardstick_ns in pairs),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Nearest-rank quantile: the least of the values that this share of them does not exceed.

    Args:
        values: at least one.
        share: in [0, 1].
    """
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]

"""All that one evaluation found out, as tables of rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alpr.evaluation.failures import Failure, failures
from alpr.evaluation.outcome import CropResult, PlateOutcome, SceneResult, crop_outcomes, scene_outcomes
from alpr.evaluation.rows import (
    Row,
    calibration_rows,
    cause_rows,
    comparison_rows,
    confusion_rows,
    crop_rows,
    curve_rows,
    scene_rows,
)


@dataclass(frozen=True, slots=True)
class Report:
    """All results of one evaluation."""

    recogniser: str
    """Its model id."""
    detector: str | None = None
    """Its model id; None where there were no scenes."""
    threshold: float | None = None
    """Least confidence of a detection."""
    scenes: list[SceneResult] = field(default_factory=list)
    crops: list[CropResult] = field(default_factory=list)
    latencies: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By stage, in milliseconds."""
    unreadable: int = 0
    """Pictures that could not be read and do not count."""

    @property
    def plates(self) -> list[PlateOutcome]:
        """Labelled plates of the scenes, then of the crops."""
        return [*scene_outcomes(self.scenes), *crop_outcomes(self.crops)]

    @property
    def kinds(self) -> list[tuple[str, list[PlateOutcome]]]:
        """The plates of scenes and those of crops; they are never mixed in one figure."""
        both = [("scenes", scene_outcomes(self.scenes)), ("crops", crop_outcomes(self.crops))]
        return [(name, plates) for name, plates in both if plates]

    def tables(self) -> list[tuple[str, list[Row]]]:
        """(kind, rows) of everything, in the order in which they are told; empty ones left out."""
        told: list[tuple[str, list[Row]]] = [
            ("models", [{"detector": self.detector, "recogniser": self.recogniser, "threshold": self.threshold}]),
            ("scenes", scene_rows(self.scenes)),
            ("crops", crop_rows(self.crops)),
        ]
        for name, plates in self.kinds:
            told += [
                ("causes", [{"in": name, **row} for row in cause_rows(self._failures(name))]),
                ("calibration", [{"in": name, **row} for row in calibration_rows(plates)]),
                ("confusion", [{"in": name, **row} for row in confusion_rows(plates)]),
            ]
        told += [
            ("curve", curve_rows(self.scenes)),
            ("failure", self._failure_rows()),
            ("ms", [{"stage": stage, **_rounded(latency)} for stage, latency in self.latencies.items()]),
        ]
        return [(kind, rows) for kind, rows in told if rows]

    def compared_with(self, other: Report) -> list[Row]:
        """Compare both readers group by group on the same plates.

        Args:
            other: of the same labels.
        """
        return [
            {"in": name, **row}
            for (name, mine), (_, theirs) in zip(self.kinds, other.kinds, strict=True)
            for row in comparison_rows(mine, theirs)
        ]

    def _failures(self, kind: str) -> list[Failure]:
        return failures(self.scenes if kind == "scenes" else [], self.crops if kind == "crops" else [])

    def _failure_rows(self) -> list[Row]:
        return [
            {
                "image": str(failure.image),
                "cause": str(failure.cause),
                "truth": failure.truth,
                "read": failure.read,
                "confidence": round(failure.confidence, 4),
                "source": failure.source,
                "region": failure.region,
            }
            for failure in failures(self.scenes, self.crops)
        ]


def _rounded(latency: Mapping[str, float]) -> Row:
    return {name: round(value, 3) for name, value in latency.items()}

"""Estimates of the right and false hits a day that match policies raise, and the choice of a policy by them. Pure.

Counted, not simulated: the false hits of a policy on a list are the sum, over the texts that the policy takes for an
entry, of the probability that a car with that plate passes, times the share of such reads that reach the policy's
least probability. The sum is over a seeded sample of the entries, whose spread gives its standard error.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from alpr.hotlist.rules.policy import ByLength, MatchPolicy
from alpr.hotlist.rules.wildcards import is_pattern
from alpr.hotlist.tuning.plate_model import PlateModel
from alpr.hotlist.tuning.read_confusions import Confusion, reads_near
from alpr.hotlist.tuning.read_errors import ErrorModel
from alpr.system.progress import Progress

ENTRIES_SAMPLED = 1000
"""Largest number of entries that an estimate is made from."""
_LIKELY = 1.64
"""Number of standard errors above the estimate that a setting must stay within the limit: one-sided 95 %."""

_OFF = ByLength()
CHOICES: Mapping[str, Mapping[str, ByLength]] = {
    "exact only": {"look_alikes": _OFF, "edits": _OFF},
    "one look-alike from 7": {"look_alikes": ByLength(((7, 1),)), "edits": _OFF},
    "one look-alike from 5": {"look_alikes": ByLength(((5, 1),)), "edits": _OFF},
    "two look-alikes from 7": {"look_alikes": ByLength(((5, 1), (7, 2))), "edits": _OFF},
    **{
        f"one edit from {length}": {"look_alikes": ByLength(((5, 1), (7, 2))), "edits": ByLength(((length, 1),))}
        for length in (8, 7, 6, 5)
    },
}
"""Name → settings to be estimated, from the strictest to the loosest, each with all thresholds of the error model."""


class DailyReads(NamedTuple):
    """Reads that the cameras of a list make in a day."""

    plates: PlateModel
    """Model of the plates that pass."""
    reads_per_day: float
    listed_per_day: float
    """Number of these that are of cars on the list."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Numbers of entries that a passing car's plate is near to, by kind of confusion and by length.

    The length is the one that a policy's settings go by.
    """

    by_confusion: Mapping[tuple[Confusion, int], float]
    """Expected number of entries matched per read."""
    error: Mapping[tuple[Confusion, int], float]
    """Standard errors of the numbers in `by_confusion`."""
    misread_as_listed: float
    """Expected number of entries per read as which another car is misread exactly; no policy prevents such hits."""
    lengths: Mapping[int, float]
    """Length → share of the entries that have it, in [0, 1]."""
    entries: int
    """Number of entries without wildcards."""


@dataclass(frozen=True, slots=True)
class HitEstimate:
    """Hits that a setting is expected to raise."""

    name: str
    """Name of the setting, see `CHOICES`."""
    policy: MatchPolicy
    caught: float
    """Share of the listed cars that pass whose read raises a hit, in [0, 1]."""
    true_per_day: float
    false_per_day: float
    """Expected number of approximate matches of other cars."""
    error: float
    """Standard error of `false_per_day`."""

    @property
    def likely_most(self) -> float:
        """Upper limit of the false hits a day, with a one-sided confidence of 95 %."""
        return self.false_per_day + _LIKELY * self.error


def neighbourhood(
    plates: Sequence[str],
    entries: int,
    plate_model: PlateModel,
    errors: ErrorModel,
    seed: int = 1,
    *,
    on_progress: Progress | None = None,
) -> Neighbourhood:
    """Return the neighbourhood of a list's entries.

    Args:
        plates: of the list's entries or a random sample of them; those with wildcards are ignored.
        entries: number of the list's plates that have no wildcards.
        plate_model: model of the plates that pass.
        errors: of the recogniser.
        seed: of the sample of `ENTRIES_SAMPLED` plates.
        on_progress: is given the share that is done, from 0 to 1.
    """
    known = [plate for plate in plates if not is_pattern(plate)]
    sample = random.Random(seed).sample(known, min(ENTRIES_SAMPLED, len(known)))  # noqa: S311 - no secret
    sums: defaultdict[tuple[Confusion, int], list[float]] = defaultdict(list)
    misread = 0.0
    for number, plate in enumerate(sample, 1):
        if on_progress is not None:
            on_progress(number / len(sample))
        found: defaultdict[tuple[Confusion, int], float] = defaultdict(float)
        for kind, text in reads_near(plate):
            probability = plate_model.probability(text)
            found[kind, _policy_length(kind, plate, text)] += probability
            if kind in (Confusion.LOOK_ALIKE_1, Confusion.REPLACED):
                misread += probability * _taken_for(text, plate, errors)
        for key, value in found.items():
            sums[key].append(value)
    scale = entries / max(1, len(sample))
    lengths: defaultdict[int, float] = defaultdict(float)
    for plate in known:
        lengths[len(plate)] += 1 / len(known)
    return Neighbourhood(
        {key: sum(values) * scale for key, values in sums.items()},
        {key: _standard_error(values, len(sample), entries) for key, values in sums.items()},
        misread * scale,
        lengths,
        entries,
    )


def estimate_settings(
    near: Neighbourhood, daily: DailyReads, errors: ErrorModel, base: MatchPolicy
) -> list[HitEstimate]:
    """Estimate all settings: each of `CHOICES` with each threshold of the error model as its least probability.

    Args:
        near: the neighbourhood of the list's entries.
        daily: the reads of a day.
        errors: of the recogniser.
        base: the list's policy; settings that are not in `CHOICES` stay as they are in it.
    """
    found = []
    for name, choice in CHOICES.items():
        for least in errors.thresholds if choice["look_alikes"].steps or choice["edits"].steps else (0.0,):
            policy = replace(base, **choice, min_probability=least)
            found.append(estimate_setting(name, policy, near, daily, errors))
    return found


def estimate_setting(
    name: str, policy: MatchPolicy, near: Neighbourhood, daily: DailyReads, errors: ErrorModel
) -> HitEstimate:
    """Estimate one setting.

    Args:
        name: of the setting, for people.
        policy: that the setting amounts to.
        near: the neighbourhood of the list's entries.
        daily: the reads of a day.
        errors: of the recogniser.
    """
    false = error = 0.0
    for (kind, length), met in near.by_confusion.items():
        if _allows(policy, kind, length):
            share = errors.accepted(errors.others_above, kind, policy.min_probability) * daily.reads_per_day
            false += met * share
            error = math.hypot(error, near.error[kind, length] * share)
    caught = errors.right
    for kind, share in errors.wrong.items():
        allowed = sum(of for length, of in near.lengths.items() if _allows(policy, kind, _read_length(kind, length)))
        caught += share * allowed * errors.accepted(errors.true_above, kind, policy.min_probability)
    return HitEstimate(name, policy, caught, caught * daily.listed_per_day, false, error)


def best_setting(estimates: Iterable[HitEstimate], max_false_per_day: float) -> HitEstimate | None:
    """Return the setting that catches most of those within a limit of false hits; of equals, the one with the fewest.

    Args:
        estimates: of the settings to choose from.
        max_false_per_day: largest number of false hits a day, which `likely_most` must not exceed.

    Returns:
        None if no setting is within the limit.
    """
    within = [one for one in estimates if one.likely_most <= max_false_per_day]
    return max(within, key=lambda one: (round(one.caught, 4), -one.false_per_day), default=None)


def best_thresholds(estimates: Sequence[HitEstimate], max_false_per_day: float) -> list[HitEstimate]:
    """Return, for each choice, the setting with the lowest least probability within a limit, or else the highest.

    Args:
        estimates: as `estimate_settings` returns them.
        max_false_per_day: largest number of false hits a day, which `likely_most` must not exceed.
    """
    chosen: dict[str, HitEstimate] = {}
    for one in estimates:
        if one.name not in chosen or chosen[one.name].likely_most > max_false_per_day:
            chosen[one.name] = one
    return list(chosen.values())


def _policy_length(kind: Confusion, plate: str, read: str) -> int:
    """Return the length that a policy goes by: of the read for look-alikes, of the shorter text for edits."""
    return min(len(plate), len(read)) if kind in (Confusion.MISSING, Confusion.EXTRA) else len(read)


def _read_length(kind: Confusion, plate_length: int) -> int:
    return plate_length - 1 if kind is Confusion.MISSING else plate_length


def _allows(policy: MatchPolicy, kind: Confusion, length: int) -> bool:
    if kind is Confusion.LOOK_ALIKE_2:
        return policy.look_alikes.at(length) >= 2 or policy.edits.at(length) >= 2
    if policy.edits.at(length) >= 1:
        return True
    return kind is Confusion.LOOK_ALIKE_1 and policy.look_alikes.at(length) >= 1


def _taken_for(plate: str, read: str, errors: ErrorModel) -> float:
    """Return the probability that a plate is read as a text that differs in one position."""
    (position,) = (at for at, (a, b) in enumerate(zip(plate, read, strict=True)) if a != b)
    return errors.confusions[read[position] + plate[position]]


def _standard_error(values: Sequence[float], sampled: int, whole: int) -> float:
    """Return the standard error of a sum over all entries, from the values other than 0 of a sample of them."""
    if sampled < 2:
        return 0.0
    mean = sum(values) / sampled
    squares = sum((value - mean) ** 2 for value in values) + (sampled - len(values)) * mean**2
    left_out = max(0.0, 1 - sampled / whole)  # finite population: a sample of all has no error
    return whole * math.sqrt(squares / (sampled - 1) / sampled * left_out)

"""How many hits a day a match policy is to be expected to raise, right ones and false ones, and which policy to take.

By counting, not by trial: the false hits of a rule on a list are the sum, over the texts that the rule would take for
an entry, of the probability that a car with that plate passes, times the share of such reads that the least
probability lets through. The sum is taken over a seeded sample of the entries; how far these differ gives its error.
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

ENTRIES_SAMPLED = 1000
_LIKELY = 1.64
"""Standard errors above the estimate that a chosen setting has to stay within the aim: 95 in 100."""

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
"""From the strictest to the loosest; each with every least probability of the error model."""


class DailyReads(NamedTuple):
    """What passes the cameras of a list."""

    plates: PlateModel
    reads_per_day: float
    listed_per_day: float
    """Of these, cars that are on the list."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """How probable it is that a passing car's plate meets some entry, by kind and by the length that rules go by."""

    by_confusion: Mapping[tuple[Confusion, int], float]
    """Expected entries met per read."""
    error: Mapping[tuple[Confusion, int], float]
    """Standard error of each."""
    misread_as_listed: float
    """Expected entries per read that another car is taken for exactly; no rule can tell these from right ones."""
    lengths: Mapping[int, float]
    """Share of the entries of each length."""
    entries: int
    """Without those that have wildcards."""


@dataclass(frozen=True, slots=True)
class HitEstimate:
    """What a setting is to be expected to raise."""

    name: str
    policy: MatchPolicy
    caught: float
    """Share of the listed cars that pass whose read raises a hit."""
    true_per_day: float
    false_per_day: float
    """Approximate matches with other cars."""
    error: float
    """Standard error of that."""

    @property
    def likely_most(self) -> float:
        """False hits that are not exceeded in 95 of 100 such counts."""
        return self.false_per_day + _LIKELY * self.error


def neighbourhood(
    plates: Sequence[str], entries: int, plate_model: PlateModel, errors: ErrorModel, seed: int = 1
) -> Neighbourhood:
    """What stands near a list's entries.

    Args:
        plates: of the list's entries or a random sample of them; those with wildcards are passed over.
        entries: how many of the list's plates have no wildcards.
    """
    known = [plate for plate in plates if not is_pattern(plate)]
    sample = random.Random(seed).sample(known, min(ENTRIES_SAMPLED, len(known)))  # noqa: S311 - no secret
    sums: defaultdict[tuple[Confusion, int], list[float]] = defaultdict(list)
    misread = 0.0
    for plate in sample:
        found: defaultdict[tuple[Confusion, int], float] = defaultdict(float)
        for kind, text in reads_near(plate):
            probability = plate_model.probability(text)
            found[kind, _asked_length(kind, plate, text)] += probability
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
    """What each setting is to be expected to raise: every choice with every least probability.

    Args:
        base: the list's policy; what the choices do not say stays.
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
    """What one setting is to be expected to raise."""
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


def best_setting(found: Iterable[HitEstimate], false_hits_per_day: float) -> HitEstimate | None:
    """The setting that catches most while its false hits are likely within the aim; of equals the one with fewest."""
    within = [one for one in found if one.likely_most <= false_hits_per_day]
    return max(within, key=lambda one: (round(one.caught, 4), -one.false_per_day), default=None)


def best_thresholds(found: Sequence[HitEstimate], false_hits_per_day: float) -> list[HitEstimate]:
    """Of each choice the setting with the lowest least probability that is within the aim, or else its highest."""
    chosen: dict[str, HitEstimate] = {}
    for one in found:
        if one.name not in chosen or chosen[one.name].likely_most > false_hits_per_day:
            chosen[one.name] = one
    return list(chosen.values())


def _asked_length(kind: Confusion, plate: str, read: str) -> int:
    """The length by which a policy decides: of the read for look-alikes, of the shorter text for edits."""
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
    """Probability that a plate is read as another text that differs in one place."""
    (place,) = (at for at, (a, b) in enumerate(zip(plate, read, strict=True)) if a != b)
    return errors.confusions[read[place] + plate[place]]


def _standard_error(values: Sequence[float], sampled: int, whole: int) -> float:
    """Of the sum over all entries, from the values of a sample; entries that are not in `values` have none."""
    if sampled < 2:
        return 0.0
    mean = sum(values) / sampled
    squares = sum((value - mean) ** 2 for value in values) + (sampled - len(values)) * mean**2
    left_out = max(0.0, 1 - sampled / whole)  # a sample of all is no sample
    return whole * math.sqrt(squares / (sampled - 1) / sampled * left_out)

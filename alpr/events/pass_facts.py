"""The fields of a row about what is known of a pass beside its plate. Pure; loads no arrays."""

from __future__ import annotations

import math

from alpr.events.rows import PassFactFields
from alpr.types import PassFacts


def fact_fields(facts: PassFacts) -> PassFactFields:
    """Return the fields, each null where it cannot be known.

    Args:
        facts: of a read.
    """
    speed = facts.speed
    return {
        "is_approaching": facts.is_approaching,
        "is_parked": facts.is_parked,
        "lane": facts.lane,
        "speed_kmh": None if speed is None else round(speed.kmh, 1),
        "speed_error_kmh": None if speed is None else math.ceil(10 * speed.error_kmh) / 10,
        "same_vehicle_as": facts.same_vehicle_as,
        "pictured_at": None if facts.pictured_at is None else facts.pictured_at.isoformat(),
    }

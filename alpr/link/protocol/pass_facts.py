"""What is known of a vehicle pass beside its plate, on the wire. Loads no arrays: a search needs it too."""

from __future__ import annotations

from datetime import UTC

from msgspec import Struct

from alpr.link.protocol.fields import Finite, Identity, Name
from alpr.system.fields import Instant
from alpr.types import PassFacts, Speed


class PassFactsRecord(Struct, frozen=True):
    """Facts about a vehicle pass beside its plate; None where one cannot be known."""

    is_approaching: bool | None = None
    is_parked: bool | None = None
    lane: Name | None = None
    speed_kmh: Finite | None = None
    speed_error_kmh: Finite | None = None
    """Half of the interval that holds the true speed with 95 %."""
    same_vehicle_as: Identity | None = None
    """`read_id` of the first read of the vehicle by another camera of its group."""
    pictured_at: Instant | None = None
    """Instant of the frame that the pictures are of."""


def facts_from_record(record: PassFactsRecord | None) -> PassFacts:
    """Convert what a record states.

    Args:
        record: decoded; None of a device that states nothing.
    """
    if record is None:
        return PassFacts()
    kmh, error_kmh = record.speed_kmh, record.speed_error_kmh
    speed = None if kmh is None or error_kmh is None else Speed(kmh, error_kmh)
    pictured_at = None if record.pictured_at is None else record.pictured_at.astimezone(UTC)
    return PassFacts(record.is_approaching, record.is_parked, record.lane, speed, record.same_vehicle_as, pictured_at)


def record_from_facts(facts: PassFacts) -> PassFactsRecord | None:
    """Convert to a record; None where nothing is known.

    Args:
        facts: of any revision of a read.
    """
    if facts == PassFacts():
        return None
    speed = facts.speed
    return PassFactsRecord(
        facts.is_approaching,
        facts.is_parked,
        facts.lane,
        None if speed is None else float(speed.kmh),
        None if speed is None else float(speed.error_kmh),
        facts.same_vehicle_as,
        None if facts.pictured_at is None else facts.pictured_at.astimezone(UTC),
    )

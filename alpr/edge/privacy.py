"""The privacy policy of a device, from its configuration; opens what it needs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack, closing

from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.edge.position import PositionAt
from alpr.errors import StoreUnavailable
from alpr.journal.erasure import erase_reads_without_hit
from alpr.link.protocol.heartbeat_messages import PrivacyHealth
from alpr.privacy.policy import Keeping, PrivacyPolicy
from alpr.privacy.pseudonym_store import PseudonymStore, erase
from alpr.privacy.read_privacy import ReadPrivacy
from alpr.privacy.zones import NoCollectZone, ZoneRules

_log = logging.getLogger(__name__)
_MOST_TOLD = 256  # cameras in a heartbeat


def policy_of(config: EdgeConfig) -> PrivacyPolicy:
    """Map a configuration to the privacy policy.

    Args:
        config: of the device.
    """
    privacy = config.privacy
    return PrivacyPolicy(Keeping(privacy.reads_without_hit), privacy.minutes, privacy.pseudonym_hours)


def privacy_health(config: EdgeConfig, zones: ZoneRules) -> PrivacyHealth:
    """Return what a heartbeat says of the policy.

    Args:
        config: of the device.
        zones: in force.
    """
    policy = policy_of(config)
    kept_s = {Keeping.MINUTES: policy.minutes * 60, Keeping.PSEUDONYMS: policy.pseudonym_hours * 3600}
    return PrivacyHealth(
        policy.keeping.value,
        kept_s.get(policy.keeping),
        config.privacy.surroundings,
        len(config.privacy.no_collect),
        tuple(sorted(zones.closed))[:_MOST_TOLD],
    )


def zone_rules(config: EdgeConfig, positions: Mapping[str, PositionAt]) -> ZoneRules:
    """Return the rules of the no-collect zones.

    Args:
        config: of the device.
        positions: of its cameras, by id.
    """
    zones = [
        NoCollectZone(zone.name, tuple((longitude, latitude) for latitude, longitude in zone.corners))
        for zone in config.privacy.no_collect
    ]
    return ZoneRules(zones, positions, lambda sentence: _log.warning("%s", sentence))


def open_privacy(config: EdgeConfig, clock: Clock, stack: ExitStack) -> ReadPrivacy:
    """Open what keeps reads without a hit, and erase those that the policy no longer allows in the journal.

    Args:
        config: of the device, whose journal is open and not in use yet.
        clock: by which they are forgotten.
        stack: closes what was opened.

    Raises:
        StoreError: the journal cannot be written.
    """
    policy = policy_of(config)
    if not policy.keeps_all and (erased := erase_reads_without_hit(config.device.journal)):
        _log.info("%d records without a hit were erased from the journal: privacy.reads_without_hit", erased)
    folder = config.device.data_dir / "pseudonyms"
    if policy.keeping is Keeping.PSEUDONYMS:
        sealed = stack.enter_context(closing(PseudonymStore(folder, policy.pseudonym_hours, clock)))
        return ReadPrivacy(policy, clock, sealed)
    try:
        if erase(folder):
            _log.info("the pseudonyms of an earlier policy were erased: privacy.reads_without_hit")
    except OSError as error:
        raise StoreUnavailable(
            f"{folder}: pseudonyms of an earlier policy cannot be erased ({error.strerror}); delete the folder"
        ) from error
    return ReadPrivacy(policy, clock)

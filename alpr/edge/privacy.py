"""The privacy policy of a device, from its configuration; opens what it needs."""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing

from alpr.clock import Clock
from alpr.config import EdgeConfig
from alpr.errors import StoreUnavailable
from alpr.journal.erasure import erase_reads_without_hit
from alpr.link.protocol.heartbeat_messages import PrivacyHealth
from alpr.privacy.policy import Keeping, PrivacyPolicy
from alpr.privacy.pseudonym_store import PseudonymStore, erase
from alpr.privacy.read_privacy import ReadPrivacy

_log = logging.getLogger(__name__)


def policy_of(config: EdgeConfig) -> PrivacyPolicy:
    """Map a configuration to the privacy policy.

    Args:
        config: of the device.
    """
    privacy = config.privacy
    return PrivacyPolicy(Keeping(privacy.reads_without_hit), privacy.minutes, privacy.pseudonym_hours)


def privacy_health(policy: PrivacyPolicy) -> PrivacyHealth:
    """Return what a heartbeat says of the policy.

    Args:
        policy: in force.
    """
    kept_s = {Keeping.MINUTES: policy.minutes * 60, Keeping.PSEUDONYMS: policy.pseudonym_hours * 3600}
    return PrivacyHealth(policy.keeping.value, kept_s.get(policy.keeping))


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

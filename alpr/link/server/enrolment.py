"""Answers those who claim a place on the list, and devices that replace their key. Belongs to the hub."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from alpr.errors import LinkError, PeerRejected, StoreUnavailable
from alpr.link.keys.allowlist import AllowList, read_devices, replace_key
from alpr.link.keys.claims import ClaimDesk
from alpr.link.protocol.enrolment_messages import Claim, Claimed, ClaimRefused, NewKey, NewKeyRefused, NewKeyTaken

_log = logging.getLogger(__name__)
MAX_REPLACED = 32
"""Keys of one device that may be good at once beside its present one."""
LATER = "the collector cannot do this now; try again later"


class EnrolmentDesk:
    """Changes the list of devices on behalf of those who are entitled to.

    Args:
        desk: where claim codes are redeemed.
        grace: for how long a key that was replaced is still good.
        fault: told of what was refused, as kind and text.
    """

    def __init__(
        self, allowed: AllowList, desk: ClaimDesk, grace: timedelta, fault: Callable[[str, str], None]
    ) -> None:
        self._allowed = allowed
        self._desk = desk
        self._grace = grace
        self._fault = fault

    def redeem(self, key: str, claim: Claim) -> Claimed | ClaimRefused:
        """A new device claims its place.

        Args:
            key: of its connection, which is a claim code's.
        """
        try:
            name = self._desk.redeem(key, claim.public_key)
        except PeerRejected as error:
            self._fault("claim", str(error))
            return ClaimRefused(str(error))
        except LinkError as error:
            self._fault("not stored", str(error))
            return ClaimRefused(LATER)
        _log.warning("%s enrolled itself with its claim code, key %s", name, claim.public_key)
        self._allowed.refresh()
        return Claimed(name)

    def replace_key(
        self, name: str, key: str, wish: NewKey, remember: Callable[[str], None]
    ) -> NewKeyTaken | NewKeyRefused:
        """A device brings another key; asking again gets the same answer.

        Args:
            key: of its connection.
            remember: told the new key before it is let in, so that what comes with it counts as the same device's.
        """
        new_key = wish.public_key
        try:
            until = self._replaced_until(name, key, new_key)
            if until is None:
                now = self._allowed.now()
                until = now + self._grace
                remember(new_key)
                replace_key(self._allowed.path, name, key, new_key, until, now)
                self._allowed.refresh()
                _log.warning("%s has a new key, %s; the old one is valid until %s", name, new_key, until)
        except PeerRejected as error:
            self._fault("new key", f"{name}: {error}")
            return NewKeyRefused(str(error))
        except (LinkError, StoreUnavailable) as error:
            self._fault("not stored", str(error))
            return NewKeyRefused(LATER)
        return NewKeyTaken(new_key, until)

    def _replaced_until(self, name: str, key: str, new_key: str) -> datetime | None:
        """When the old key ends, where this very change was made before; None where it is to be made.

        Raises:
            PeerRejected: the key of the connection is itself replaced, or the new one is someone's already.
        """
        self._desk.refresh()
        devices = {device.key: device for device in read_devices(self._allowed.path)}
        old, new = devices.get(key), devices.get(new_key)
        if old is None or old.name != name:
            raise PeerRejected("that key is no longer allowed")
        if new is not None and new.name == name and new.until is None and old.until is not None:
            return old.until
        if old.until is not None:
            raise PeerRejected("this key was replaced by another one; if that was not you, revoke this device")
        if new is not None or self._desk.is_known(new_key):
            raise PeerRejected("the new key is someone's already: make a fresh one")
        ends = [device.until for device in devices.values() if device.name == name and device.until is not None]
        good = [until for until in ends if until > self._allowed.now()]
        if len(good) >= MAX_REPLACED:
            raise PeerRejected(
                f"{len(good)} keys of this device are still good after they were replaced, which is the most; "
                f"the next may be replaced at {min(good):%Y-%m-%d %H:%M:%S} UTC"
            )
        return None

"""Who is let in at the collector, as what: a device that is on the list, a holder of a claim code, or nobody. No I/O.

Nothing that a peer says counts, only the key that its connection was made with.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from alpr.clock import Clock
from alpr.link.keys.allowlist import AllowList
from alpr.link.keys.claims import ClaimDesk
from alpr.link.server.rates import Rate, Rates

TRIES = 120
"""Refused handshakes of one address within `WINDOW_S`, after which it may not even try a claim code."""
WINDOW_S = 60.0
HANDSHAKES = Rate(burst=20, per_s=2.0)
"""Of one device; more than one whose network breaks all the time makes."""
_ADDRESSES = 4096  # that are remembered; the longest unheard of is forgotten first


class HandshakePolicy:
    """Decides on handshakes.

    Args:
        desk: where claim codes are redeemed; None where there is none.
    """

    def __init__(self, allowed: AllowList, desk: ClaimDesk | None, clock: Clock) -> None:
        self._allowed = allowed
        self._desk = desk
        self._clock = clock
        self._rates = Rates({"handshake": HANDSHAKES}, clock)
        self._let_in: set[str] = set()  # that may have a connection now
        self._refused: OrderedDict[str, tuple[float, int]] = OrderedDict()  # address: (since, how many)

    def refusal(self, key: str, address: str) -> str:
        """Say why a connection is refused; "" where it is let in.

        Args:
            key: of the peer, in Z85.
            address: of the peer.
        """
        if not self._allowed.is_known:
            return "list unreadable"
        if self._allowed.name_of(key) is not None:
            if not self._rates.allows(key, "handshake"):
                return "too many connections"
            self._let_in.add(key)
            if self._desk is not None:
                self._desk.arrived(key)
            return ""  # a device is never kept out by what others do at its address
        address = network_of(address)
        if self._tries(address) >= TRIES:
            reason = "too many tries"
        elif self._desk is None:
            reason = "refused key"
        else:
            self._desk.refresh()  # a code is good from the moment on that it is printed
            reason = self._desk.refusal(key)
        if reason:
            self._count(address)
        else:
            self._let_in.add(key)
        return reason

    def is_claim(self, key: str) -> bool:
        """Tell whether a key may claim, and do nothing else.

        Args:
            key: of the peer, in Z85.
        """
        return self._desk is not None and not self._desk.refusal(key)

    def gone(self) -> set[str]:
        """Read the files again; the keys that were let in and are good no more: their connections must end."""
        self._allowed.refresh()
        if self._desk is not None:
            self._desk.refresh()
        if not self._allowed.is_known:
            return set()  # nobody is answered now, but whoever is allowed still keeps the connection
        gone = {key for key in self._let_in if self._allowed.name_of(key) is None and not self.is_claim(key)}
        self._let_in -= gone
        return gone

    def _tries(self, address: str) -> int:
        since, tries = self._refused.get(address, (0.0, 0))
        return tries if self._now_s() - since < WINDOW_S else 0

    def _count(self, address: str) -> None:
        tries = self._tries(address)
        since = self._refused[address][0] if tries else self._now_s()
        self._refused[address] = (since, tries + 1)
        self._refused.move_to_end(address)
        if len(self._refused) > _ADDRESSES:
            self._refused.popitem(last=False)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9


def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the first half, since whoever has one has all of it.

    Args:
        address: as ZAP gives it.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((ip, 64), strict=False))

"""How often each peer may have work done for it: token buckets, one for each peer and kind of message. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from alpr.clock import Clock

_Kind = TypeVar("_Kind", bound=Hashable)
_BUCKETS = 10_000  # that are remembered; the longest unused is forgotten first, and would be full by then


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then so many a second."""

    burst: int
    per_s: float


class Rates(Generic[_Kind]):
    """The buckets of all peers.

    Args:
        limits: kinds that are not among them are never limited.
    """

    def __init__(self, limits: Mapping[_Kind, Rate], clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._left: OrderedDict[tuple[str, _Kind], tuple[float, float]] = OrderedDict()  # tokens, as of when

    def allows(self, peer: str, kind: _Kind) -> bool:
        """Take one token; False where none is left.

        Args:
            peer: key of the connection.
            kind: type of the message.
        """
        is_allowed = self.has_any(peer, kind)
        if is_allowed:
            self.spend(peer, kind, 1)
        return is_allowed

    def has_any(self, peer: str, kind: _Kind) -> bool:
        """Tell whether a token is left.

        Args:
            peer: key of the connection.
            kind: type of the message.
        """
        limit = self._limits.get(kind)
        return limit is None or self._tokens(peer, kind, limit) >= 1

    def spend(self, peer: str, kind: _Kind, tokens: int) -> None:
        """Take tokens for work that was done; what is missing then is owed, up to a whole burst.

        Args:
            peer: key of the connection.
            kind: type of the message.
            tokens: how many; 0 changes nothing.
        """
        limit = self._limits.get(kind)
        if limit is None or not tokens:
            return
        left = max(self._tokens(peer, kind, limit) - tokens, -float(limit.burst))
        self._left[peer, kind] = (left, self._now_s())
        self._left.move_to_end((peer, kind))
        if len(self._left) > _BUCKETS:
            self._left.popitem(last=False)

    def _tokens(self, peer: str, kind: _Kind, limit: Rate) -> float:
        now_s = self._now_s()
        tokens, at_s = self._left.get((peer, kind), (float(limit.burst), now_s))
        return min(float(limit.burst), tokens + (now_s - at_s) * limit.per_s)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

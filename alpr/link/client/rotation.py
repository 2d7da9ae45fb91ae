"""A device's new key, introduced to the collector over the old one. May be broken off anywhere and run again.

The new key is written before the collector hears of it, and takes the old one's place only after the collector was
reached with it. Both are good at the collector meanwhile, so a link that runs loses nothing: it notices the new file
and connects anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alpr.clock import Clock, SystemClock
from alpr.errors import LinkError, PeerRejected
from alpr.link.client.enrolment import PATIENCE_S, connected
from alpr.link.keys.curve_keys import KeyPair, load_key_pair, new_key_pair, show_public, write_private_key
from alpr.link.keys.keyring import Keys
from alpr.link.protocol.enrolment_messages import NewKey, NewKeyRefused, NewKeyTaken
from alpr.system.locked_file import take_place


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key that was replaced."""

    public_key: str
    """The new one."""
    old_until: datetime | None
    """When the old one is no longer valid at the collector; None where it is past already."""


def rotate_key(
    endpoint: str, key_file: Path, keys: Keys, *, clock: Clock | None = None, patience_s: float = PATIENCE_S
) -> Rotation:
    """Replace the key in a device's key file.

    Args:
        keys: that the device connects with now.

    Raises:
        PeerRejected: the collector refuses.
        LinkError: nothing answers, or a file cannot be written.
    """
    clock = clock or SystemClock()
    following = key_file.with_name(f"{key_file.name}.next")
    new = _pending(following)
    old_until = _introduce(endpoint, keys, new, clock, patience_s)
    with connected(endpoint, new, keys.server, clock, patience_s):
        pass  # the collector knows it
    _put_in_place(following, key_file)
    return Rotation(new.public, old_until)


def _introduce(endpoint: str, keys: Keys, new: KeyPair, clock: Clock, patience_s: float) -> datetime | None:
    try:
        with connected(endpoint, keys.own, keys.server, clock, patience_s) as ask:
            answer = ask(NewKey(new.public))
    except PeerRejected:
        # Broken off before, and the old key's time is over: then the new one is known.
        with connected(endpoint, new, keys.server, clock, patience_s):
            return None
    if isinstance(answer, NewKeyRefused):
        raise PeerRejected(f"{endpoint}: the collector refuses the new key: {answer.reason}")
    if not isinstance(answer, NewKeyTaken) or answer.public_key != new.public:
        raise LinkError(f"{endpoint}: an answer that is none to a new key; is its alpr older than this one?")
    return answer.old_until


def _pending(path: Path) -> KeyPair:
    if path.exists():
        return load_key_pair(path)
    new = new_key_pair()
    write_private_key(new, "a device that replaces its key", path)
    return new


def _put_in_place(following: Path, key_file: Path) -> None:
    try:
        show_public(key_file, load_key_pair(following).public)
        take_place(following, key_file)
    except OSError as error:
        raise LinkError(f"{key_file}: cannot be replaced ({error.strerror}); run it again") from error

"""The keys that a device's link uses: its own, and those that its collector is known by. Follows changes of both.

The device's own key file may be replaced while the link runs (`alpr device rotate`). The collector's next key is told
over the connection that its present key made, and kept; once the collector was reached with it, the one before is
never trusted again, whatever the configuration still says.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from alpr.errors import LinkError
from alpr.link.keys.curve_keys import KeyPair, is_key, load_key_pair
from alpr.system.locked_file import read_text, rewrite, stamp

_log = logging.getLogger(__name__)
_WHAT = "the collector's keys"


class Keys(Protocol):
    """The keys of one connection."""

    @property
    def own(self) -> KeyPair:
        """The device's."""

    @property
    def server(self) -> str:
        """The collector's public key to try now."""

    def worked(self) -> None:
        """The collector was reached with it."""

    def failed(self) -> bool:
        """Note that the peer that answered has another key; True where there is another to try at once."""


class FixedKeys:
    """Keys that stay as they are."""

    def __init__(self, own: KeyPair, server: str) -> None:
        self.own = own
        self.server = server
        self.servers = (server,)

    def worked(self) -> None:
        """Nothing changes."""

    def failed(self) -> bool:
        """There is no other."""
        return False

    def learn(self, key: str) -> bool:  # noqa: ARG002 - as KeyRing
        """Ignore an announced key: these keys stay.

        Args:
            key: public, in Z85.
        """
        return False

    def refresh(self) -> bool:
        """Never changed."""
        return False


class KeyRing:
    """Keys in files.

    Args:
        key_file: the device's own.
        server_key: the collector's public key, as configured.
        memory: file that keeps what was learnt of the collector's keys; made where there is something to keep. It
            counts only while the configured key stays the same.

    Raises:
        LinkError: the key file cannot be used, or the memory cannot be read.
    """

    def __init__(self, key_file: Path, server_key: str, memory: Path) -> None:
        self._key_file = key_file
        self._memory = memory
        self._configured = server_key
        self._stamp = stamp(key_file, "the device's key")
        self.own = load_key_pair(key_file)
        self._present, self._next = self._recall()
        self._tries_next = False
        self._is_unkept = False

    @property
    def server(self) -> str:
        """The collector's public key to try now."""
        return self._next if self._next and self._tries_next else self._present

    @property
    def servers(self) -> tuple[str, ...]:
        """All that are held: the present one, and the next where it is known."""
        return (self._present, self._next) if self._next else (self._present,)

    def worked(self) -> None:
        """The collector was reached with `server`: where that is the next one, the other is past."""
        if self._next and self._tries_next:
            _log.warning("the collector uses its new key now")
            self._present, self._next, self._tries_next = self._next, "", False
            self._keep_soon()

    def failed(self) -> bool:
        """Note that the peer that answered has another key; True where there is another to try at once."""
        self._tries_next = bool(self._next) and not self._tries_next
        return self._tries_next

    def learn(self, key: str) -> bool:
        """Keep the key that the collector will use next; True where it is new and could be kept.

        Args:
            key: public, in Z85.
        """
        if key in self.servers or not is_key(key):
            return False
        before, self._next = self._next, key
        try:
            self._keep()
        except LinkError as error:
            self._next = before
            _log.error("the collector's next key cannot be stored; the collector will announce it again: %s", error)
            return False
        _log.warning("the collector will use another key before long: kept")
        return True

    def refresh(self) -> bool:
        """Look whether the device's own key file has changed; True where the link must connect anew."""
        if self._is_unkept:
            self._keep_soon()
        try:
            found = stamp(self._key_file, "the device's key")
            if found == self._stamp:
                return False
            own = load_key_pair(self._key_file)
        except LinkError as error:
            if self._stamp:
                _log.error("%s; going on with the key as it was", error)
            self._stamp = ()
            return False
        self._stamp = found
        is_new, self.own = own.public != self.own.public, own
        return is_new

    def _keep_soon(self) -> None:
        """Keep what is held now or, where the disk is full, at a later look: the link goes on meanwhile."""
        try:
            self._keep()
        except LinkError as error:
            if not self._is_unkept:
                _log.error("that the collector's new key is in use cannot be kept yet: %s", error)
            self._is_unkept = True
        else:
            self._is_unkept = False

    def _recall(self) -> tuple[str, str]:
        if not self._memory.exists():
            return self._configured, ""
        fields = dict(line.split() for line in read_text(self._memory, _WHAT).splitlines() if len(line.split()) == 2)
        present, following = fields.get("present", ""), fields.get("next", "")
        if fields.get("configured") != self._configured or not is_key(present):
            return self._configured, ""
        return present, following if is_key(following) else ""

    def _keep(self) -> None:
        lines = [f"configured {self._configured}", f"present {self._present}"]
        if self._next:
            lines.append(f"next {self._next}")
        rewrite(self._memory, lambda _: "\n".join(lines) + "\n", _WHAT, mode=0o600, may_be_missing=True)

"""The folder of published updates at the collector: which of them may be handed on, and which a device needs next.

Only what enough administrators signed is handed on; the devices check that again. Belongs to the hub's thread.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from alpr.clock import Clock
from alpr.errors import HotlistError, StoreUnavailable, UpdateRefused
from alpr.hotlist.updates.container import Header
from alpr.hotlist.updates.install import Trust, verify
from alpr.hotlist.updates.publications import SUFFIX
from alpr.link.protocol.hotlist_messages import (
    MAX_FILE_BYTES,
    MAX_PART_BYTES,
    HotlistAsk,
    HotlistNone,
    HotlistOffer,
    HotlistOffers,
    HotlistPart,
    HotlistsHeld,
)
from alpr.link.server.handler import Peer
from alpr.system.timers import Every

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_GRACE_S = 2.0
"""Seconds for which the administrators may be unknown: some editors move a file away before they write it anew."""

_File: TypeAlias = tuple[Path, int, int]
"""A file with its size and the time of its last change, by which another content shows."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One file that may be handed on."""

    path: Path
    header: Header
    file_sha256: bytes
    file_bytes: int


class HotlistPublications:
    """Answers the hub's questions about hotlists.

    Args:
        folder: of the published updates; it need not be there yet.
        trust: returns whom to trust, as of now; where it changes, all files are checked anew.
        note: given what a device reports to hold, with its name.
        clock: for validity and for timers.
    """

    def __init__(
        self,
        folder: Path,
        trust: Callable[[], Trust],
        note: Callable[[str, HotlistsHeld], None],
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._trust = trust
        self._note = note
        self._clock = clock
        self._files: dict[_File, Publication | None] = {}
        self._offers = HotlistOffers(())
        self._trusted: Trust | None = None
        self._looking = Every(_LOOK_S, clock)
        self._in_doubt_since_s: float | None = None

    def offers(self) -> HotlistOffers:
        """Return the newest revision of each set, as of a moment ago."""
        if self._looking.is_due():
            self._look()
        return self._offers

    def part(self, ask: HotlistAsk) -> HotlistPart | HotlistNone | None:
        """Return the next part of the file that a device needs; None where that cannot be said now.

        Args:
            ask: what the device holds, and from which byte on it asks.
        """
        self.offers()
        if self._trusted is None:
            return None
        chosen = next_for(ask, self._usable())
        if chosen is None:
            return HotlistNone(ask.list_set)
        offset = ask.offset if ask.file_sha256 == chosen.file_sha256 and ask.offset < chosen.file_bytes else 0
        try:
            with chosen.path.open("rb") as file:
                file.seek(offset)
                content = file.read(MAX_PART_BYTES)
        except OSError as error:
            _log.warning("%s: cannot be handed on (%s)", chosen.path, error.strerror)
            return HotlistNone(ask.list_set)
        header = chosen.header
        return HotlistPart(header.list_set, header.revision, chosen.file_sha256, chosen.file_bytes, offset, content)

    def note(self, peer: Peer, report: HotlistsHeld) -> None:
        """Keep what a device reports to hold.

        Args:
            peer: the device.
            report: as it came.
        """
        try:
            self._note(peer.name, report)
        except StoreUnavailable as error:
            _log.error("%s", error)  # it will report again

    def _look(self) -> None:
        try:
            trusted = self._trust()
        except HotlistError as error:
            self._doubt(error)
            return
        self._in_doubt_since_s = None
        if trusted != self._trusted:
            self._trusted = trusted
            self._files.clear()
        self._files = {
            key: self._files[key] if key in self._files else self._looked_at(key[0], trusted)
            for key in self._listed()
        }
        newest: dict[str, int] = {}
        for publication in self._usable():
            header = publication.header
            newest[header.list_set] = max(header.revision, newest.get(header.list_set, 0))
        offers = HotlistOffers(tuple(HotlistOffer(*pair) for pair in sorted(newest.items())))
        if offers != self._offers:
            self._offers = offers

    def _doubt(self, error: HotlistError) -> None:
        """Whom to trust is not known: nothing is handed on until it is, since someone may have been revoked."""
        now_s = self._clock.monotonic_ns() / 1e9
        if self._in_doubt_since_s is None:
            self._in_doubt_since_s = now_s
            _log.error("%s; until it can be read no hotlist is handed on", error)
        if now_s - self._in_doubt_since_s >= _GRACE_S:
            self._trusted = None
            self._files.clear()
            self._offers = HotlistOffers(())

    def _listed(self) -> list[_File]:
        """Each file of the folder as it is now; one that cannot be looked at keeps no other from being handed on."""
        found: list[_File] = []
        with suppress(OSError):  # the folder is not there yet
            for path in self._folder.iterdir():
                if path.suffix == SUFFIX and not path.name.startswith("."):
                    with suppress(OSError):  # gone meanwhile, or a link that leads nowhere
                        status = path.stat()
                        found.append((path, status.st_size, status.st_mtime_ns))
        return found

    def _looked_at(self, path: Path, trusted: Trust) -> Publication | None:
        try:
            head, names = verify(path, trusted)
            with path.open("rb") as file:
                file_sha256 = hashlib.file_digest(file, "sha256").digest()
        except UpdateRefused as refusal:
            _log.warning("%s: not handed on (%s): %s", path, refusal.cause, refusal)
            return None
        except (HotlistError, OSError) as error:
            _log.warning("%s: not handed on: %s", path, error)
            return None
        if head.file_bytes > MAX_FILE_BYTES:
            _log.error("%s: %d bytes are too many for the link; copy it by hand", path, head.file_bytes)
            return None
        _log.info("hotlist %s, signed by %s, is handed on", head.header.name, ", ".join(names))
        return Publication(path, head.header, file_sha256, head.file_bytes)

    def _usable(self) -> list[Publication]:
        now = self._clock.now()
        return [each for each in self._files.values() if each is not None and _is_in_time(each.header, now)]


def next_for(ask: HotlistAsk, publications: Iterable[Publication]) -> Publication | None:
    """Return the file that a device needs next: the first delta of a chain to the newest, or the newest snapshot;
    None where it needs none.

    The chain is preferred where all of it costs no more bytes than the snapshot.

    Args:
        ask: what the device holds.
        publications: that may be handed on.
    """
    of_set = [each for each in publications if each.header.list_set == ask.list_set]
    snapshots = [each for each in of_set if not each.header.is_delta and each.header.revision > ask.revision]
    snapshot = max(snapshots, key=lambda each: each.header.revision, default=None)
    if ask.wants_snapshot:
        return snapshot
    chain = _chain(ask.revision, ask.release, of_set)
    if not chain:
        return snapshot
    if snapshot is None:
        return chain[0]
    reaches_as_far = chain[-1].header.revision >= snapshot.header.revision
    is_cheaper = sum(each.file_bytes for each in chain) <= snapshot.file_bytes
    return chain[0] if reaches_as_far and is_cheaper else snapshot


def _chain(revision: int, release: str, of_set: Iterable[Publication]) -> list[Publication]:
    """The deltas that lead from what is held as far as they go."""
    follows = {(each.header.base_revision, each.header.base_release): each for each in of_set if each.header.is_delta}
    chain: list[Publication] = []
    held: tuple[int | None, str | None] = (revision, release)
    while (following := follows.get(held)) is not None:
        chain.append(following)
        held = (following.header.revision, following.header.release)
    return chain


def _is_in_time(header: Header, now: datetime) -> bool:
    return header.not_before <= now < header.expires_at

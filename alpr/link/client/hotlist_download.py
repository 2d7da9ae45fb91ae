"""The device's side of hotlist updates: asks for what it has not, part by part, and puts whole files in a folder.

Owns no thread. One question is under way at a time, so that a hit's ack never waits behind more than one part. A file
that was cut off goes on where it was, also after a restart: its name says which file it is, its size how much there
is of it.

The collector need not be honest. What it sends is looked at as soon as the head of the file is there, and no more is
fetched than an administrator has signed; what lies in the folder is bounded, and gives way to the journal's disk.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias

from alpr.clock import Clock
from alpr.link.protocol.hotlist_messages import (
    HotlistAsk,
    HotlistNone,
    HotlistOffers,
    HotlistPart,
    HotlistsHeld,
    SetReport,
)
from alpr.system.regular_files import open_regular

_log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
"""With no answer for so long, it asks again."""
_AGAIN_S = 3600.0
"""A file that was delivered and changed nothing (refused, for one) is fetched again after so long."""
_DISK_S = 60.0
"""After a full disk."""
_MISFIT_S = 1.0
_RETRY_S = 60.0
"""Between two fetches of a set that changed nothing, whatever is offered; twice as long each time, up to an hour."""
_HEAD_BYTES = 320 << 10
"""The head of a file is no longer; see `alpr.hotlist.updates.container`."""
MAX_FOLDER_BYTES = 2 << 30
MAX_FOLDER_FILES = 200
FREE_BYTES = 256 << 20
"""Of the disk, that stay for reads and hits."""
_REMEMBERED = 256
_FREE_REFUSALS = 8
"""In a row, after which each makes it wait, up to an hour."""
_PART = ".part"


@dataclass(frozen=True, slots=True)
class HeldSets:
    """The sets that the device holds, as the download has to know them; a new value for each change."""

    report: HotlistsHeld
    needs_snapshot: frozenset[str] = frozenset()
    """Sets of which a delta did not fit."""

    def of(self, list_set: str) -> SetReport | None:
        """Return what is held of a set; None for nothing.

        Args:
            list_set: its name.
        """
        return next((held for held in self.report.held if held.list_set == list_set), None)


class HotlistStore(Protocol):
    """The place that downloads are put into; called on the link's thread."""

    @property
    def folder(self) -> Path:
        """The folder into which whole files are put, for others to take away."""

    def holdings(self) -> HeldSets:
        """The sets that are held now; the same object as long as nothing changed."""

    def refuses(self, path: Path, file_bytes: int) -> bool:
        """Tell whether the beginning of a file already shows that it is not wanted, so that the rest is spared.

        Args:
            path: of the beginning.
            file_bytes: size of the whole file.
        """


_Attempt: TypeAlias = tuple[int, int, bool]
"""Revision offered, revision held, whether a snapshot was asked for."""


class _Asked(NamedTuple):
    """A question under way."""

    ask: HotlistAsk
    attempt: _Attempt
    at_s: float


class _Done(NamedTuple):
    """A fetch that is over."""

    attempt: _Attempt
    again_at_s: float
    """When the same may be fetched again."""
    other_at_s: float
    """When something else may be fetched, as long as the same is held."""
    tries: int


class HotlistDownload:
    """Asks one collector.

    Args:
        suffix: of the files that it makes.
    """

    def __init__(self, store: HotlistStore, clock: Clock, suffix: str = ".alprhl") -> None:
        self._store = store
        self._clock = clock
        self._suffix = suffix
        self._is_welcome = False
        self._reported: HeldSets | None = None
        self._offers: dict[str, int] = {}
        self._asked: _Asked | None = None
        self._done: dict[str, _Done] = {}
        """By set; the newest."""
        self._paused_until_s = float("-inf")
        self._refused = 0  # in a row

    def connected(self, *, has_hotlists: bool) -> None:
        """Begin anew on a new connection.

        Args:
            has_hotlists: whether the collector hands out updates.
        """
        self._is_welcome = has_hotlists
        self._reported, self._asked = None, None
        self._offers.clear()

    def disconnected(self) -> None:
        """The connection is gone."""
        self._is_welcome = False

    def take(self, message: HotlistOffers | HotlistPart | HotlistNone) -> None:
        """React to a message of the collector.

        Args:
            message: decoded.
        """
        if isinstance(message, HotlistOffers):
            self._offers = {offer.list_set: offer.revision for offer in message.offers}
            return
        asked = self._asked
        if asked is None or asked.ask.list_set != message.list_set:
            return  # too late: it was asked for again
        self._asked = None
        try:
            is_over = isinstance(message, HotlistNone) or self._keep(asked.ask, message)
        except OSError as error:
            _log.error("%s: a hotlist update cannot be kept (%s)", self._store.folder, error.strerror or error)
            self._paused_until_s = self._now_s() + _DISK_S
            return
        if is_over:
            self._is_over(message.list_set, asked.attempt)

    def _is_over(self, list_set: str, attempt: _Attempt) -> None:
        before = self._done.pop(list_set, None)
        tries = 0
        if before is not None and before.attempt[1:] == attempt[1:]:
            tries = before.tries + (before.attempt != attempt)
        pause_s = min(_AGAIN_S, _RETRY_S * 2 ** min(tries - 1, 16)) if tries else 0.0
        now_s = self._now_s()
        self._done[list_set] = _Done(attempt, now_s + _AGAIN_S, now_s + pause_s, tries)
        if len(self._done) > _REMEMBERED:
            del self._done[next(iter(self._done))]

    def send_with(self, send: Callable[[HotlistsHeld | HotlistAsk], bool]) -> None:
        """Say what is to be said.

        Args:
            send: False where nothing is taken now.
        """
        if not self._is_welcome:
            return
        holdings = self._store.holdings()
        if holdings is not self._reported:
            if not send(holdings.report):
                return
            self._reported = holdings
        now_s = self._now_s()
        if self._asked is not None and now_s - self._asked.at_s < _PATIENCE_S:
            return
        asked = self._next(holdings, now_s)
        if asked is not None and send(asked.ask):
            self._asked = asked

    def _next(self, holdings: HeldSets, now_s: float) -> _Asked | None:
        if now_s < self._paused_until_s:
            return None
        for list_set in self._offers:
            attempt = self._attempt(holdings, list_set)
            if attempt[0] > attempt[1] and now_s >= self._may_ask_at_s(list_set, attempt):
                return _Asked(self._ask(holdings, list_set), attempt, now_s)
        return None

    def _may_ask_at_s(self, list_set: str, attempt: _Attempt) -> float:
        done = self._done.get(list_set)
        if done is None or done.attempt[1:] != attempt[1:]:
            return float("-inf")
        return done.again_at_s if done.attempt == attempt else done.other_at_s

    def _attempt(self, holdings: HeldSets, list_set: str) -> _Attempt:
        held = holdings.of(list_set)
        needs_snapshot = list_set in holdings.needs_snapshot
        return self._offers.get(list_set, 0), 0 if held is None else held.revision, needs_snapshot

    def _ask(self, holdings: HeldSets, list_set: str) -> HotlistAsk:
        held = holdings.of(list_set)
        begun = self._begun(list_set)
        size = None if begun is None or not begun.is_file() else _size_of(begun)
        return HotlistAsk(
            list_set,
            0 if held is None else held.revision,
            "" if held is None else held.release,
            wants_snapshot=list_set in holdings.needs_snapshot,
            file_sha256=None if begun is None or size is None else bytes.fromhex(begun.stem.rpartition("=")[2]),
            offset=size or 0,
        )

    def _begun(self, list_set: str) -> Path | None:
        """The file of a set that was begun before."""
        return next(iter(self._store.folder.glob(f"{list_set}={'[0-9a-f]' * 64}{_PART}")), None)

    def _keep(self, ask: HotlistAsk, part: HotlistPart) -> bool:
        """Write a part down; True where it was the last."""
        folder = self._store.folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{part.list_set}={part.file_sha256.hex()}{_PART}"
        begun = self._begun(part.list_set)
        if begun is not None and begun != path:
            begun.unlink()  # another file took its place at the collector
        if not path.is_file() or path.is_symlink():
            path.unlink(missing_ok=True)  # a pipe, say: writing to it might never end
        size = path.stat().st_size if path.exists() else 0
        is_next = part.offset == (ask.offset if ask.file_sha256 == part.file_sha256 else 0) == size
        if not is_next or not 0 < len(part.content) <= part.file_bytes - size:
            _log.warning("hotlist %s: a part that does not fit; it is fetched from its beginning", part.list_set)
            path.unlink(missing_ok=True)
            self._paused_until_s = self._now_s() + _MISFIT_S
            self._was_refused()
            return False
        self._make_room(path, len(part.content))
        with _appending(path) as file:
            file.write(part.content)
            is_whole = file.tell() == part.file_bytes
            file.flush()
            if not is_whole:
                return size < _HEAD_BYTES and self._gives_up(path, part.file_bytes)
            os.fsync(file.fileno())
        self._finish(path, part)
        return True

    def _make_room(self, path: Path, more_bytes: int) -> None:
        """Raise OSError where the folder or the disk would hold too much; files of other sets that were begun go
        first."""
        files = [each for each in self._store.folder.iterdir() if each.is_file()]
        begun = sorted((each for each in files if each.suffix == _PART and each != path), key=_size)
        while _sum(files) + more_bytes > MAX_FOLDER_BYTES or len(files) >= MAX_FOLDER_FILES:
            if not begun:
                raise OSError(errno.EDQUOT, "the folder holds what may wait there")
            largest = begun.pop()
            files.remove(largest)
            largest.unlink(missing_ok=True)
        if shutil.disk_usage(self._store.folder).free < FREE_BYTES + more_bytes:
            raise OSError(errno.ENOSPC, "the disk's last room is for reads and hits")

    def _gives_up(self, path: Path, file_bytes: int) -> bool:
        if not self._store.refuses(path, file_bytes):
            return False
        path.unlink()
        self._was_refused()
        return True

    def _was_refused(self) -> None:
        self._refused += 1
        if self._refused > _FREE_REFUSALS:
            pause_s = min(_AGAIN_S, 2.0 ** min(self._refused - _FREE_REFUSALS, 16))
            self._paused_until_s = max(self._paused_until_s, self._now_s() + pause_s)

    def _finish(self, path: Path, part: HotlistPart) -> None:
        with open_regular(path) as file:
            is_whole = hashlib.file_digest(file, "sha256").digest() == part.file_sha256
        if is_whole:
            path.replace(path.with_name(f"{part.list_set}-{part.revision:08d}{self._suffix}"))
            self._refused = 0
            _log.info("hotlist %s: revision %d has come", part.list_set, part.revision)
        else:
            path.unlink()
            self._was_refused()
            _log.error("hotlist %s: what has come is not what was announced", part.list_set)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9


def _size(path: Path) -> int:
    return _size_of(path) or 0


def _sum(files: Iterable[Path]) -> int:
    return sum(map(_size, files))


def _size_of(path: Path) -> int | None:
    """None where someone has just removed it, or it cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def _appending(path: Path) -> BinaryIO:
    """Whom the police look for is not for everybody: the mode of our databases."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o660), "ab")

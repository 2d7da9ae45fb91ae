"""The updater looks for update files in folders and installs those that are good: by link, by stick, by copy.

Belongs to one thread, beside those that match: these see each update from its commit on, as a whole.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import Self

from alpr.clock import Clock
from alpr.errors import (
    ExpiredError,
    HotlistError,
    MalformedError,
    NotYetValidError,
    ReplayError,
    RollbackError,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
    TruncatedError,
    UpdateRefused,
    WrongBaseError,
)
from alpr.hotlist.store.database import open_for_writing, open_read_only
from alpr.hotlist.updates.container import read_head
from alpr.hotlist.updates.install import Trust, apply_update, verify
from alpr.hotlist.updates.installed_sets import HeldSet, RefusalCount, count_refusal, forget_arrivals, read_sets
from alpr.hotlist.updates.renewal import renew_damaged
from alpr.hotlist.updates.succession import SetVersion, check_follows
from alpr.hotlist.updates.update_folder import (
    SignedFile,
    UpdateFile,
    UpdateFolder,
    UpdateFolders,
    best_of,
    discard,
)
from alpr.hotlist.updates.version_floor import are_floors_current, known_floors, raise_floors, read_resets
from alpr.system.regular_files import open_regular
from alpr.system.sqlite import LOOP_BUSY_S, stored, transaction

_log = logging.getLogger(__name__)

_AGAIN = timedelta(hours=1)
"""A file that was refused is looked at again after so long: the clock may be right now, or the key be known."""
_SOON = timedelta(minutes=1)
"""After the database could not be written."""


@dataclass(frozen=True, slots=True)
class UpdaterState:
    """The sets that are held and the updates that were refused; a new value for each change."""

    sets: tuple[HeldSet, ...] = ()
    refusals: tuple[RefusalCount, ...] = ()
    needs_snapshot: frozenset[str] = frozenset()
    """Sets of which a delta did not fit."""


class Updater:
    """Installs updates into a database; opened and closed by `with`.

    Args:
        database: made where missing.
        trust: asked for each file: whoever is revoked counts no more from that moment.
        inboxes: where updates come from.
    """

    def __init__(
        self, database: Path, trust: Callable[[], Trust], inboxes: Sequence[UpdateFolder], clock: Clock
    ) -> None:
        self._database = database
        self._trust = trust
        self._folders = UpdateFolders(inboxes, clock)
        self._clock = clock
        self._version = -1
        self._past_done = 0
        self._refused: list[tuple[Path, UpdateRefused]] = []
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self.state = UpdaterState()
        """May be read from any thread."""

    def __enter__(self) -> Self:
        renew_damaged(self._database, self._clock.now())
        open_for_writing(self._database).close()  # made where missing, brought up to date where old
        self.state = UpdaterState(*read_sets(self._database))
        try:
            self._look_at_floors()
        except StoreUnavailable as error:
            _log.error("%s", error)
        except StoreError as error:
            _log.error("no update is taken until this is mended: %s", error)
        return self

    def _look_at_floors(self) -> None:
        """See that the floors are as high as what is held; report the sets that were reset."""
        with closing(open_for_writing(self._database)) as connection, stored(self._database):
            if not are_floors_current(connection, self._database):  # of an older version, or damaged
                with transaction(connection):
                    raise_floors(connection, self._database, self._clock.now())
        for reset in read_resets(self._database, {held.list_set: held.revision for held in self.state.sets}):
            _log.warning("%s: %s", self._database, reset)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def run(self, stop: Event, every_s: float = 1.0) -> None:
        """Look into the folders again and again; on any one thread.

        Args:
            stop: ends it when set.
            every_s: pause between two looks, in seconds.
        """
        try:
            while not stop.wait(every_s):
                try:
                    self.step()
                except StoreUnavailable as error:
                    _log.error("no update is taken for now: %s", error)
                    self._close()
                    stop.wait(_SOON.total_seconds())
        finally:
            self._close()

    def past_done(self, arrival_id: int) -> None:
        """Take note that all past reads were checked against what arrived; may be called from any thread.

        Args:
            arrival_id: the last such arrival.
        """
        with self._lock:
            self._past_done = max(self._past_done, arrival_id)

    def refuses(self, path: Path, file_bytes: int) -> bool:
        """Return True where the beginning of a file shows that it would be refused; may be called from any thread.

        What is wrong with its time alone may be right when it is whole.

        Args:
            path: of the file that is being fetched.
            file_bytes: length of the whole as the collector states it; no more than was signed.
        """
        list_set = ""
        try:
            with open_regular(path) as stream:
                head = read_head(stream)
            trust = self._trust()
            head.signers(trust.admins, trust.needed)
            list_set = head.header.list_set
            if head.file_bytes != file_bytes:
                raise MalformedError(f"it is said to have {file_bytes} bytes, {head.file_bytes} were signed")
            with closing(open_read_only(self._database, busy_s=LOOP_BUSY_S)) as connection, stored(self._database):
                floor = known_floors(connection, self._database).get(list_set)
            check_follows(head.header, self._held(list_set), self._clock.now(), floor)
        except (TruncatedError, NotYetValidError, ExpiredError):
            return False
        except ReplayError:
            return True
        except UpdateRefused as refusal:
            refusal.list_set = list_set
            with self._lock:
                self._refused.append((path, refusal))
            return True
        except (HotlistError, StoreError, OSError):
            return False
        return False

    def step(self) -> None:
        """Look into the folders once, and install what can be installed."""
        files = self._folders.new_files()
        if files:
            self._take(files)
        with self._lock:
            done, self._past_done = self._past_done, 0
            refused, self._refused = self._refused, []
        for path, refusal in refused:
            self._refuse(path, refusal)
        if done:
            self._put(lambda: forget_arrivals(self._database, done))
        self._refresh()

    def _take(self, files: Iterable[tuple[UpdateFolder, UpdateFile]]) -> None:
        try:
            trust = self._trust()
        except HotlistError as error:
            _log.error("no update is taken: %s", error)
            self._folders.look_again([file for _, file in files], _SOON)
            return
        candidates: dict[str, list[SignedFile]] = {}
        for inbox, file in files:
            self._folders.look_again([file], _AGAIN)
            try:
                head, _ = verify(file.path, trust)
            except UpdateRefused as refusal:
                self._refuse(file.path, refusal)
            except HotlistError as error:
                _log.warning("%s", error)
                continue
            else:
                candidates.setdefault(head.header.list_set, []).append(SignedFile(file, inbox.is_ours, head))
                continue
            discard(inbox.is_ours, file)
        for list_set, found in candidates.items():
            self._take_set(list_set, found, trust)

    def _take_set(self, list_set: str, candidates: list[SignedFile], trust: Trust) -> None:
        """Install all that can follow, one after the other."""
        now = self._clock.now()
        early = [each for each in candidates if now < each.head.header.not_before]
        in_time = [each for each in candidates if each not in early]
        while (best := best_of(in_time, self._held(list_set))) is not None:
            in_time.remove(best)
            self._apply(best, trust)
        self._say_why(list_set, in_time + early)

    def _say_why(self, list_set: str, candidates: list[SignedFile]) -> None:
        """Report the fault of each file that was not installed."""
        held, now = self._held(list_set), self._clock.now()
        for left in candidates:
            try:
                check_follows(left.head.header, held, now)
            except ReplayError as replay:
                _log.info("%s: nothing to do: %s", left.file.path, replay)
            except RollbackError as refusal:
                # A stick may well hold the updates of the last weeks; the collector is to send what is newer.
                if left.is_ours or (held is not None and left.head.header.revision == held.revision):
                    self._refuse(left.file.path, refusal, list_set)
            except NotYetValidError as refusal:
                self._refuse(left.file.path, refusal, list_set)
                continue  # kept: a device's clock may be wrong until it has heard of a better one
            except UpdateRefused as refusal:
                self._refuse(left.file.path, refusal, list_set)
            discard(left.is_ours, left.file)

    def _apply(self, candidate: SignedFile, trust: Trust) -> None:
        path, now = candidate.file.path, self._clock.now()
        try:
            applied = apply_update(self._database, path, trust, now)
        except UpdateRefused as refusal:
            self._refuse(candidate.file.path, refusal)
        except StoreDamaged:
            raise  # no later try would be better: the program ends, and begins with an empty database
        except StoreError as error:
            _log.error("%s: not taken yet: %s", path, error)
            self._folders.look_again([candidate.file], _SOON)
            return
        except HotlistError as error:
            _log.warning("%s", error)
        else:
            _log.info(
                "hotlist %s is at revision %d, signed by %s: %d added, %d changed, %d removed",
                *(applied.list_set, applied.revision, ", ".join(applied.signers)),
                *(applied.added, applied.changed, applied.removed),
            )
            self._needs(applied.list_set, snapshot=False)
        discard(candidate.is_ours, candidate.file)
        self._refresh()

    def _refuse(self, path: Path, refusal: UpdateRefused, list_set: str = "") -> None:
        refusal.list_set = refusal.list_set or list_set
        _log.warning("%s: refused (%s): %s", path, refusal.cause, refusal)
        self._put(lambda: count_refusal(self._database, refusal, self._clock.now()))
        if isinstance(refusal, WrongBaseError):
            self._needs(refusal.list_set, snapshot=True)

    def _needs(self, list_set: str, *, snapshot: bool) -> None:
        needs = self.state.needs_snapshot
        changed = needs | {list_set} if snapshot else needs - {list_set}
        if changed != needs:
            self.state = UpdaterState(self.state.sets, self.state.refusals, changed)

    def _held(self, list_set: str) -> SetVersion | None:
        return next(
            (SetVersion(held.revision, held.release) for held in self.state.sets if held.list_set == list_set), None
        )

    def _put(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreError as error:
            _log.error("%s", error)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _refresh(self) -> None:
        """Read the state anew where any process has installed an update."""
        if self._connection is None:  # not before: it belongs to the thread that looks
            self._connection = open_read_only(self._database)
        with stored(self._database):
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            sets, refusals = read_sets(self._database)
            self._version = version
            self.state = UpdaterState(sets, refusals, self.state.needs_snapshot)

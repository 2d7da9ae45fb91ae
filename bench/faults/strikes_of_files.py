"""Files that are deleted, replaced, torn or without room under the running programs."""

from __future__ import annotations

import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

from bench.faults.heard import Heard
from bench.faults.strikes import arrive_again
from bench.faults.whole import Whole, copy_of

_PAGE = 4096


def delete_journal(whole: Whole, chance: Random, _pace: float) -> None:
    """The device's journal is deleted while it is in use; every second time the collector is away and comes later."""
    _take_journal(whole, chance, None)


def replace_journal(whole: Whole, chance: Random, _pace: float) -> None:
    """An older copy is put in the place of the device's journal while it is in use; the collector as above."""
    whole.wait_for_reads()
    older = whole.folder / "older.journal"
    copy_of(whole.journal, older)
    _take_journal(whole, chance, older)


def delete_reads(whole: Whole, _chance: Random, _pace: float) -> None:
    """The collector's database is deleted while it is in use."""
    _take_away(whole, whole.database, None)


def replace_reads(whole: Whole, _chance: Random, _pace: float) -> None:
    """An older copy is put in the place of the collector's database while it is in use."""
    arrive_again(whole)
    older = whole.folder / "older.db"
    copy_of(whole.database, older)
    _take_away(whole, whole.database, older)


def tear_journal(whole: Whole, chance: Random, _pace: float) -> None:
    """Random pages of the journal are overwritten while the device is off and much waits in it."""
    whole.collector.kill()
    whole.wait_for_reads(40, keep_up=whole.keep_edge_up)
    whole.edge.kill()
    whole.edge.settle()
    whole.note()
    with closing(sqlite3.connect(whole.journal)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the pages of the file are the newest
    with whole.journal.open("r+b") as file:
        pages = whole.journal.stat().st_size // _PAGE
        for page in chance.sample(range(pages), min(pages, chance.randint(1, 4))):
            file.seek(page * _PAGE)
            file.write(chance.randbytes(_PAGE))
    whole.collector.start()
    whole.edge.start()
    arrive_again(whole)


def no_room_for_device(whole: Whole, _chance: Random, pace: float) -> None:
    """For 10 s the device can make no file longer than 64 kB, as on a full disk."""
    with _little_room(whole, whole.edge):
        time.sleep(10 * pace)
        whole.keep_up()
    arrive_again(whole)


def no_room_for_collector(whole: Whole, _chance: Random, pace: float) -> None:
    """For 10 s the collector can make no file longer than 64 kB, as on a full disk."""
    with _little_room(whole, whole.collector):
        time.sleep(10 * pace)
        whole.keep_up()
    arrive_again(whole)


def _take_journal(whole: Whole, chance: Random, instead: Path | None) -> None:
    arrive_again(whole)
    is_alone = chance.random() < 0.5
    if is_alone:
        whole.collector.kill()
        whole.collector.settle()
        whole.wait_for_reads(keep_up=whole.keep_edge_up)
    with _stopped(whole.edge):
        whole.give_up_what_waits()
        _put(whole.journal, instead)
    whole.wait_for_reads(keep_up=whole.keep_edge_up)  # kept, says the device: then it has to arrive, if it dies now
    if is_alone:
        whole.kill(whole.edge)
        whole.collector.start()
    arrive_again(whole)


def _take_away(whole: Whole, path: Path, instead: Path | None) -> None:
    arrive_again(whole)
    with _stopped(whole.collector):
        whole.put_aside()
        _put(path, instead)
    arrive_again(whole)


@contextmanager
def _stopped(program: Heard) -> Iterator[None]:
    """So that it is known exactly what was said and stored before."""
    program.signal(signal.SIGSTOP)
    try:
        time.sleep(0.2)  # the ledger writes the rest down
        yield
    finally:
        program.signal(signal.SIGCONT)


def _put(path: Path, instead: Path | None) -> None:
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if instead is not None:
        instead.rename(path)


@contextmanager
def _little_room(whole: Whole, program: Heard) -> Iterator[None]:
    whole.wait_for_reads()
    pid = program.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (64 << 10, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        if program.is_running and program.pid == pid:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

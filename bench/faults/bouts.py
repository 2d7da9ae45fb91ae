"""Faults by kind: each bout strikes a fresh device and collector some times with one kind, and counts in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

from bench.faults import strikes
from bench.faults import strikes_of_files as files
from bench.faults import strikes_of_hosts as hosts
from bench.faults import strikes_of_keys as keys
from bench.faults import strikes_of_receivers as receivers
from bench.faults.line import Quality, a_line
from bench.faults.outcome import Outcome
from bench.faults.stage import a_free_port
from bench.faults.strikes import Strike
from bench.faults.whole import Whole

SEED = 20261128

Setting: TypeAlias = Callable[[Path, Path, ExitStack], Whole]
"""Makes the programs from a folder and the road; what has to be closed goes onto the stack."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    strike: Strike
    full: int
    """How many at full size."""
    per_bout: int
    setting: Setting = lambda folder, road, _: Whole(folder, road)
    may_die: bool = False
    """A program may end of it, and be started again."""
    destroys: bool = False
    """Records are destroyed in a file that stays: the loss has to be told, in full."""


def _with_line(folder: Path, road: Path, stack: ExitStack) -> Whole:
    return Whole(folder, road, line=stack.enter_context(a_line(a_free_port())))


def _with_bad_line(folder: Path, road: Path, stack: ExitStack) -> Whole:
    quality = Quality(delay_s=0.15, jitter_s=0.1, stall_share=0.02, stall_s=1.0)
    return Whole(folder, road, line=stack.enter_context(a_line(a_free_port(), quality)))


def _with_wrong_clocks(folder: Path, road: Path, _: ExitStack) -> Whole:
    return Whole(folder, road, has_wrong_clocks=True)


KINDS: dict[str, Kind] = {
    "kill-device": Kind(strikes.kill_device, 176, 20),
    "kill-collector": Kind(strikes.kill_collector, 180, 30),
    "kill-both": Kind(strikes.kill_both, 80, 20),
    "cut-line": Kind(strikes.cut_line, 120, 40, _with_line),
    "cut-bad-line": Kind(strikes.cut_line, 30, 15, _with_bad_line),
    "storm": Kind(strikes.storm, 80, 20, _with_line),
    "stop-device": Kind(strikes.stop_device, 4, 2),
    "stop-collector": Kind(strikes.stop_collector, 4, 2),
    "lock-journal": Kind(strikes.lock_journal, 6, 2),
    "kill-under-lock": Kind(strikes.kill_under_lock, 4, 2, may_die=True),
    "lock-reads": Kind(strikes.lock_reads, 6, 2),
    "lock-health": Kind(strikes.lock_health, 6, 2),
    "delete-journal": Kind(files.delete_journal, 10, 5, may_die=True),
    "replace-journal": Kind(files.replace_journal, 10, 5, may_die=True),
    "delete-reads": Kind(files.delete_reads, 10, 5, may_die=True),
    "replace-reads": Kind(files.replace_reads, 10, 5, may_die=True),
    "tear-journal": Kind(files.tear_journal, 24, 6, may_die=True, destroys=True),
    "no-room-device": Kind(files.no_room_for_device, 12, 6),
    "no-room-collector": Kind(files.no_room_for_collector, 12, 6),
    "few-descriptors-device": Kind(hosts.few_descriptors_for_device, 12, 6),
    "few-descriptors-collector": Kind(hosts.few_descriptors_for_collector, 12, 6),
    "crowd": Kind(hosts.crowd, 12, 6),
    "strangers": Kind(hosts.strangers, 40, 20),
    "clock-steps": Kind(hosts.step_clock, 40, 20, _with_wrong_clocks),
    "rotate-device-key": Kind(keys.rotate_device_key, 20, 5),
    "rotate-collector-key": Kind(keys.rotate_collector_key, 20, 5),
    "bad-webhook": Kind(receivers.bad_receiver, 30, 10, receivers.with_webhook),
    "bad-broker": Kind(receivers.bad_receiver, 30, 10, receivers.with_mqtt),
}


@dataclass(frozen=True, slots=True)
class Bout:
    """Some faults of one kind, with their own beginning of chance."""

    kind: str
    number: int
    faults: int

    @property
    def name(self) -> str:
        """For people, and to know it again."""
        return f"{self.kind}-{self.number}"


def all_bouts(share: float = 1.0) -> list[Bout]:
    """The whole programme, all kinds by turns: what was run when it is ended early is of every kind.

    Args:
        share: of the full number of faults of each kind, at least one.
    """
    bouts: list[Bout] = []
    for name, kind in KINDS.items():
        left, number = max(1, round(kind.full * share)), 0
        while left:
            bouts.append(Bout(name, number, min(left, kind.per_bout)))
            left, number = left - bouts[-1].faults, number + 1
    return sorted(bouts, key=lambda bout: bout.number)


def fight(bout: Bout, folder: Path, road: Path, *, pace: float = 1.0) -> Outcome:
    """Run one bout; whether nothing was lost, doubled or taken from outside, and the figures.

    Args:
        folder: empty.
        road: what `lay_road` drew.
        pace: stated durations are multiplied by it.

    Raises:
        NotTried: this machine does not give what the fault needs.
    """
    kind, chance = KINDS[bout.kind], Random(f"{SEED} {bout.name}")
    with _a_whole(kind, folder, road) as whole:
        whole.start()
        whole.wait(whole.arrived, 120, "the first read arrives")
        for _ in range(bout.faults):
            kind.strike(whole, chance, pace)
            whole.keep_up()
        whole.drain()
        reckoning = whole.reckon()
        too_soon = whole.said_too_soon()
    is_right = reckoning.is_told if kind.destroys else reckoning.is_right
    is_right = is_right and not too_soon and not whole.undelivered and (kind.may_die or not whole.deaths)
    more = {"too_soon": too_soon, "undelivered": whole.undelivered, "deaths": whole.deaths}
    return Outcome(is_right, {"faults": bout.faults, **asdict(reckoning), **more})


@contextmanager
def _a_whole(kind: Kind, folder: Path, road: Path) -> Iterator[Whole]:
    with ExitStack() as stack:
        yield stack.enter_context(closing(kind.setting(folder, road, stack)))

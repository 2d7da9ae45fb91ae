"""Faults by kind: each bout strikes a fresh device and collector some times with one kind, and counts in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

from bench.faults import strikes
from bench.faults.line import a_line
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
    """Records go down with a file: the loss has to be told, in full."""


def _with_line(folder: Path, road: Path, stack: ExitStack) -> Whole:
    return Whole(folder, road, line=stack.enter_context(a_line(a_free_port())))


KINDS: dict[str, Kind] = {
    "kill-device": Kind(strikes.kill_device, 240, 20),
    "kill-collector": Kind(strikes.kill_collector, 240, 30),
    "kill-both": Kind(strikes.kill_both, 100, 20),
    "cut-line": Kind(strikes.cut_line, 160, 40, _with_line),
    "stop-device": Kind(strikes.stop_device, 4, 2),
    "stop-collector": Kind(strikes.stop_collector, 4, 2),
    "lock-journal": Kind(strikes.lock_journal, 6, 2),
    "lock-reads": Kind(strikes.lock_reads, 6, 2),
    "lock-health": Kind(strikes.lock_health, 6, 2),
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
    """The whole programme.

    Args:
        share: of the full number of faults of each kind, at least one.
    """
    bouts = []
    for name, kind in KINDS.items():
        left, number = max(1, round(kind.full * share)), 0
        while left:
            bouts.append(Bout(name, number, min(left, kind.per_bout)))
            left, number = left - bouts[-1].faults, number + 1
    return bouts


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
    is_right = reckoning.is_told if kind.destroys else reckoning.is_right
    is_right = is_right and not whole.said_too_soon and (kind.may_die or not whole.deaths)
    return Outcome(
        is_right,
        {"faults": bout.faults, **asdict(reckoning), "too_soon": len(whole.said_too_soon), "deaths": whole.deaths},
    )


@contextmanager
def _a_whole(kind: Kind, folder: Path, road: Path) -> Iterator[Whole]:
    with ExitStack() as stack:
        yield stack.enter_context(closing(kind.setting(folder, road, stack)))

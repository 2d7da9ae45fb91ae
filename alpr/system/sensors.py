"""What the computer feels now: temperature, processor load, memory, disk. Reads /proc and /sys; no word of plates.

Whatever a computer does not tell is None, never zero.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_COLDEST_C, _HOTTEST_C = -60.0, 150.0  # beyond these a sensor is broken: some tell 0xFFFF


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes."""

    used: int
    total: int
    process: int | None
    """Of this program."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Disk space in bytes."""

    free: int
    """For a program that is not root's."""
    total: int


def temperature_c(zones: Path = Path("/sys/class/thermal")) -> float | None:
    """Read the hottest of the computer's thermal zones, in °C; None where none reports.

    Args:
        zones: folder of the zones.
    """
    told = [_celsius(path) for path in sorted(zones.glob("thermal_zone*/temp"))]
    return max((each for each in told if each is not None), default=None)


def memory(proc: Path = Path("/proc")) -> Memory | None:
    """Read the memory of the computer and of this process; None where the system does not report it.

    Args:
        proc: folder of the process file system.
    """
    fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", _text(proc / "meminfo"), re.MULTILINE))
    if "MemTotal" not in fields or "MemAvailable" not in fields:
        return None
    process = re.search(r"^VmRSS:\s+(\d+) kB", _text(proc / "self" / "status"), re.MULTILINE)
    total = int(fields["MemTotal"]) * 1024
    return Memory(total - int(fields["MemAvailable"]) * 1024, total, int(process[1]) * 1024 if process else None)


def disk(folder: Path) -> Disk | None:
    """Read the space of the disk that a folder is on; None where it is not known.

    Args:
        folder: on that disk.
    """
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(usage.free, usage.total)


class CpuMeter:
    """Measures the share of all cores that was busy, from one call to the next."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self._stat = stat
        self._before = cpu_ticks(_text(stat).splitlines())

    def share(self) -> float | None:
        """Return the share in [0, 1] since the last call; None where the system does not report it, or no time has
        passed.
        """
        before, self._before = self._before, cpu_ticks(_text(self._stat).splitlines())
        if before is None or self._before is None:
            return None
        busy, total = self._before[0] - before[0], self._before[1] - before[1]
        return min(1.0, max(0.0, busy / total)) if total > 0 else None


def cpu_ticks(lines: Iterable[str]) -> tuple[int, int] | None:
    """Parse (busy, all) ticks of all cores since the start; None where there is no such line.

    Args:
        lines: of /proc/stat.
    """
    for line in lines:
        words = line.split()
        if words[:1] == ["cpu"] and len(words) >= 9:
            # user nice system idle iowait irq softirq steal; guests' time is within user's already
            ticks = [int(word) for word in words[1:9]]
            return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    return None


def _celsius(path: Path) -> float | None:
    try:
        value = int(_text(path)) / 1000
    except ValueError:
        return None
    return value if _COLDEST_C < value < _HOTTEST_C else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

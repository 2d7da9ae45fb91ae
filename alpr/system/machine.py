"""What the computer is: processor, its features, memory in use, clock. Reads /proc; knows nothing of plates."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Those that decide how fast a net runs.
_TELLING_FLAGS = (
    *("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8"),
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve"),
)
_ARM_PARTS = {"0xd03": "Cortex-A53", "0xd08": "Cortex-A72", "0xd0b": "Cortex-A76", "0xd42": "Cortex-A78AE"}


@dataclass(frozen=True, slots=True)
class Machine:
    """One computer: its processor and what matters of it."""

    cpu: str
    cores: int
    """That this process may use."""
    cpu_flags: tuple[str, ...]
    """Those that matter for nets, in a fixed order."""
    architecture: str
    system: str
    python: str


def this_machine() -> Machine:
    """Describe the computer that this runs on."""
    cpuinfo = _read(Path("/proc/cpuinfo"))
    cpu, flags = parse_cpuinfo(cpuinfo)
    return Machine(
        cpu=cpu or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        cpu_flags=flags,
        architecture=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def parse_cpuinfo(text: str) -> tuple[str, tuple[str, ...]]:
    """Parse the processor's name and its telling flags; "" and () where the text has none.

    The family and model follow the name, since a virtual machine's processor is often called just "AMD EPYC".

    Args:
        text: of /proc/cpuinfo.
    """
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip().lower(), value.strip())
    flags = set((fields.get("flags") or fields.get("features") or "").split())
    return _name(fields), tuple(flag for flag in _TELLING_FLAGS if flag in flags)


def _name(fields: Mapping[str, str]) -> str:
    if "cpu family" in fields:
        return (
            f"{fields.get('model name', '')} (family {fields['cpu family']} model {fields.get('model', '?')})".strip()
        )
    part = fields.get("cpu part", "")
    return fields.get("model name") or _ARM_PARTS.get(part, f"ARM part {part}" if part else "")


def peak_rss_mb() -> float:
    """Return the peak resident memory of this process, in MiB."""
    # Not getrusage on Linux: there a program begins with the peak of the process that started it.
    high_water = re.search(r"^VmHWM:\s+(\d+) kB", _read(Path("/proc/self/status")), re.MULTILINE)
    if high_water:
        return int(high_water[1]) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10  # Linux counts in KiB


class ResidentMemory:
    """This process's memory now, through a file that stays open: it can be asked though no other can be opened."""

    def __init__(self) -> None:
        try:
            self._file: int | None = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None

    def bytes(self) -> int:
        """Resident set size; 0 where the kernel does not tell."""
        if self._file is None:
            return 0
        return int(os.pread(self._file, 128, 0).split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """No more of it."""
        if self._file is not None:
            os.close(self._file)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

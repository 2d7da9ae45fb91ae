"""What the computer feels, from files as Linux writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpr.system import sensors

STAT = "cpu  {busy} 0 0 {idle} 50 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"


def test_the_hottest_zone_counts_and_broken_ones_do_not(tmp_path: Path) -> None:
    for number, text in enumerate(("41500\n", "65535000\n", "nonsense", "-45000", "47000")):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(text)
    assert sensors.temperature_c(tmp_path) == 47.0


def test_no_thermal_zone_is_none(tmp_path: Path) -> None:
    assert sensors.temperature_c(tmp_path) is None
    assert sensors.temperature_c(tmp_path / "none") is None


def test_memory_is_what_is_not_available(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable:  400 kB\n")
    (tmp_path / "self" / "status").write_text("Name:\tpython\nVmRSS:\t   77 kB\n")
    assert sensors.memory(tmp_path) == sensors.Memory(600 * 1024, 1000 * 1024, 77 * 1024)
    assert sensors.memory(tmp_path / "none") is None


def test_this_computer_tells_its_memory_and_disk(tmp_path: Path) -> None:
    memory, disk = sensors.memory(), sensors.disk(tmp_path)
    assert memory is not None
    assert 0 < (memory.process or 0) < memory.total
    assert disk is not None
    assert 0 <= disk.free <= disk.total
    assert sensors.disk(tmp_path / "none") is None


@pytest.mark.parametrize(("busy", "idle", "share"), [(0, 100, 0.0), (100, 0, 1.0), (25, 75, 0.25), (0, 0, None)])
def test_cpu_share_is_since_the_question_before(tmp_path: Path, busy: int, idle: int, share: float | None) -> None:
    stat = tmp_path / "stat"
    stat.write_text(STAT.format(busy=1000, idle=1000))
    meter = sensors.CpuMeter(stat)
    stat.write_text(STAT.format(busy=1000 + busy, idle=1000 + idle))
    assert meter.share() == share


def test_no_cpu_line_is_none(tmp_path: Path) -> None:
    assert sensors.CpuMeter(tmp_path / "none").share() is None
    assert sensors.cpu_ticks(["intr 1 2 3"]) is None

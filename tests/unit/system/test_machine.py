"""What /proc says of a computer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alpr.system.machine import parse_cpuinfo, this_machine

X86 = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
flags\t\t: fpu vme avx2 avx512_vnni avx

processor\t: 1
model name\t: another
"""
ARM = """\
processor\t: 0
Features\t: fp asimd asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86, ("AMD EPYC (family 25 model 17)", ("avx", "avx2", "avx512_vnni"))),
        (ARM, ("Cortex-A76", ("asimd", "asimddp"))),
        (ARM.replace("0xd0b", "0xfff"), ("ARM part 0xfff", ("asimd", "asimddp"))),
        ("", ("", ())),
        ("garbage\n:\n", ("", ())),
    ],
)
def test_cpuinfo(text: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert parse_cpuinfo(text) == expected


def test_this_machine_has_a_name_and_cores() -> None:
    machine = this_machine()
    assert machine.cpu
    assert machine.cores >= 1


def test_peak_memory_counts_what_was_held_and_let_go() -> None:
    # In a process of its own: here, other tests may have set the peak long ago. Nor may it start with ours.
    ballast = bytearray(b"x") * (300 * 2**20)
    code = (
        "from alpr.system.machine import peak_rss_mb as peak\n"
        "before = peak()\nheld = bytearray(b'x') * (200 * 2**20)\ndel held\nprint(before, peak())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    del ballast
    before, after = map(float, run.stdout.split())
    assert 2 < before < 200
    assert 150 < after - before < 250

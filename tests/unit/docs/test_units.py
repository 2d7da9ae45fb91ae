"""The example units for systemd: bounds of memory, descriptors and threads, commands that exist, nothing misspelt."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from alpr.cli import cli

UNITS = sorted((Path(__file__).parents[3] / "configs" / "systemd").glob("*.service"))


def service(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser["Service"]


def test_both_programs_have_one() -> None:
    assert [path.name for path in UNITS] == ["alpr-collector.service", "alpr-device.service"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_bounds_what_its_program_may_use(path: Path) -> None:
    unit = service(path)
    assert {"MemoryMax", "MemoryHigh", "LimitNOFILE", "TasksMax"} <= set(unit)
    assert int(unit["LimitNOFILE"]) >= 4096
    assert unit["Restart"] == "always"
    for right in ("NoNewPrivileges", "ProtectHome", "RestrictNamespaces", "ProtectKernelModules"):
        assert unit[right] == "yes"
    assert unit["ProtectSystem"] == "strict"
    assert unit["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists(path: Path) -> None:
    program, command, option, config = service(path)["ExecStart"].split()
    assert program.endswith("/alpr")
    told = CliRunner().invoke(cli, [command, "--help"])
    assert told.exit_code == 0
    assert f"{option}," in told.output
    assert config.startswith("/etc/alpr/")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_all_of_a_unit(path: Path, tmp_path: Path) -> None:
    words = ["systemd-analyze", "verify", "--man=no", str(path)]
    said = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path).stderr
    assert [line for line in said.splitlines() if path.name in line and "is not executable" not in line] == []

"""The example units for systemd, and for Docker: bounds, commands that exist, nothing misspelt."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
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


def test_the_device_reports_to_systemd_and_has_a_user_of_its_own() -> None:
    unit = service(UNITS[1])
    assert (unit["Type"], unit["DynamicUser"]) == ("notify", "yes")
    assert unit["WatchdogSec"]
    program, command, option, config = unit["ExecReload"].split()
    assert program.endswith("/alpr")
    assert f"{option}," in CliRunner().invoke(cli, [command, "--help"]).output
    assert config == unit["ExecStart"].split()[-1]
    assert "adjtimex" in unit["SystemCallFilter"]  # the clock's quality is asked of the kernel
    assert "ProtectClock" not in unit  # which would forbid that


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_holds_the_device_to_be_well_confined() -> None:
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(UNITS[1])]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout[-600:] + said.stderr


def test_the_helper_is_a_shell_script_without_mistakes() -> None:
    helper = UNITS[0].with_name("alpr-as-device")
    assert subprocess.run(["sh", "-n", str(helper)], check=False).returncode == 0


def test_the_compose_file_confines_the_device_and_starts_a_command_that_exists() -> None:
    compose = yaml.safe_load((UNITS[0].parents[1] / "docker" / "compose.yaml").read_text())
    device = compose["services"]["device"]
    assert device["read_only"] is True
    assert device["cap_drop"] == ["ALL"]
    assert device["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "stop_grace_period", "restart", "logging"} <= set(device)
    command, option, _ = device["command"]
    assert f"{option}," in CliRunner().invoke(cli, [command, "--help"]).output
    named = {volume.split(":")[0] for volume in device["volumes"] if not volume.startswith((".", "/"))}
    assert named == set(compose["volumes"])
    build = device["build"]
    root = UNITS[0].parents[2]
    assert (root / "configs" / "docker" / build["context"]).resolve() == root
    assert (root / build["dockerfile"]).is_file()


def test_the_image_is_built_of_files_that_are_there() -> None:
    root = UNITS[0].parents[2]
    text = (root / "configs" / "docker" / "Dockerfile").read_text()
    assert (root / "constraints.txt").is_file()
    assert re.findall(r"--constraint (\S+)", text) == ["constraints.txt"] * 2
    assert json.loads(re.search(r"^CMD (.*)$", text, re.MULTILINE)[1])[0] == "run"  # type: ignore[index]

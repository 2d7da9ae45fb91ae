"""Files that root makes for a program that runs under its own user belong to that user."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from alpr.link.keys.allowlist import Device, enrol
from alpr.link.keys.claims import claims_path, issue
from alpr.link.keys.curve_keys import new_key_pair, write_key_pair
from alpr.link.keys.server_keys import change_over, prepare_next
from alpr.system.locked_file import give_as
from tests.conftest import START

USER, OTHER = 12345, 23456
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    os.chown(tmp_path, USER, USER)
    return tmp_path


@as_root
def test_new_files_belong_to_the_folders_owner(folder: Path) -> None:
    private, public = write_key_pair(new_key_pair(), "collector", folder)
    issue(folder / "devices", "gate-1", new_key_pair().public, START + timedelta(hours=1), START)
    for path in (private, public, folder / "devices", claims_path(folder / "devices")):
        assert (path.stat().st_uid, path.stat().st_gid) == (USER, USER), path


@as_root
def test_a_file_that_is_replaced_keeps_its_owner(folder: Path) -> None:
    devices = folder / "devices"
    enrol(devices, Device("a", new_key_pair().public))
    private, _ = write_key_pair(new_key_pair(), "collector", folder)
    for path in (devices, private):
        os.chown(path, OTHER, OTHER)
    enrol(devices, Device("b", new_key_pair().public))
    prepare_next(private)
    change_over(private)
    for path in (devices, private):
        assert (path.stat().st_uid, path.stat().st_gid) == (OTHER, OTHER), path


def test_one_who_is_not_root_gives_nothing_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    path = tmp_path / "file"
    path.touch()
    before = path.stat().st_uid
    descriptor = os.open(path, os.O_RDONLY)
    try:
        give_as(Path("/"), descriptor)
    finally:
        os.close(descriptor)
    assert path.stat().st_uid == before

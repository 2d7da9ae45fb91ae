"""What a device keeps of its collector's keys, also where the disk takes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alpr.link.keys.curve_keys import new_key_pair, write_private_key
from alpr.link.keys.keyring import KeyRing

OLD, NEW = new_key_pair().public, new_key_pair().public


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    write_private_key(new_key_pair(), "edge", tmp_path / "edge.key")
    return KeyRing(tmp_path / "edge.key", OLD, tmp_path / "collector.keys")


def is_full(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_does_not_end_the_link_when_the_collector_changes_its_key(
    ring: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ring.learn(NEW)
    assert ring.failed()  # who answers has another key: the next one is tried
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", is_full)
        ring.worked()
        assert ring.servers == (NEW,)  # the old one is trusted no more, kept or not
        ring.refresh()
    assert f"present {OLD}" in (tmp_path / "collector.keys").read_text()
    ring.refresh()
    assert (tmp_path / "collector.keys").read_text().splitlines()[1:] == [f"present {NEW}"]


def test_a_key_that_cannot_be_kept_is_not_held(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", is_full)
        assert not ring.learn(NEW)
    assert ring.servers == (OLD,)
    assert ring.learn(NEW)

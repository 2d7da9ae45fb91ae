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


@pytest.mark.parametrize("key", ["#" * 40, "%nSc}" * 8, "", "0" * 39, "0" * 41, "\n" * 40])
def test_what_is_no_key_is_not_held_though_it_may_look_like_one(ring: KeyRing, key: str) -> None:
    """Five characters of Z85 may stand for more than four bytes hold: libzmq refuses such a key with an exception."""
    assert not ring.learn(key)
    assert ring.servers == (OLD,)


def test_a_memory_of_keys_with_one_that_is_none_is_read_without_it(tmp_path: Path) -> None:
    write_private_key(new_key_pair(), "edge", tmp_path / "edge.key")
    (tmp_path / "collector.keys").write_text(f"configured {OLD}\npresent {OLD}\nnext {'#' * 40}\n")
    assert KeyRing(tmp_path / "edge.key", OLD, tmp_path / "collector.keys").servers == (OLD,)

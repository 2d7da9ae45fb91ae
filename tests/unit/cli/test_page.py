"""`alpr page`: users are added, listed and removed, and mistakes are told in a line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alpr.cli import cli
from alpr.errors import ConfigError, SignInError

EDGE = "device: {name: d, data_dir: data}\ncameras: [{id: c, url: film.mp4}]\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edge.yaml"
    path.write_text(EDGE + "page: {users: users}\n")
    return path


def call(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, ["page", *words], input=typed)


def test_a_user_is_added_listed_and_removed(config: Path) -> None:
    added = call("user", "add", "anna", "-c", str(config), typed="correct horse\ncorrect horse\n")
    assert added.exit_code == 0, added.output
    assert "anna may sign in" in added.stderr
    assert "correct horse" not in added.output
    again = call("user", "add", "anna", "-c", str(config), "--password-stdin", typed="another horse\n")
    assert "another password now" in again.stderr
    assert '"name": "anna"' in call("user", "list", "-c", str(config)).stdout
    assert call("user", "remove", "anna", "-c", str(config)).exit_code == 0
    assert call("user", "list", "-c", str(config)).stdout == ""


def test_mistakes_are_ours(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = call("user", "add", "anna", "-c", str(config), "--password-stdin", typed="short\n")
    assert isinstance(short.exception, SignInError)
    assert isinstance(call("user", "remove", "bert", "-c", str(config)).exception, SignInError)
    without = tmp_path / "without.yaml"
    without.write_text(EDGE)
    assert isinstance(call("user", "list", "-c", str(without)).exception, ConfigError)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "alpr[page]" in str(call("user", "list", "-c", str(config)).exception)


def test_the_page_is_served_by_a_device_alone() -> None:
    assert "started by `alpr run` alone" in call("serve", "998", "999").output

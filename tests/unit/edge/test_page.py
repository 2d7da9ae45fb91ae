"""The device's end of its page: what a check and a start refuse, and what a run without a page costs."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest
import yaml

from alpr.config import EdgeConfig, load_edge_config
from alpr.edge.page import DevicePage, check_page, settings_of
from alpr.errors import ConfigError, SignInError
from tests.conftest import a_frame


def a_config(folder: Path, **page: object) -> EdgeConfig:
    path = folder / "edge.yaml"
    block = {"page": {"users": "users", "port": 8499, **page}} if page else {}
    path.write_text(
        yaml.safe_dump(
            {
                "device": {"name": "car", "data_dir": "data"},
                "cameras": [{"id": "front", "url": "film.mp4"}],
                "hotlist": {"database": "lists.db", "max_age_h_by_list": {"stolen": 2}},
                **block,
            }
        )
    )
    return load_edge_config(path, environ={})


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_device_without_a_page_is_as_it_was(tmp_path: Path) -> None:
    page = DevicePage(a_config(tmp_path))
    page.see(a_frame())
    check_page(a_config(tmp_path), is_running=False)
    page.close()


def test_an_address_that_is_taken_is_said_at_a_check_and_at_a_start(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = a_config(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match="cannot listen on"):
            check_page(config, is_running=False)
        with pytest.raises(ConfigError, match="cannot listen on"):
            DevicePage(config)
        check_page(config, is_running=True)


def test_a_certificate_that_is_none_is_said_before_the_page_starts(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("none")
    config = a_config(tmp_path, port=a_free_port(), certificate="cert.pem", key="key.pem")
    with pytest.raises(ConfigError, match=r"cert\.pem"):
        DevicePage(config)


def test_a_users_file_that_cannot_be_understood_is_said_by_a_check(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("anna plain-text\n")
    with pytest.raises(SignInError, match="line 1"):
        check_page(a_config(tmp_path, port=a_free_port()), is_running=False)


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = a_config(tmp_path, port=a_free_port())
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'alpr\[page\]'"):
        DevicePage(config)


def test_the_page_knows_the_limits_of_each_list(tmp_path: Path) -> None:
    settings = settings_of(a_config(tmp_path, port=8499))
    assert settings.list_limits_s == {"stolen": 7200.0, "": 86400.0}
    assert settings.cameras == ("front",)
    assert settings.receivers == ()

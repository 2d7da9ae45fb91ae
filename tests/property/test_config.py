"""Whatever a configuration file holds, it is loaded or refused in words; nothing else comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpr.config import EdgeConfig, load_edge_config
from alpr.errors import ConfigError

_KEYS = st.sampled_from([*EdgeConfig.model_fields, "id", "url", "name", "data_dir", "mask", "collector", "x", "<<"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
_TREES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5))
_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def _load_or_refuse(path: Path) -> None:
    try:
        config = load_edge_config(path, environ={})
    except ConfigError as error:
        assert str(error).strip()
        assert all(line.startswith(str(path)) for line in str(error).splitlines())
    else:
        assert isinstance(config, EdgeConfig)


@_SHARED
@given(tree=_TREES)
def test_any_tree(tmp_path: Path, tree: object) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8", errors="surrogatepass")
    _load_or_refuse(path)


@_SHARED
@given(raw=st.binary(max_size=60) | st.text(alphabet=" :-[]{}&*!|>'\"\n\tab<#%@`0", max_size=40).map(str.encode))
def test_any_bytes(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "edge.yaml"
    path.write_bytes(raw)
    _load_or_refuse(path)


@_SHARED
@given(name=st.text(min_size=1, max_size=12), value=st.text(max_size=12))
def test_any_variable(tmp_path: Path, name: str, value: str) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text("device: {name: box, data_dir: x}\ncameras: [{id: a, url: b}]\n")
    try:
        load_edge_config(path, environ={f"ALPR__{name}": value})
    except ConfigError as error:
        assert str(error)


def test_the_refusal_is_testable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_edge_config(tmp_path / "none.yaml", environ={})

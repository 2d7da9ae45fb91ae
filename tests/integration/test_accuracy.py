"""The shipped models on real pictures, which are never committed: floors under their accuracy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from alpr.cli import cli
from alpr.models.variant import Variant, choose_variant
from alpr.system.shipped import shipped

# A ratchet: raised with each better model, never lowered.
MIN_LATIN_EXACT = 0.97
MIN_RECALL_60_PX = 0.95
MAX_FALSE_PER_IMAGE = 0.1


def _rows(labels: Path, *options: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    result = CliRunner().invoke(cli, ["evaluate", str(labels), "--json", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return {(row["kind"], row.get("group", ""), row.get("name", "")): row for row in rows}


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_crops_of_the_dev_split(shared_data: Path, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if variant == "int8" and choose_variant(shipped("models"), "recogniser", environ={}).variant is Variant.FP32:
        pytest.skip("this processor cuts off sums of bytes: int8 is not for it")
    monkeypatch.setenv("ALPR__MODELS__VARIANT", variant)
    rows = _rows(shared_data / "plates" / "labels.jsonl", "--split", "dev")
    latin = rows["crops", "script", "Latin"]
    assert latin["texts"] == 1317
    assert latin["exact_share"] >= MIN_LATIN_EXACT
    assert latin["merged_share"] >= latin["exact_share"]
    assert rows["crops", "all", "all"]["texts"] == 1505


@pytest.mark.realdata
@pytest.mark.slow
def test_scenes_are_found_and_read(shared_data: Path) -> None:
    rows = _rows(shared_data / "scenes" / "labels.jsonl", "--split", "dev")
    whole, wide = rows["scenes", "all", "all"], rows["scenes", "width", "60 px and wider"]
    assert (whole["images"], whole["plates"], wide["plates"]) == (278, 302, 234)
    assert wide["recall"] >= MIN_RECALL_60_PX
    assert whole["false_per_image"] <= MAX_FALSE_PER_IMAGE

"""A model that differs from its card never runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from alpr.errors import ModelError
from alpr.models.card import file_sha256, load_card
from alpr.models.provider import open_model
from alpr.system.shipped import shipped


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped recogniser, to be spoilt."""
    for suffix in (".onnx", ".yaml"):
        shutil.copy(shipped("models") / f"recogniser{suffix}", tmp_path)
    return tmp_path / "recogniser.onnx"


def rewrite_card(model: Path, **changes: object) -> None:
    card = model.with_suffix(".yaml")
    card.write_text(yaml.safe_dump({**yaml.safe_load(card.read_text()), **changes}))


def test_a_model_runs_as_its_card_says(copied: Path) -> None:
    model = open_model(copied, "recogniser")
    outputs = model.run(np.zeros((2, 48, 160, 3), np.uint8))
    assert outputs["char_probabilities"].shape == (2, 80, 37)
    assert model.card.model_id == f"recogniser@{file_sha256(copied)[:12]}"
    assert model.providers == ["CPUExecutionProvider"]


def test_the_card_can_be_named_instead(copied: Path) -> None:
    assert open_model(copied.with_suffix(".yaml"), "recogniser").card.model_path == copied


def test_an_altered_file_is_refused(copied: Path) -> None:
    content = bytearray(copied.read_bytes())
    content[len(content) // 2] ^= 1
    copied.write_bytes(content)
    with pytest.raises(ModelError, match=r"recogniser\.onnx was altered: SHA-256 is \w+…, its card expects \w+…"):
        open_model(copied, "recogniser")


def test_a_missing_file_is_named(copied: Path) -> None:
    copied.unlink()
    with pytest.raises(ModelError, match=r"recogniser\.onnx cannot be read \(No such file"):
        open_model(copied, "recogniser")


def test_a_missing_card_is_named(copied: Path) -> None:
    copied.with_suffix(".yaml").unlink()
    with pytest.raises(ModelError, match=r"recogniser\.yaml cannot be read .* every model needs its card"):
        open_model(copied, "recogniser")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[1, 2]", "must be a mapping"),
        ("name: x", "lacks version, task"),
        ("a: [", "is not YAML"),
        (b"\xff\xfe\xff", "not YAML"),
    ],
)
def test_a_broken_card_is_refused(copied: Path, content: str | bytes, complaint: str) -> None:
    copied.with_suffix(".yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ModelError, match=complaint):
        load_card(copied)


def test_a_model_for_another_task_is_refused(copied: Path) -> None:
    with pytest.raises(ModelError, match="is a recogniser, expected a detector"):
        open_model(copied, "detector")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"outputs": {"char_probabilities": ["N", 40, 37]}},
            r"output char_probabilities is .*80, 37\], expected .*40, 37",
        ),
        ({"outputs": {"boxes": ["N", 4]}}, "expected an output boxes"),
        ({"input": {"name": "pixels", "dtype": "uint8"}}, "expected one input pixels uint8"),
        ({"input": {"name": "patches", "dtype": "float32"}}, "expected one input patches float32"),
        (
            {"input": {"name": "patches", "dtype": "uint8", "shape": ["N", 64, 160, 3]}},
            r"expected \['N', 64, 160, 3\]",
        ),
    ],
)
def test_another_shape_than_the_cards_is_refused(copied: Path, changes: dict[str, object], complaint: str) -> None:
    rewrite_card(copied, **changes)
    with pytest.raises(ModelError, match=complaint):
        open_model(copied, "recogniser")


def test_what_is_no_model_is_refused(copied: Path) -> None:
    copied.write_text("this is no model")
    rewrite_card(copied, sha256=file_sha256(copied))
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(copied, "recogniser")


def test_an_input_of_the_wrong_shape_fails_in_one_line(copied: Path) -> None:
    with pytest.raises(ModelError, match=r"failed on input \(1, 9, 9, 3\)") as caught:
        open_model(copied, "recogniser").run(np.zeros((1, 9, 9, 3), np.uint8))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("card", sorted(shipped("models").glob("*.yaml")), ids=lambda card: card.stem)
def test_every_shipped_model_is_what_its_card_says(card: Path) -> None:
    loaded = load_card(card)
    assert open_model(card, loaded.task).card.sha256 == file_sha256(loaded.model_path)
    assert loaded.fields["scores"]
    assert loaded.fields["trained_on"]

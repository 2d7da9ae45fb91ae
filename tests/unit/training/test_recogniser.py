"""The recogniser's loss, its sequence of 80 steps, its training schedule, and model cards."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from alpr.types import ALPHABET

pytest.importorskip("torch")
pytest.importorskip("PIL")

import torch

from training.card import write_card
from training.degrade import capture, reframe
from training.layouts import REGIONS, US_REGIONS
from training.recogniser_dataset import allowed_regions, encode, latin
from training.recogniser_loss import lines_loss, region_loss, text_loss
from training.recogniser_model import LOWER, UPPER, WHOLE, Deployed, Reading, Recogniser
from training.recogniser_shape import CLASSES, STEPS, decode
from training.render import render_plate
from training.train_recogniser import learning_rate


def a_reading(rows: dict[int, str], two_lines: float = 0.0, region: int = 0) -> Reading:
    """One patch where the given rows say their texts with certainty and the others nothing."""
    characters = torch.full((1, 3, STEPS, CLASSES), -20.0)
    characters[..., 0] = 0.0
    for row, text in rows.items():
        for index, char in enumerate(text):
            characters[0, row, 3 * index + 1, 0] = -20.0
            characters[0, row, 3 * index + 1, ALPHABET.index(char) + 1] = 0.0
    regions = torch.full((1, len(REGIONS)), -20.0)
    regions[0, region] = 0.0
    return Reading(characters, torch.tensor([two_lines]), regions)


@pytest.mark.parametrize(
    ("reading", "text", "lines"),
    [
        (a_reading({WHOLE: "AA1Z"}), "AA1Z", 1),
        (a_reading({UPPER: "59T1", LOWER: "1234"}), "59T11234", 2),
        (a_reading({WHOLE: "AB12"}, two_lines=-12.0), "AB12", 0),
        (a_reading({UPPER: "AB", LOWER: "12"}, two_lines=12.0), "AB12", 0),
        (a_reading({}), "", 0),
    ],
)
def test_loss_is_small_where_the_right_rows_say_the_text(reading: Reading, text: str, lines: int) -> None:
    assert float(text_loss(reading, encode([text], [lines], [""]))) < 0.01


@pytest.mark.parametrize(
    ("reading", "lines"),
    [
        (a_reading({WHOLE: "AB12"}), 2),
        (a_reading({UPPER: "AB", LOWER: "12"}), 1),
        (a_reading({WHOLE: "AB12"}, two_lines=12.0), 0),
        (a_reading({WHOLE: "AB13"}), 1),
    ],
)
def test_loss_is_large_where_others_say_it(reading: Reading, lines: int) -> None:
    assert float(text_loss(reading, encode(["AB12"], [lines], [""]))) > 5


def test_lines_loss_is_silent_where_nobody_knows() -> None:
    reading = a_reading({}, two_lines=9.0)
    assert float(lines_loss(reading, encode(["A"], [0], [""]))) == 0
    assert float(lines_loss(reading, encode(["A"], [2], [""]))) < 0.01
    assert float(lines_loss(reading, encode(["A"], [1], [""]))) > 5


def test_region_loss_takes_every_allowed_region_together() -> None:
    texas = a_reading({}, region=REGIONS.index("US-TX"))
    assert float(region_loss(texas, encode(["A"], [1], ["US-TX"]))) < 0.01
    assert float(region_loss(texas, encode(["A"], [1], ["US"]))) < 0.01
    assert float(region_loss(texas, encode(["A"], [1], ["unknown"]))) < 0.01
    assert float(region_loss(texas, encode(["A"], [1], ["DE"]))) > 5


def test_us_without_a_state_allows_the_states_alone() -> None:
    assert [r for r, ok in zip(REGIONS, allowed_regions("US"), strict=True) if ok] == list(US_REGIONS)


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        (a_reading({WHOLE: "KA01AB", UPPER: "XX", LOWER: "YY"}, two_lines=-3.0), "KA01AB"),
        (a_reading({WHOLE: "KA01AB", UPPER: "59T1", LOWER: "1234"}, two_lines=3.0), "59T11234"),
        (a_reading({}), ""),
    ],
)
def test_deployed_sequence_holds_the_rows_that_apply(reading: Reading, text: str) -> None:
    characters, _, regions = Deployed(lambda _: reading)(torch.zeros(1))
    assert tuple(characters.shape) == (1, 2 * STEPS, CLASSES)
    assert decode(characters[0].numpy()) == text
    assert torch.allclose(characters.sum(-1), torch.ones(1, 2 * STEPS))
    assert torch.allclose(regions.sum(-1), torch.ones(1))


def test_network_learns_one_batch() -> None:
    torch.manual_seed(0)
    network = Recogniser(len(REGIONS))
    patches = torch.randint(0, 256, (4, 48, 160, 3), dtype=torch.uint8)
    targets = encode(["A1", "B2", "C3", "D4"], [1, 1, 2, 0], ["DE", "US", "VN", ""])
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        reading = network(patches)
        loss = text_loss(reading, targets).mean() + region_loss(reading, targets).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 3


def test_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate(done, 1.0) for done in (0.0, 0.01, 0.02, 0.5, 1.0)]
    assert rates[0] < rates[1] < rates[2] == 1.0
    assert rates[2] > rates[3] > rates[4] > 0


def test_han_characters_are_left_out() -> None:
    assert latin("皖A·9288e") == "A9288E"


def test_degraded_patch_has_the_networks_size() -> None:
    rng = np.random.default_rng(0)
    for lines in (1, 2):
        seen = capture(rng, render_plate(rng, lines=lines, px_per_mm=1.0).image)
        assert reframe(rng, seen, (0.0, 0.1), 0.02).shape == (48, 160, 3)
        assert reframe(rng, seen, (0.05, 0.1), 0.02, around=np.zeros((9, 9, 3), np.uint8)).shape == (48, 160, 3)


def test_card_holds_the_files_own_hash(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"weights")
    write_card(tmp_path / "m.yaml", {"name": "m", "file": "m.onnx", "regions": ["NO", "US-TX"]})
    card = yaml.safe_load((tmp_path / "m.yaml").read_text())
    assert list(card) == ["name", "file", "sha256", "regions"]
    assert card["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert card["regions"] == ["NO", "US-TX"]

"""The region's own head, the scales of logits, what a finished recogniser is, and drawn bait."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

import torch

from alpr.types import ALPHABET
from training.bait import KINDS, SIZE_WH, draw_bait
from training.calibrate_recogniser import claims, log_loss, read
from training.frames import draw_frame
from training.furniture import Canvas
from training.layouts import REGIONS
from training.recogniser_finish import CALIBRATION, REGION, load_finished
from training.recogniser_model import Recogniser
from training.recogniser_region import FEATURES, RegionHead
from training.recogniser_shape import CLASSES, STEPS
from training.render_cache import draw_bait_shard
from training.train_recogniser import Progress, save
from training.train_region import Seen, best_scale, fit


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads that wait for each other are slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def some_seen(rng: np.random.Generator, count: int, noise: float) -> Seen:
    """Maps of two regions that differ in half of their places."""
    which = rng.integers(2, size=count)
    features = rng.normal(0, noise, (count, FEATURES))
    features[:, : FEATURES // 2] += which[:, None]
    labels = [("DE", "FR")[int(w)] for w in which]
    allowed = np.stack([[region == label for region in REGIONS] for label in labels])
    return Seen(torch.from_numpy(features).half(), torch.from_numpy(allowed), tuple(labels))


def test_region_head_learns_and_is_told_how_sure_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.train_region.STEPS", 100)
    monkeypatch.setattr("training.train_region.BATCH", 40)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    head = fit(rng, some_seen(rng, 100, 0.2), some_seen(rng, 100, 0.2))
    with torch.no_grad():
        unseen = some_seen(rng, 200, 0.2)
        judged = head.judge(unseen.features.float()).argmax(-1)
    assert float(unseen.allowed[torch.arange(200), judged].float().mean()) > 0.9
    # Labels that say the opposite half of the time make every claim too bold.
    wrong = unseen.allowed.clone()
    wrong[:100] = unseen.allowed[:100].roll(REGIONS.index("FR") - REGIONS.index("DE"), 1)
    assert best_scale(head, Seen(unseen.features, wrong, unseen.regions)) < best_scale(head, unseen)


def test_scaling_keeps_what_is_likeliest() -> None:
    torch.manual_seed(0)
    patches = torch.randint(0, 256, (2, 48, 160, 3), dtype=torch.uint8)
    recogniser = Recogniser(len(REGIONS)).eval()
    recogniser.own_region = RegionHead(len(REGIONS)).eval()
    with torch.no_grad():
        before = recogniser(patches)
        recogniser.scale_characters(0.5)
        recogniser.own_region.scale(2.0)
        after = recogniser(patches)
    torch.testing.assert_close(after.characters, before.characters * 0.5, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.region, before.region * 2.0, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.two_lines, before.two_lines)


def test_finished_recogniser_takes_what_later_steps_left(tmp_path: Path) -> None:
    torch.manual_seed(0)
    average, head = Recogniser(len(REGIONS)), RegionHead(len(REGIONS))
    checkpoint = tmp_path / "checkpoint.pt"
    save(checkpoint, average, average, torch.optim.AdamW(average.parameters()), Progress(1, 128, 1.0))
    patches = torch.randint(0, 256, (1, 48, 160, 3), dtype=torch.uint8)
    with torch.no_grad():
        plain = load_finished(checkpoint)[0](patches)
        torch.save(head.state_dict(), tmp_path / REGION)
        (tmp_path / CALIBRATION).write_text(json.dumps({"character_scale": 0.5}))
        finished, regions, samples = load_finished(checkpoint)
        after = finished(patches)
    assert (regions, samples) == (REGIONS, 128)
    torch.testing.assert_close(after.characters, plain.characters * 0.5, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(after.region, plain.region)


def steps_that_say(text: str, probability: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(1, 80, 37) where each character has this probability and the blank the rest."""
    steps = np.zeros((1, 2 * STEPS, CLASSES), np.float32)
    steps[..., 0] = 1
    for index, char in enumerate(text):
        steps[0, 3 * index, 0], steps[0, 3 * index, ALPHABET.index(char) + 1] = 1 - probability, probability
    return steps


def test_claims_are_scored_by_character() -> None:
    plates = read(steps_that_say("AB12", 0.9))
    assert [plate.text for plate in plates] == ["AB12"]
    told = list(claims(plates, ["AB72"]))
    assert [right for _, right in told] == [True, True, False, True]
    assert [p for p, _ in told] == pytest.approx([0.9] * 4, abs=1e-4)
    assert log_loss(iter(told)) == pytest.approx(-(3 * np.log(0.9) + np.log(0.1)) / 4, abs=1e-3)
    bold = list(claims(read(steps_that_say("AB12", 0.9), 2.0), ["AB72"]))
    assert all(p > 0.98 for p, _ in bold)


@pytest.mark.parametrize("kind", sorted(set(KINDS), key=str), ids=str)
def test_every_kind_of_bait_shows_something(kind: Callable[[np.random.Generator, Canvas], None]) -> None:
    rng = np.random.default_rng(2)
    canvas = np.full((100, SIZE_WH[0], 3), 128, np.float32)
    kind(rng, canvas)
    assert canvas.shape == (100, SIZE_WH[0], 3)
    assert canvas.std() > 3


def test_bait_says_nothing_and_is_the_same_for_the_same_number() -> None:
    first, second = draw_bait_shard(3, 3), draw_bait_shard(3, 3)
    assert [one.jpeg for one in first] == [one.jpeg for one in second]
    assert {(one.text, one.region, one.lines) for one in first} == {("", "", 0)}
    assert draw_bait(np.random.default_rng(0)).shape[1] == SIZE_WH[0]


def test_a_frame_hides_the_rim_alone() -> None:
    for seed in range(10):
        canvas = np.full((150, 300, 3), 500, np.float32)
        draw_frame(np.random.default_rng(seed), canvas)
        assert (canvas[0, :, 0] != 500).all(), "nothing is left of the edge"
        assert (canvas[30:120, 20:280] == 500).all(), "the serial is not hidden"

"""The recogniser's network: a dense convolutional body, three row readers, heads for the lines and the region.

The body makes a map of 96 × 6 × 40 from a patch of 48 × 160. A row reader takes the whole height of it at each of
the 40 places: `whole` reads plates of one line, `upper` and `lower` the rows of those with two. Dense 3×3
convolutions with BatchNorm and ReLU alone: they are at the roof of a CPU core, depthwise ones and attention not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from training.recogniser_region import RegionHead
from training.recogniser_shape import BLANK, CLASSES, STEPS

WHOLE, UPPER, LOWER = 0, 1, 2


class Reading(NamedTuple):
    """What the network says of a batch, before any softmax."""

    characters: torch.Tensor
    """(N, 3, 40, 37) logits: row reader, place, class (0 is blank, then ALPHABET)."""
    two_lines: torch.Tensor
    """(N,) logit that the plate has two lines."""
    region: torch.Tensor
    """(N, R) logits."""


def _conv(inputs: int, outputs: int, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Recogniser(nn.Module):
    """Patches (N, 48, 160, 3) uint8 BGR to a Reading."""

    def __init__(self, regions: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(3, 32, 2),
            _conv(32, 32),
            _conv(32, 64, 2),
            _conv(64, 64),
            _conv(64, 96, (2, 1)),
            _conv(96, 96),
        )
        self.rows = nn.Sequential(nn.Conv2d(96, 96 * 3, (6, 1), bias=False), nn.BatchNorm2d(96 * 3), nn.ReLU(True))
        self.context = nn.Sequential(
            nn.Conv2d(96, 96, (1, 5), padding=(0, 2), bias=False), nn.BatchNorm2d(96), nn.ReLU(inplace=True)
        )
        # What stands further away and the kind of plate tell O from 0 and I from 1: added to what is seen here.
        self.hint = nn.Linear(64, 96)
        self.grammar = nn.Sequential(
            nn.Conv2d(96, 64, (1, 9), padding=(0, 4), bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 96, 1),
        )
        for layer in (self.hint, self.grammar[3]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.classify = nn.Conv2d(96, CLASSES, 1)
        self.overview = nn.Sequential(
            nn.AvgPool2d((2, 8)), nn.Flatten(), nn.Linear(96 * 15, 64), nn.ReLU(inplace=True), nn.Dropout(0.1)
        )
        self.lines = nn.Linear(64, 1)
        self.region = nn.Linear(64, regions)
        self.own_region: RegionHead | None = None
        """Takes the place of `region` where it was trained."""

    def forward(self, patches: torch.Tensor) -> Reading:
        """Read a batch."""
        pixels = patches.permute(0, 3, 1, 2).float() * (1 / 64) - 2.0
        features = self.body(pixels)
        # Channel c of row r is c * 3 + r, so that the rows become the height of a map and share what follows.
        rows = self.rows(features).reshape(-1, 96, 3, STEPS)
        overview = self.overview(features)
        seen = self.context(rows)
        likely = self.grammar(seen + self.hint(overview)[:, :, None, None])
        characters = self.classify(torch.relu(seen + likely)).permute(0, 2, 3, 1)
        region = self.region(overview) if self.own_region is None else self.own_region(features)
        return Reading(characters.float(), self.lines(overview)[:, 0].float(), region.float())

    def scale_characters(self, by: float) -> None:
        """Make the characters as sure as they may be: every logit times `by`, which is 1 / temperature."""
        with torch.no_grad():
            self.classify.weight.mul_(by)
            assert self.classify.bias is not None  # noqa: S101 - for the type checker
            self.classify.bias.mul_(by)


class Deployed(nn.Module):
    """The exported form: probabilities in one sequence of 80 steps, whichever the number of lines.

    One line: the 40 steps of `whole`, then 40 of blank. Two lines: the 40 of `upper`, then the 40 of `lower`.
    """

    def __init__(self, recogniser: Callable[[torch.Tensor], Reading]) -> None:
        super().__init__()
        self.recogniser = recogniser
        blank = torch.zeros(1, STEPS, CLASSES)
        blank[..., BLANK] = 1.0
        self.register_buffer("blank", blank)

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Patches (N, 48, 160, 3) uint8 BGR to (N, 80, 37), (N,), (N, R), all probabilities."""
        reading = self.recogniser(patches)
        rows = reading.characters.softmax(-1)
        two_lines = reading.two_lines.sigmoid()
        has_two = (two_lines > 0.5)[:, None, None]
        first = torch.where(has_two, rows[:, UPPER], rows[:, WHOLE])
        second = torch.where(has_two, rows[:, LOWER], self.blank)
        return torch.cat([first, second], 1), two_lines, reading.region.softmax(-1)

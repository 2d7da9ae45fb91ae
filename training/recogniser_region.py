"""A head for the region of its own, on what the recogniser's body sees: trained after it, on frozen features.

Beside the text, a region's label weighs little, and most real crops are of six regions. Here the body is left as it
is, so that rare labels can be shown as often as is good for them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

POOL = (2, 4)
FEATURES = 96 * 3 * 10
HIDDEN = 48


class RegionHead(nn.Module):
    """The body's map (N, 96, 6, 40) to logits (N, R)."""

    def __init__(self, regions: int) -> None:
        super().__init__()
        self.pool = nn.Sequential(nn.AvgPool2d(POOL), nn.Flatten())
        self.judge = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(FEATURES, HIDDEN), nn.ReLU(inplace=True), nn.Linear(HIDDEN, regions)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of maps."""
        judged: torch.Tensor = self.judge(self.pool(features))
        return judged

    def scale(self, by: float) -> None:
        """Make it as sure as it may be: every logit times `by`."""
        last = self.judge[3]
        with torch.no_grad():
            last.weight.mul_(by)
            last.bias.mul_(by)


def load_region_head(path: Path, regions: int) -> RegionHead:
    """A trained head, ready to judge."""
    head = RegionHead(regions)
    head.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    head.eval()
    return head

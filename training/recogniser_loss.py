"""The recogniser's loss: connectionist temporal classification (Graves et al. 2006) over one or two rows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from training.recogniser_model import LOWER, UPPER, WHOLE, Reading
from training.recogniser_shape import BLANK, STEPS


class Targets(NamedTuple):
    """What a batch of patches really says."""

    texts: torch.Tensor
    """(N, 12) int64 classes (1 is "0"), padded with 0."""
    lengths: torch.Tensor
    """(N,) int64; 0 where there is no plate text."""
    lines: torch.Tensor
    """(N,) int64: 1, 2, or 0 where nobody knows."""
    regions: torch.Tensor
    """(N, R) bool: the regions that the label allows; all of them where it says nothing."""


def text_loss(reading: Reading, targets: Targets) -> torch.Tensor:
    """(N,) negative log-likelihood of each text; over both numbers of lines where the label does not say."""
    log_rows = reading.characters.log_softmax(-1)
    as_one = _ctc(log_rows[:, WHOLE], targets)
    as_two = _ctc(torch.cat([log_rows[:, UPPER], log_rows[:, LOWER]], 1), targets)
    either = -torch.logaddexp(
        F.logsigmoid(-reading.two_lines) - as_one,
        F.logsigmoid(reading.two_lines) - as_two,
    )
    return torch.where(targets.lines == 1, as_one, torch.where(targets.lines == 2, as_two, either))


def lines_loss(reading: Reading, targets: Targets) -> torch.Tensor:
    """(N,) cross-entropy of the number of lines, 0 where nobody knows."""
    loss = F.binary_cross_entropy_with_logits(reading.two_lines, (targets.lines == 2).float(), reduction="none")
    return loss * (targets.lines > 0)


def region_loss(reading: Reading, targets: Targets) -> torch.Tensor:
    """(N,) negative log of the probability of all regions that the label allows together."""
    log_region = reading.region.log_softmax(-1)
    return -log_region.masked_fill(~targets.regions, -1e4).logsumexp(-1)


def _ctc(log_steps: torch.Tensor, targets: Targets) -> torch.Tensor:
    """(N,) loss of (N, T, C) log-probabilities, T = 40 or 80."""
    steps = torch.full_like(targets.lengths, log_steps.shape[1])
    return F.ctc_loss(
        log_steps.transpose(0, 1), targets.texts, steps, targets.lengths, BLANK, reduction="none", zero_infinity=True
    )


assert STEPS >= 2 * 12  # noqa: S101 - the longest text, every character doubled, still has a path

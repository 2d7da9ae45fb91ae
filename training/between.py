"""Step: the weights between two runs of the recogniser, as a checkpoint that a third may start from.

`python -m training.between FIRST SECOND --share 0.8 --to training/runs/between/checkpoint.pt`. The second must have
started from the first, so that the way between them does not leave the valley (Wortsman et al. 2022, "Model soups").
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.recogniser_model import Recogniser
from training.train_recogniser import load_average


def between(first: Recogniser, second: Recogniser, share: float) -> dict[str, torch.Tensor]:
    """Weights `share` of the way, in [0, 1], from the first network's to the second's; counters of the second."""
    before = first.state_dict()
    return {
        name: before[name].lerp(value, share) if value.is_floating_point() else value
        for name, value in second.state_dict().items()
    }


def main() -> None:
    """Write the mixed checkpoint."""
    parser = argparse.ArgumentParser(description="Weights between two runs of the recogniser.")
    parser.add_argument("first", type=Path, help="checkpoint of one run")
    parser.add_argument("second", type=Path, help="checkpoint of a run that started from it")
    parser.add_argument("--share", type=float, default=0.8, help="of the way from the first to the second")
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    (first, regions, _), (second, _, samples) = load_average(options.first), load_average(options.second)
    options.to.parent.mkdir(parents=True, exist_ok=True)
    weights = between(first, second, options.share)
    kept = {"average": weights, "progress": [0, samples, 0.0], "regions": list(regions)}
    torch.save(kept, options.to)


if __name__ == "__main__":
    main()

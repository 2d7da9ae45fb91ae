"""The plate detector's network: dense 3×3 convolutions, two heads, four corners per cell. Knows nothing of labels.

Every cell of the grids at stride 8 and 16 says how sure it is that it lies in the middle of a plate, and where that
plate's corners are. At 512×288 a forward pass is 408 million multiply-adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = (8, 16)
REACH = 4.0  # a raw offset of 1 is this many strides, so that a plate's corners lie at about ±1
CANVASES_WH = ((512, 288), (384, 384), (288, 512))
"""The canvases, about equal in area; a picture goes into the one that leaves it largest."""


def canvas_for(width: int, height: int) -> tuple[int, int]:
    """The canvas (width, height) that leaves a picture of this size largest."""
    return max(CANVASES_WH, key=lambda size_wh: min(size_wh[0] / width, size_wh[1] / height))


@dataclass(frozen=True, slots=True)
class DetectorShape:
    """Channels at stride 4, 8, 16 and 32, and of the two heads."""

    at4: int = 32
    at8: int = 64
    at16: int = 96
    at32: int = 128
    head8: int = 32
    head16: int = 32


def conv_bn_relu(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """One 3×3 convolution with batch norm (folded at export) and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Head(nn.Module):
    """Score logit and eight raw corner offsets for each cell."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.body = conv_bn_relu(inputs, channels)
        self.score = nn.Conv2d(channels, 1, 1)
        self.offsets = nn.Conv2d(channels, 8, 1)
        nn.init.constant_(self.score.bias, -4.6)  # a cell is a plate once in a hundred, before it has learnt anything
        nn.init.normal_(self.offsets.weight, std=0.01)
        with torch.no_grad():  # start from a plate of one reach by two fifths
            self.offsets.bias.copy_(torch.tensor([-0.5, -0.2, 0.5, -0.2, 0.5, 0.2, -0.5, 0.2]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(x)
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 would round corners to a quarter of a pixel
            x = x.float()
            return self.score(x).flatten(1), self.offsets(x).flatten(2).transpose(1, 2)


class PlateDetector(nn.Module):
    """(B, 3, H, W) BGR in 0…255 -> score logits (B, N) and raw offsets (B, N, 8), stride 8 first."""

    def __init__(self, shape: DetectorShape | None = None) -> None:
        super().__init__()
        s = shape or DetectorShape()
        self.stem = nn.Sequential(nn.Conv2d(3, s.at4, 4, 4, bias=False), nn.BatchNorm2d(s.at4), nn.ReLU(inplace=True))
        self.body4 = conv_bn_relu(s.at4, s.at4)
        self.body8 = nn.Sequential(conv_bn_relu(s.at4, s.at8, 2), conv_bn_relu(s.at8, s.at8))
        self.body16 = nn.Sequential(conv_bn_relu(s.at8, s.at16, 2), conv_bn_relu(s.at16, s.at16))
        # The last one looks twice as far at no cost: else no cell sees both ends of a plate that fills the picture.
        self.body32 = nn.Sequential(conv_bn_relu(s.at16, s.at32, 2), conv_bn_relu(s.at32, s.at32, dilation=2))
        self.up32 = nn.Conv2d(s.at32, s.at16, 1)
        self.up16 = nn.Conv2d(s.at16, s.at8, 1)
        self.head8 = Head(s.at8, s.head8)
        self.head16 = Head(s.at16, s.head16)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x4 = self.body4(self.stem((image - 114.0) / 64.0))  # the padding's grey becomes zero
        x8 = self.body8(x4)
        x16 = self.body16(x8)
        up32 = F.interpolate(self.up32(self.body32(x16)), scale_factor=2.0, mode="nearest")
        x16 = F.relu(x16 + up32)
        x8 = F.relu(x8 + F.interpolate(self.up16(x16), scale_factor=2.0, mode="nearest"))
        score8, offsets8 = self.head8(x8)
        score16, offsets16 = self.head16(x16)
        return torch.cat([score8, score16], 1), torch.cat([offsets8, offsets16], 1)


def cell_centres(width: int, height: int) -> tuple[Tensor, Tensor]:
    """Centres (N, 2) in canvas pixels (pixel centres are whole numbers) and strides (N,) of all cells, in order."""
    centres, strides = [], []
    for stride in STRIDES:
        ys = (torch.arange(height // stride, dtype=torch.float32) + 0.5) * stride - 0.5
        xs = (torch.arange(width // stride, dtype=torch.float32) + 0.5) * stride - 0.5
        y, x = torch.meshgrid(ys, xs, indexing="ij")
        centres.append(torch.stack([x, y], -1).reshape(-1, 2))
        strides.append(torch.full((x.numel(),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def decode_corners(offsets: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Raw offsets (..., N, 8) -> corners (..., N, 4, 2) in canvas pixels."""
    steps = offsets.reshape(*offsets.shape[:-1], 4, 2) * (REACH * strides)[:, None, None]
    return centres[:, None, :] + steps


def encode_corners(corners: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """The inverse of `decode_corners`: corners (N, 4, 2) -> raw offsets (N, 8)."""
    return ((corners - centres[:, None, :]) / (REACH * strides)[:, None, None]).reshape(-1, 8)

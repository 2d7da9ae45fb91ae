"""What a camera usually shows, by the kind of light: learnt slowly, and compared with what it shows now. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from alpr.types import FloatArray
from alpr.view.sample import ViewSample

_BRIGHT_FROM = 60.0
_COLOUR_FROM = 4.0
_SCENE_S = 1800.0  # over which the scene is learnt: shadows wander, vehicles park
_DETAIL_S = 48 * 3600.0  # detail is learnt over days, so that dirt is not
_LESS_DETAIL_S = 1800.0  # what is gone by and by was shadow, and is not missed
_KNOWN_SCENES = 15
_KNOWN_DETAILS = 60
_NORMAL_PX = 15
_FAINT = 4.0  # gradient that is as good as none
_STRONGEST = 3.0


@dataclass(slots=True, eq=False)
class LightBaseline:
    """The usual picture in one kind of light."""

    samples: int = 0
    """Number of samples that were learnt from."""
    edges: FloatArray = field(default_factory=lambda: np.zeros((90, 160), np.float32))
    """(90, 160) mean edge map."""
    match: float = 0.0
    """Correlation of a sample's edges with them, in the mean."""
    sharpness: float = 0.0
    detail: FloatArray = field(default_factory=lambda: np.zeros((9, 16), np.float32))
    """(9, 16) fine detail that each block has nearly always: what shadows add is not of it."""

    @property
    def knows_scene(self) -> bool:
        """True once it has seen enough to say whether the camera looks elsewhere."""
        return self.samples >= _KNOWN_SCENES

    @property
    def knows_detail(self) -> bool:
        """True once it has seen enough to say whether a part has become dull."""
        return self.samples >= _KNOWN_DETAILS

    def learn(self, sample: ViewSample, edges: FloatArray, seconds: float) -> None:
        """Take in a sample that shows what it should.

        Args:
            sample: of a frame.
            edges: its edge map.
            seconds: since the sample before.
        """
        first = 1.0 / (self.samples + 1)
        scene, slow = max(first, min(seconds / _SCENE_S, 0.1)), max(first, min(seconds / _DETAIL_S, 0.1))
        less = max(first, min(seconds / _LESS_DETAIL_S, 0.1))
        if self.samples:
            self.match += scene * (correlation(self.edges, edges) - self.match)
        self.edges = self.edges + scene * (edges - self.edges)
        sharpness = sample.sharpness
        if sharpness is not None:
            self.sharpness += slow * (sharpness - self.sharpness)
        pace = np.where(sample.fine < self.detail, less, slow).astype(np.float32)
        self.detail = self.detail + pace * (sample.fine - self.detail)
        self.samples += 1


def light_of(sample: ViewSample) -> str:
    """Name the kind of light: pictures by day and by night, in colour and by infrared, are not alike.

    Args:
        sample: of a frame.
    """
    light = "bright" if sample.brightness >= _BRIGHT_FROM else "dim"
    return f"{light} {'colour' if sample.chroma >= _COLOUR_FROM else 'grey'}"


def edge_map(sample: ViewSample) -> FloatArray:
    """Return where a picture has edges, whatever their contrast: (90, 160), 0 to 3.

    Args:
        sample: of a frame.
    """
    luma = cv2.GaussianBlur(sample.coarse, (0, 0), 1.0).astype(np.float32)
    across, down = cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    strength = cv2.magnitude(across, down)
    around = cv2.boxFilter(strength, cv2.CV_32F, (_NORMAL_PX, _NORMAL_PX))
    return np.asarray(np.minimum(strength / (around + _FAINT), _STRONGEST), np.float32)


def correlation(one: FloatArray, other: FloatArray) -> float:
    """Return the correlation of two edge maps, -1 to 1; 0 where one of them is flat.

    Args:
        one: an edge map.
        other: another one, as large.
    """
    a, b = one - one.mean(), other - other.mean()
    size = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def shift_of(before: FloatArray, now: FloatArray) -> tuple[float, float]:
    """Return by how much a picture has been shifted, in pixels of 160 × 90: (across, down).

    Args:
        before: its usual edge map.
        now: its present one.
    """
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    # Copies: where a picture needs no padding, OpenCV multiplies the window into what it is given.
    (across, down), _ = cv2.phaseCorrelate(before.copy(), now.copy(), window)
    return float(across), float(down)


def shifted_correlation(before: FloatArray, now: FloatArray, shift: tuple[float, float]) -> float:
    """Return the correlation of two edge maps where they overlap once a shift is undone.

    Args:
        before: the usual edge map.
        now: the present one.
        shift: (across, down) as from `shift_of`.
    """
    x, y = round(shift[0]), round(shift[1])
    height, width = before.shape
    if abs(x) > width // 2 or abs(y) > height // 2:
        return 0.0
    old = before[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
    new = now[max(0, y) : height - max(0, -y), max(0, x) : width - max(0, -x)]
    return correlation(old, new)

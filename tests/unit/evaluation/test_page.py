"""The page of an evaluation: whole in itself, safe, and true to the figures."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.errors import AlprError, ImageError
from alpr.evaluation import CropLabel, CropResult, Faint, PlateLabel, Report, SceneLabel, SceneResult, Seen
from alpr.evaluation.calibration import reliability
from alpr.evaluation.charts import bar, reliability_plot, threshold_plot
from alpr.evaluation.gallery import cut
from alpr.evaluation.page import page, write_page
from alpr.evaluation.scoring import CurvePoint
from alpr.types import Image
from tests.conftest import an_image


class _Outline(HTMLParser):
    """Every tag with its attributes, and that each is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _load(path: Path) -> Image:
    if path.name == "gone.jpg":
        raise ImageError("gone.jpg: gone")
    return an_image(640, 360)


def _crop(truth: str, read: str, confidence: float, name: str = "a.jpg", source: str = "src") -> CropResult:
    label = CropLabel(Path(name), "NL", source, truth, 1, is_latin=True)
    return CropResult(label, read, confidence, 100, (confidence,) * len(read))


def _report() -> Report:
    box, far = np.array([100, 100, 200, 130], np.float32), np.array([500, 300, 580, 330], np.float32)
    label = SceneLabel(Path("s.jpg"), "DE", "<b>&road", (PlateLabel(box, "AB12"),), np.zeros((0, 4), np.float32))
    seen = (Seen(box, "A812", 0.7, (0.9, 0.5, 0.9, 0.9), 0.8), Seen(far, "TDI", 0.6, (0.8,) * 3, 0.6))
    scene = SceneResult(label, seen, 30.0, (Faint(box, 0.8), Faint(far, 0.6)))
    crops = [_crop("XY99", "XY99", 0.99), _crop("XY99", "XY9", 0.97), _crop("", "GTI", 0.3, "gone.jpg", "bait")]
    times = {"detect": {"p50_ms": 5.0, "p95_ms": 7.0}}
    return Report("r@1", "d@1", 0.5, [scene], crops, times)


@pytest.fixture(scope="module")
def text() -> str:
    return page(_report(), _report(), _load, "set <one>")


def test_nothing_comes_from_outside_and_nothing_runs(text: str) -> None:
    outline = _Outline()
    outline.feed(text)
    assert outline.open == []
    kinds = {tag for tag, _ in outline.tags}
    assert not kinds & {"script", "link", "iframe", "object", "form"}
    for _, attributes in outline.tags:
        assert not {"style", "href", "srcset"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("src") or "data:").startswith("data:image/jpeg;base64,") or "src" not in attributes
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_allows_just_this_style(text: str) -> None:
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in text


def test_names_are_told_as_text(text: str) -> None:
    assert "set &lt;one&gt;" in text
    assert "&lt;b&gt;&amp;road" in text
    assert "<b>&road" not in text


def test_figures_and_failures_are_there(text: str) -> None:
    assert "1 of 2, strict" in text  # crops with text
    assert "0 of 1, places without plate text" in text
    assert "personal data" in text
    figures = re.findall(r"<figure class=\"(c-[a-z-]+)\">", text)
    assert figures == ["c-missed-at-an-end", "c-look-alike", "c-no-plate"]  # surest first; what is gone is left out
    assert "XY9<mark>·</mark>" in text
    assert all(f"#{name}:checked" in text for name in figures)
    assert "Side by side" in text
    assert "Side by side" not in page(_report(), None, _load, "x")


def test_a_page_of_nothing_wrong() -> None:
    told = page(Report("r@1", crops=[_crop("A1", "A1", 0.9)]), None, _load, "x")
    assert "0 failures" in told
    assert "Finding plates" not in told


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AlprError, match="cannot be written"):
        write_page(tmp_path / "none" / "p.html", _report(), None, _load)


def test_pictures_are_cut_around_the_plate_and_kept_small() -> None:
    image = np.zeros((1000, 2000, 3), np.uint8)
    assert cut(image, np.array([900, 500, 1000, 530], np.float32)).shape == (90, 200, 3)
    assert cut(image, np.array([0, 0, 1000, 400], np.float32)).shape[1] == 320
    assert cut(image, None).shape == (160, 320, 3)
    assert cut(image, np.array([1990, 990, 2400, 1200], np.float32)).size > 0
    assert cv2.imencode(".jpg", cut(image, np.array([5, 5, 6, 6], np.float32)))[0]


def test_plots_say_what_they_were_given() -> None:
    plot = reliability_plot(reliability([(0.95, True)] * 30 + [(0.95, False)] * 10 + [(0.15, False)] * 3), "texts")
    assert "claimed 0.950, right 30 of 40 (0.750)" in plot
    assert plot.count('class="mark few"') == 1
    curve = [CurvePoint(0.3, 0.9, 0.4), CurvePoint(0.5, 0.8, 0.1), CurvePoint(0.1, 1.0, 30.0)]
    told = threshold_plot(curve, 0.5)
    assert told.count("<circle") == 2  # nobody would use a detector at 30 false plates an image
    assert 'class="mark used"' in told
    assert 'width="75.00"' in bar(3, 4, "x")

"""Plots as SVG, drawn by hand: no outside library, no script, colours from the page's style. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from alpr.evaluation.calibration import Bin
from alpr.evaluation.markup import plain
from alpr.evaluation.scoring import CurvePoint
from alpr.evaluation.statistics import wilson

_SIDE, _LEFT, _TOP = 300, 46, 12  # of the square plots, in units of their view box
_FEW = 10  # claims in a bin
_MOST_FALSE = 1.0  # per image; who would use a detector beyond it
_STRIP = 54  # height of the counts below a reliability plot


def reliability_plot(bins: Sequence[Bin], of: str) -> str:
    """Plot over the claimed probability how often it was right, with the counts below.

    Args:
        of: what the claims are about, for those who cannot see the plot.
    """
    used = [b for b in bins if b.n]
    told = [b for b in used if b.n >= _FEW]  # a handful says little: hollow, and no line leads to it
    body = [_frame("claimed probability", "share that is right"), _line([(0, 0), (1, 1)], "ideal")]
    body += [_line([(b.claimed, b.share) for b in told], "series")]
    body += [_mark(b) for b in used]
    body += [_count_bar(b, max(b.n for b in used)) for b in used]
    return _svg(_TOP + _SIDE + 66 + _STRIP, f"Reliability of {of}", body)


def _mark(b: Bin) -> str:
    low, high = wilson(b.right, b.n)
    x = _x(b.claimed)
    kind = "mark" if b.n >= _FEW else "mark few"
    told = f"{b.low:.1f} to {b.high:.1f}: claimed {b.claimed:.3f}, right {b.right} of {b.n} ({b.share:.3f})"
    return (
        f'<g><title>{told}</title><line class="whisker" x1="{x}" x2="{x}" y1="{_y(low)}" y2="{_y(high)}"/>'
        f'<circle class="{kind}" cx="{x}" cy="{_y(b.share)}" r="4.5"/></g>'
    )


def _count_bar(b: Bin, most: int) -> str:
    foot = _TOP + _SIDE + 56 + _STRIP
    tall = max(1.0, (_STRIP - 14) * b.n / most)
    x, width = _x(b.low) + 2, _SIDE / 10 - 4
    middle = x + width / 2
    return (
        f'<rect class="count" x="{x}" y="{foot - tall:.1f}" width="{width:.1f}" height="{tall:.1f}"/>'
        f'<text class="small" x="{middle:.1f}" y="{foot - tall - 3:.1f}" text-anchor="middle">{_short(b.n)}</text>'
    )


def _short(n: int) -> str:
    return str(n) if n < 10_000 else f"{n / 1000:.0f}k"


def threshold_plot(points: Sequence[CurvePoint], used: float | None) -> str:
    """Plot recall over false plates per image while the threshold moves; the threshold in use is marked.

    Args:
        points: of the curve, in order.
        used: the threshold in use.
    """
    points = [point for point in points if point.false_per_image <= _MOST_FALSE] or points[-1:]
    most = max((point.false_per_image for point in points), default=0.0)
    widest = next((step for step in (0.1, 0.25, 0.5, 1.0) if most <= step), max(1.0, most))
    places = [(point.false_per_image / widest, point.recall) for point in points]
    body = [_frame("false plates per image", "recall", widest), _line(places, "series")]
    nearest = min(points, key=lambda point: abs(point.threshold - used)) if points and used is not None else None
    told_at: list[float] = []
    for point, (across, up) in zip(points, places, strict=True):
        is_used = point is nearest
        told = (
            f"threshold {point.threshold:.2f}: recall {point.recall:.3f}, {point.false_per_image:.3f} false an image"
        )
        kind, radius = ("mark used", 6) if is_used else ("mark", 3)
        body.append(
            f'<circle class="{kind}" cx="{_x(across)}" cy="{_y(up)}" r="{radius}"><title>{told}</title></circle>'
        )
        if is_used or all(abs(across - other) > 0.12 for other in told_at):
            told_at.append(across)
            body.append(
                f'<text class="{"" if is_used else "small"}" x="{_x(across) + 5}" y="{_y(up) + 16}">'
                f"{point.threshold:.2f}</text>"
            )
    return _svg(_TOP + _SIDE + 50, "Recall over false plates per image", body)


def bar(part: int, whole: int, title: str) -> str:
    """Draw a share as a bar with its 95 % interval; stretches to any width.

    Args:
        part: count.
        whole: of so many.
        title: shown where the pointer rests.
    """
    low, high = (100 * bound for bound in wilson(part, whole))
    share = 100 * part / whole if whole else 0.0
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{plain(title)}">'
        f'<title>{plain(title)}</title><rect class="rail" width="100" height="10"/>'
        f'<rect class="fill" width="{share:.2f}" height="10"/>'
        f'<rect class="interval" x="{low:.2f}" y="3.5" width="{max(0.4, high - low):.2f}" height="3"/></svg>'
    )


def count_bar(n: int, most: int, title: str) -> str:
    """Draw a count as a bar beside others; stretches to any width.

    Args:
        n: count.
        most: the count of the longest bar.
        title: shown where the pointer rests.
    """
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{plain(title)}">'
        f"<title>{plain(title)}</title>"
        f'<rect class="fill wrong" width="{100 * n / max(1, most):.2f}" height="10"/></svg>'
    )


def _x(share: float) -> float:
    return round(_LEFT + _SIDE * share, 1)


def _y(share: float) -> float:
    return round(_TOP + _SIDE * (1 - share), 1)


def _line(points: Sequence[tuple[float, float]], kind: str) -> str:
    """Straight pieces through points of the unit square."""
    return "".join(
        f'<line class="{kind}" x1="{_x(a)}" y1="{_y(b)}" x2="{_x(c)}" y2="{_y(d)}"/>'
        for (a, b), (c, d) in pairwise(points)
    )


def _frame(across: str, up: str, widest: float = 1.0) -> str:
    """The axes of a square plot, with a grid in fifths."""
    parts = []
    for fifth in range(6):
        share = fifth / 5
        parts.append(
            f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(share)}" y2="{_y(share)}"/>'
            f'<line class="grid" x1="{_x(share)}" x2="{_x(share)}" y1="{_y(0)}" y2="{_y(1)}"/>'
            f'<text class="small" x="{_x(0) - 6}" y="{_y(share) + 4}" text-anchor="end">{share:.1f}</text>'
            f'<text class="small" x="{_x(share)}" y="{_y(0) + 16}" text-anchor="middle">{share * widest:.3g}</text>'
        )
    middle = _y(0.5)
    parts.append(
        f'<text x="{_x(0.5)}" y="{_y(0) + 36}" text-anchor="middle">{plain(across)}</text>'
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{plain(up)}</text>'
    )
    return "".join(parts)


def _svg(height: int, title: str, body: Sequence[str]) -> str:
    width = _LEFT + _SIDE + 14
    head = f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="{plain(title)}">'
    return f"{head}{''.join(body)}</svg>"

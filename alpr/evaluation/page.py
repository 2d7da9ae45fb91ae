"""One self-contained page of an evaluation: plots, tables and the failures. No script, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from alpr.errors import AlprError
from alpr.evaluation.causes import count_causes, count_confusions
from alpr.evaluation.charts import bar, count_bar, reliability_plot, threshold_plot
from alpr.evaluation.failures import Failure, failures
from alpr.evaluation.gallery import css_name, gallery
from alpr.evaluation.groups import PlateGroup, crop_groups, plate_groups
from alpr.evaluation.markup import plain
from alpr.evaluation.outcome import NIGHT_BELOW, PlateOutcome, SceneResult, light_of
from alpr.evaluation.rows import THRESHOLDS, Row
from alpr.evaluation.scoring import is_exact, score_detections, score_texts, threshold_curve
from alpr.evaluation.statistics import poisson, wilson
from alpr.evaluation.tables import Report
from alpr.types import Image

MOST_SHOWN = 400
_MOST_CONFUSIONS = 16
_FEW = 5  # plates of a region
_TITLES = {"scenes": "In scenes, from the whole picture on", "crops": "On crops of single plates"}
_GROUPS = {
    "width": "By width of the plate",
    "lines": "By number of lines",
    "light": "By light",
    "source": "By source",
    "region": "By region",
}


def write_page(
    path: Path, report: Report, other: Report | None, load: Callable[[Path], Image], name: str = "labels"
) -> None:
    """Write the page.

    Args:
        other: a second reader on the same pictures, to compare with.
        load: a picture from its file.
        name: of what was measured, for the title.

    Raises:
        AlprError: the page cannot be written.
    """
    try:
        path.write_text(page(report, other, load, name), encoding="utf-8")
    except OSError as error:
        raise AlprError(f"{path}: the page cannot be written ({error.strerror}); check the folder") from error


def page(report: Report, other: Report | None, load: Callable[[Path], Image], name: str) -> str:
    """Build the page as one text.

    Args:
        report: of the evaluation.
        other: of another reader on the same plates; None for none.
        load: reads a picture as (H, W, 3) uint8 BGR.
        name: of the labels, for the title.
    """
    found = failures(report.scenes, report.crops)
    causes = Counter(str(failure.cause) for failure in found)
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8") + _filters(causes)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    sections = [_found(report.scenes, report.threshold)] if report.scenes else []
    sections += [_read(kind, plates) for kind, plates in report.kinds]
    sections += [_compared(report, other)] if other else []
    sections += [_failures(found, causes, load)]
    models = " and ".join(f"<code>{plain(model)}</code>" for model in (report.detector, report.recogniser) if model)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'sha256-{digest}'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>Plates read: {plain(name)}</title><style>{style}</style></head><body><header>"
        f"<h1>How well plates are read: {plain(name)}</h1><p>{models}. {_times(report)}</p>"
        '<p class="warning">This page shows plates. They are personal data: keep it as you keep the pictures '
        f"themselves.</p></header><main>{''.join(sections)}</main><footer>Bars and dots carry their 95 % interval "
        "(Wilson; Byar for counts). Night is a picture whose mean luminance is below "
        f"{NIGHT_BELOW:.0f} of 255. Strict: O is not 0. Merged: O is 0 and I is 1.</footer></body></html>\n"
    )


def _filters(causes: Iterable[str]) -> str:
    """What hides the figures of other causes than the chosen one; no script is needed."""
    return "".join(
        f"main:has(#{css_name(cause)}:checked) figure:not(.{css_name(cause)}){{display:none}}\n" for cause in causes
    )


def _times(report: Report) -> str:
    told = [
        f"{plain(stage)} {latency['p50_ms']:.1f} ms (95 % within {latency['p95_ms']:.1f})"
        for stage, latency in report.latencies.items()
    ]
    return f"Median time on one thread: {'; '.join(told)}." if told else ""


def _found(scenes: Sequence[SceneResult], threshold: float | None) -> str:
    score = score_detections(scenes)
    low, high = poisson(score.false, score.images)
    tiles = [
        _tile("plates found", score.found, score.plates, "at IoU 0.5"),
        f'<div class="card tile"><b>{score.false_per_image:.3f}</b><span>false plates an image</span><small>'
        f"{score.false} in {score.images} pictures, {score.false_read} of them read as text; "
        f"{low:.3f} to {high:.3f}</small></div>",
    ]
    curve = threshold_curve(scenes, THRESHOLDS) if any(scene.faint for scene in scenes) else []
    plot = (
        '<div class="card"><h3>Recall and false plates over the threshold</h3>'
        f'{threshold_plot(curve, threshold)}<p class="note">Small figures are thresholds; the dot in rust is the one '
        f"in use{'' if threshold is None else f', {threshold:.2f}'}.</p></div>"
        if curve
        else ""
    )
    widths = [group for group in plate_groups(_outcomes(scenes)) if group.group == "width"]
    by_width = _bars("Found, by width of the plate", [(g.name, _count_found(g), len(g.members)) for g in widths])
    by_source = _bars("Found, by source", _found_by(scenes, lambda scene: scene.label.source))
    by_light = _bars("Found, by light", _found_by(scenes, lambda scene: light_of(scene.luminance)))
    return (
        f"<section><h2>Finding plates</h2><p>{score.images} pictures with {score.plates} labelled plates.</p>"
        f'<div class="tiles">{"".join(tiles)}</div>'
        f'<div class="columns">{plot}<div class="card">{by_width}{by_light}</div>'
        f'<div class="card">{by_source}</div></div></section>'
    )


def _outcomes(scenes: Sequence[SceneResult]) -> list[PlateOutcome]:
    return Report("", scenes=list(scenes)).plates


def _count_found(group: PlateGroup) -> int:
    return sum(plate.is_found for plate in group.members)


def _found_by(scenes: Sequence[SceneResult], name_of: Callable[[SceneResult], str]) -> list[tuple[str, int, int]]:
    groups: dict[str, list[SceneResult]] = {}
    for scene in scenes:
        groups.setdefault(name_of(scene) or "unknown", []).append(scene)
    scores = [(name, score_detections(members)) for name, members in sorted(groups.items())]
    return [(name, score.found, score.plates) for name, score in scores if score.plates]


def _read(kind: str, plates: Sequence[PlateOutcome]) -> str:
    known = [plate for plate in plates if plate.truth is not None]
    if not known:
        return ""
    texts, bait = [p for p in known if p.truth], [p for p in known if not p.truth]
    score, every = score_texts(texts), score_texts(known)
    tiles = [
        _tile("read exactly", score.exact, score.n, "strict"),
        _tile("read exactly", score.exact_merged, score.n, "O=0, I=1 merged"),
        _tile("characters right", score.chars_right, score.chars, "edit distance"),
        f'<div class="card tile"><b>{every.char_calibration_error:.3f}</b><span>calibration error</span><small>'
        f"of characters; of whole texts {every.calibration_error:.3f}</small></div>",
    ]
    if bait:
        tiles.append(_tile("left unread", sum(map(is_exact, bait)), len(bait), "places without plate text"))
    plots = "".join(
        f'<div class="card"><h3>Reliability of {of}</h3>{reliability_plot(bins, of)}'
        f'<p class="note">Expected calibration error {error:.3f}, over {sum(b.n for b in bins)} {of}; '
        "counts below.</p></div>"
        for of, bins, error in (
            ("characters", every.char_bins, every.char_calibration_error),
            ("whole texts", every.text_bins, every.calibration_error),
        )
    )
    return (
        f'<section><h2>{_TITLES[kind]}</h2><p>{score.n} plates whose text is known.</p><div class="tiles">'
        f'{"".join(tiles)}</div><div class="pair">{plots}</div><div class="columns">{_breakdowns(texts)}</div>'
        f'<div class="pair">{_causes(known)}{_confusions(texts)}</div></section>'
    )


def _breakdowns(texts: Sequence[PlateOutcome]) -> str:
    groups = crop_groups(texts)
    cards = []
    for group, title in _GROUPS.items():
        rows = [(g.name, sum(map(is_exact, g.members)), len(g.members)) for g in groups if g.group == group]
        rows = _folded(rows) if group == "region" else rows
        if rows:
            cards.append(f'<div class="card">{_bars(f"{title}, read exactly", rows)}</div>')
    return "".join(cards)


def _folded(rows: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """The largest first; many small ones become one, since a share of two plates says nothing (--json has them)."""
    large = sorted((row for row in rows if row[2] >= _FEW), key=lambda row: -row[2])
    small = [row for row in rows if row[2] < _FEW]
    if len(small) < 2:
        return [*large, *small]
    return [*large, (f"{len(small)} others", sum(row[1] for row in small), sum(row[2] for row in small))]


def _causes(plates: Sequence[PlateOutcome]) -> str:
    counts = count_causes(plates)
    return _counts("What went wrong", [(plain(str(cause)), n) for cause, n in counts.items()])


def _confusions(plates: Sequence[PlateOutcome]) -> str:
    counts = count_confusions(plates)
    told = [
        (f'<span class="swap">{plain(truth) or "–"} → {plain(read) or "–"}</span>', n)
        for (truth, read), n in list(counts.items())[:_MOST_CONFUSIONS]
    ]
    rest = f"The commonest {len(told)} of {len(counts)} kinds. " if len(counts) > len(told) else ""
    note = f'<p class="note">{rest}A dash: missed, or one too many.</p>' if told else ""
    return _counts("Characters taken for others", told, note)


def _tile(title: str, part: int, whole: int, note: str) -> str:
    if not whole:
        return ""
    low, high = wilson(part, whole)
    return (
        f'<div class="card tile"><b>{part / whole:.1%}</b><span>{plain(title)}</span>'
        f"<small>{part} of {whole}, {plain(note)}; {low:.1%} to {high:.1%}</small></div>"
    )


def _bars(title: str, rows: Sequence[tuple[str, int, int]]) -> str:
    told = "".join(
        f"<span>{plain(name)}</span>{bar(part, whole, f'{name}: {part} of {whole}')}"
        f'<span class="figures"><b>{part / whole:.1%}</b> {part}/{whole}</span>'
        for name, part, whole in rows
    )
    return f'<h3>{plain(title)}</h3><div class="bars">{told}</div>'


def _counts(title: str, rows: Sequence[tuple[str, int]], note: str = "") -> str:
    most = max((n for _, n in rows), default=0)
    told = "".join(
        f'<span>{name}</span>{count_bar(n, most, str(n))}<span class="figures"><b>{n}</b></span>' for name, n in rows
    )
    body = f'<div class="bars">{told}</div>{note}' if rows else '<p class="note">Nothing.</p>'
    return f'<div class="card"><h3>{plain(title)}</h3>{body}</div>'


def _compared(report: Report, other: Report) -> str:
    rows = "".join(
        f"<tr><td>{plain(row['in'])}: {plain(_title(row))}</td>"
        + "".join(f"<td>{row[key]}</td>" for key in ("texts", "exact", "other_exact", "only_first", "only_other"))
        + f"<td>{row['p_value']:.4f}</td></tr>"
        for row in report.compared_with(other)
    )
    return (
        f"<section><h2>Side by side</h2><p>First <code>{plain(report.recogniser)}</code>, other "
        f"<code>{plain(other.recogniser)}</code>, on the same plates. p: McNemar's exact test, two-sided, that "
        'neither is better.</p><div class="card wide"><table><tr><th>plates</th><th>n</th><th>first exact</th>'
        f"<th>other exact</th><th>only first</th><th>only other</th><th>p</th></tr>{rows}</table></div></section>"
    )


def _title(row: Row) -> str:
    if row["group"] == "all" or row["name"] == "all":
        return str(row["group"])
    return (
        str(row["name"])
        if row["group"] in {"script", "region", "source", "light"}
        else f"{row['group']} {row['name']}"
    )


def _failures(found: Sequence[Failure], causes: Counter[str], load: Callable[[Path], Image]) -> str:
    shown = found[:MOST_SHOWN]
    less = "" if len(shown) == len(found) else f" The first {len(shown)} are shown."
    chosen = '<input type="radio" name="cause" id="every" checked><label for="every">all</label>' + "".join(
        f'<input type="radio" name="cause" id="{css_name(cause)}"><label for="{css_name(cause)}">'
        f"{plain(cause)} {n}</label>"
        for cause, n in causes.most_common()
    )
    return (
        f"<section><h2>What failed</h2><p>{len(found)} failures, those that the reader was surest of first: they "
        f'do the most harm.{less}</p><fieldset class="filter" aria-label="Show by cause">{chosen}</fieldset>'
        f'<div class="shots">{"".join(gallery(shown, load))}</div></section>'
    )

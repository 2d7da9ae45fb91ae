"""The failures as small pictures for the page. Reads pictures with what is handed in."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from alpr.errors import ImageError
from alpr.evaluation.causes import Cause
from alpr.evaluation.character_pairs import align
from alpr.evaluation.failures import Failure
from alpr.evaluation.markup import plain
from alpr.types import FloatArray, Image

_AROUND = 0.5  # of the plate's width, kept on each side: who looks wants to see what it is on
_MOST_PX = 320
_QUALITY = 82


def gallery(shown: Sequence[Failure], load: Callable[[Path], Image]) -> list[str]:
    """Build one `<figure>` for each failure, in their order; each picture is read but once.

    Args:
        shown: the failures.
        load: reads a picture as (H, W, 3) uint8 BGR.
    """
    told = [""] * len(shown)
    by_image: dict[Path, list[int]] = {}
    for index, failure in enumerate(shown):
        by_image.setdefault(failure.image, []).append(index)
    for path, indexes in by_image.items():
        try:
            image = load(path)
        except ImageError:
            continue  # it was there a moment ago; the tables do not need it
        for index in indexes:
            told[index] = _figure(shown[index], cut(image, shown[index].box))
    return [figure for figure in told if figure]


def cut(image: Image, box: FloatArray | None) -> Image:
    """Cut a plate with its surroundings, at most 320 px wide; the whole picture where there is no box.

    Args:
        image: (H, W, 3) uint8 BGR.
        box: (x1, y1, x2, y2) in pixels, or None.
    """
    if box is not None:
        around = _AROUND * float(box[2] - box[0])
        x1, y1 = np.maximum(np.floor(box[:2] - around * np.array([1, 0.6])), 0).astype(int)
        x2, y2 = np.ceil(box[2:] + around * np.array([1, 0.6])).astype(int)
        image = image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    ratio = _MOST_PX / max(1, image.shape[1])
    if ratio >= 1 or not image.size:
        return image
    return np.asarray(cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA))


def _figure(failure: Failure, picture: Image) -> str:
    kind = css_name(str(failure.cause))
    truth, read = _both(failure)
    sure = f"{failure.confidence:.1%} sure" if failure.read else ""
    notes = " · ".join(plain(note) for note in (sure, failure.source, failure.region) if note)
    return (
        f'<figure class="{kind}"><div class="shot">{_image(picture, failure.read)}</div><figcaption>'
        f'<span class="chip">{plain(str(failure.cause))}</span>'
        f"<dl><dt>plate</dt><dd>{truth}</dd><dt>read</dt><dd>{read}</dd></dl><small>{notes}</small>"
        f"</figcaption></figure>"
    )


def _image(picture: Image, read: str) -> str:
    if not picture.size:
        return ""
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        return ""
    uri = base64.b64encode(jpeg.tobytes()).decode("ascii")
    height, width = picture.shape[:2]
    alt = f"read as {read}" if read else "nothing read"
    size = f'width="{width}" height="{height}"'
    return f'<img src="data:image/jpeg;base64,{uri}" {size} alt="{plain(alt)}">'


def _both(failure: Failure) -> tuple[str, str]:
    """The plate's text and the reading, with what differs marked."""
    if failure.truth is None:
        told = "none is labelled" if failure.cause is Cause.NO_PLATE else "nobody read it"
        return f"<i>{told}</i>", plain(failure.read) or "<i>nothing</i>"
    steps = align(failure.truth, failure.read)
    truth = "".join(_marked(step.truth, step.truth == step.read) for step in steps)
    read = "".join(_marked(step.read, step.truth == step.read) for step in steps)
    return truth or "<i>no text</i>", (read if failure.read else "<i>nothing</i>")


def _marked(char: str, is_right: bool) -> str:
    return plain(char) if is_right else f"<mark>{plain(char) or '·'}</mark>"


def css_name(cause: str) -> str:
    """Turn a cause into the name of a CSS class.

    Args:
        cause: of a failure.
    """
    return "c-" + cause.replace(" ", "-")

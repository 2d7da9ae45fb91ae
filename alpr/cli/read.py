"""`alpr read`: the plates in photographs and videos, one line for each file."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.output import json_option, print_line, print_rows, say, wants_json
from alpr.errors import AlprError, ImageError

if TYPE_CHECKING:
    from alpr.capture.pictures import Picture
    from alpr.events.rows import DeviceRead, PlateFields
    from alpr.reading.plate_reader import PlateReader
    from alpr.system.stage_times import StageTimes
    from alpr.types import Image, Observation


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE|VIDEO|FOLDER...")
@json_option
@click.option(
    "--draw", "draw_dir", type=click.Path(path_type=Path, file_okay=False), help="Write annotated copies there."
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=None,
    help="Least confidence of a detection (default: 0.3 in a picture, in a video the card's).",
)
def command(files: tuple[Path, ...], as_json: bool, draw_dir: Path | None, threshold: float | None) -> None:
    """Read the plates in photographs or videos.

    One line for each file, in order; a video gives one line with a read for each vehicle pass. A file that cannot be
    read, or only in part, gives a line that says so, the rest go on, and the exit code is 1.
    """
    from alpr.detect.detector import PlateDetector
    from alpr.reading.multi_pass import STILL
    from alpr.reading.plate_reader import PlateReader

    looks = STILL if threshold is None else replace(STILL, threshold=threshold)
    reader = PlateReader(detector=PlateDetector(threshold=threshold), looks=looks)
    copies = _Copies(draw_dir) if draw_dir else None
    failed = False
    for file in _expand(files):
        row = file if isinstance(file, dict) else _row_of(file, reader, copies)
        failed |= "error" in row or "incomplete" in row
        if wants_json(as_json):
            print_rows([row], as_json=True)
        else:
            _show(row)
    sys.exit(1 if failed else 0)


def _expand(files: Sequence[Path]) -> Iterator[Path | dict[str, Any]]:
    """Files as they are; of a folder the pictures and videos in it by name, and rows of those that cannot be read."""
    from alpr.capture.folder_content import look_into

    for file in files:
        if not os.path.isdir(file):  # noqa: PTH112 - of a folder that may not be searched, Path.is_dir() raises
            yield file
            continue
        content = look_into(file)
        if left_out := content.left_out():
            say(f"{file}: left out: {left_out}")
        if not content.files and not content.unsupported:
            yield {"folder": str(file), "error": "no pictures or videos here; folders in it are not looked into"}
        why_not = dict(content.unsupported)
        for path in sorted((*content.files, *why_not)):
            yield {"image": str(path), "error": why_not[path]} if path in why_not else path


def _row_of(file: Path, reader: PlateReader, copies: _Copies | None) -> dict[str, Any]:
    from alpr.capture.pictures import is_video

    try:
        return _read_video(file, reader) if is_video(file) else _read_picture(file, reader, copies)
    except ImageError as error:
        return {"image": str(file), "error": _without_path(error, file)}
    except AlprError as error:
        return {"video": str(file), "error": _without_path(error, file)}


def _without_path(error: AlprError, file: Path) -> str:
    return str(error).removeprefix(f"{file}: ")


def _read_picture(file: Path, reader: PlateReader, copies: _Copies | None) -> dict[str, Any]:
    from alpr.capture.pictures import read_picture
    from alpr.events.build import observation_row
    from alpr.system.stage_times import StageTimes

    started = time.perf_counter()
    picture = read_picture(file)
    image = picture.image
    loaded = time.perf_counter()
    times = StageTimes()
    seen = reader.read(image, times)
    read = time.perf_counter()
    if copies:
        copies.write(file, image, seen)
    return {
        "image": str(file),
        "width": picture.width,
        "height": picture.height,
        **({"incomplete": picture.incomplete} if picture.incomplete else {}),
        **({"scale": round(picture.scale, 4)} if picture.scale < 1 else {}),
        "reads": [_in_full_size(observation_row(observation), picture) for observation in seen],
        "ms": {
            "load": _ms(loaded - started),
            "detect": _taken_ms(times, "detect"),
            "ocr": _taken_ms(times, "recognise"),
            "total": _ms(read - started),
        },
    }


def _in_full_size(row: PlateFields, picture: Picture) -> PlateFields:
    """Where a picture was reduced, its corners are told in the pixels of its file all the same."""
    across, down = picture.width / picture.image.shape[1], picture.height / picture.image.shape[0]
    return {**row, "corners": [(round(x * across, 1), round(y * down, 1)) for x, y in row["corners"]]}


def _read_video(file: Path, reader: PlateReader) -> dict[str, Any]:
    """Every frame through the tracker, so that a vehicle pass is one read, with its place in the tiled."""
    from alpr.capture.opening import open_source
    from alpr.clock import SystemClock
    from alpr.events.build import device_read
    from alpr.reading.tiled_reader import TiledReader
    from alpr.system.stage_times import StageTimes
    from alpr.track.settings import TrackSettings
    from alpr.track.tracker import Tracker

    times = StageTimes()
    tracker = Tracker(str(file), TrackSettings(), model_ids=reader.model_ids, new_id=lambda: uuid.uuid4().hex)
    tiled = TiledReader(reader)
    reads: dict[str, DeviceRead] = {}
    begin = frame = None
    frames = 0
    source = open_source(str(file), str(file), clock=SystemClock())
    for frame in source.frames():
        begin = begin or frame.captured_at
        frames += 1
        with times.measure("detect"):
            detections = tiled.detect(frame.image)
        with times.measure("ocr"):
            due = tracker.update(frame, detections, lambda seen, found: tiled.recognise(seen.image, found))
        reads.update((read.read_id, device_read(read)) for read in due)
    reads.update((read.read_id, device_read(read)) for read in tracker.finish())
    if frame is None or begin is None:
        raise ImageError(f"{file}: no frame could be decoded; check the file")
    return {
        "video": str(file),
        "width": frame.image.shape[1],
        "height": frame.image.shape[0],
        "frames": frames,
        **({"incomplete": source.problem} if source.problem else {}),
        "begin_at": begin.isoformat(),
        "reads": list(reads.values()),
        "ms": {
            stage: {"p50": _ms(at.p50_ms / 1e3), "p99": _ms(at.p99_ms / 1e3)}
            for stage, at in times.latencies().items()
        },
    }


class _Copies:
    """Writes annotated copies into one folder; files of the same name get a number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()

    def write(self, file: Path, image: Image, seen: Sequence[Observation]) -> None:
        import cv2

        from alpr.draw import annotate

        name, count = f"{file.stem}.jpg", 1
        while name in self._names:
            count += 1
            name = f"{file.stem}-{count}.jpg"
        self._names.add(name)
        encoded = cv2.imencode(".jpg", annotate(image, seen), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(encoded.tobytes())
        except OSError as error:
            raise click.ClickException(
                f"cannot write {self._folder / name} ({error.strerror}): give another --draw folder"
            ) from error


def _taken_ms(times: StageTimes, stage: str) -> float:
    """Of a stage that ran once."""
    taken = times.latencies().get(stage)
    return round(taken.max_ms, 2) if taken else 0.0


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)


def _show(row: dict[str, Any]) -> None:
    name = row.get("image") or row.get("video") or row.get("folder")
    if "error" in row:
        say(f"{name}: {row['error']}")
        return
    if "incomplete" in row:
        say(f"{name}: read in part only: {row['incomplete']}")
    if not row["reads"]:
        print_line(f"{name}: no plate found")
    for read in row["reads"]:
        print_line(f"{name}: {read['plate']}  {read['confidence']:.0%}  {read['region'] or ''}".rstrip())

"""`alpr camera`: commands about one camera, for whoever mounts and aims it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.output import json_option, print_json, print_line, say, wants_json

if TYPE_CHECKING:
    from alpr.config import CameraConfig
    from alpr.edge.camera_trial import CameraTrial
    from alpr.types import Image


@click.group()
def command() -> None:
    """Test a camera: what it sends, how well plates show, and what to change."""


@command.command("test")
@click.argument("camera", metavar="URL|ID")
@click.option(
    "-c", "--config", "config_path", type=click.Path(path_type=Path), help="An edge.yaml; then CAMERA is an id in it."
)
@click.option(
    "--seconds", type=click.FloatRange(1, 600), default=10.0, show_default=True, help="To look, from the first frame."
)
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Write what it shows there (JPEG).")
@json_option
def test(camera: str, config_path: Path | None, seconds: float, picture: Path | None, as_json: bool) -> None:
    """Look at a camera for some seconds and say what to change about it.

    With an address on the command line others on this computer may see its password in the list of processes; with
    --config they do not. A picture that is shown is the one with the widest plate. Exit code 1 where no frame comes.
    """
    import cv2

    from alpr.capture.opening import open_source
    from alpr.cli.progress import progress_bar
    from alpr.clock import SystemClock
    from alpr.draw import annotate
    from alpr.edge.base import source_for
    from alpr.edge.camera_trial import try_camera
    from alpr.reading.plate_reader import PlateReader
    from alpr.reading.tiled_reader import TiledReader

    cv2.setNumThreads(1)
    if config_path is None:
        source = open_source("camera", camera, clock=SystemClock())
    else:
        source = source_for(_configured(camera, config_path), SystemClock())
    reader = TiledReader(PlateReader())
    with progress_bar("looking") as show:
        trial = try_camera(source, reader, SystemClock(), seconds, show or (lambda _: None))
    if picture is not None:
        _write(picture, annotate(trial.picture, trial.seen))
    if wants_json(as_json):
        print_json(row_of_trial(trial))
    else:
        _show(trial)
    if picture is not None:
        say(f"{picture}: what the camera shows")
    sys.exit(0)


def row_of_trial(trial: CameraTrial) -> dict[str, Any]:
    """Build the row of a trial.

    Args:
        trial: of a camera.
    """
    aim = trial.aim
    return {
        "sizes": [list(size) for size in trial.sizes_wh],
        "coding": trial.coding or None,
        "frames": trial.frames,
        "fps": None if trial.fps is None else round(trial.fps, 2),
        "longest_gap_s": round(trial.longest_gap_s, 3),
        "lag_s": None if trial.lag_s is None else round(trial.lag_s, 3),
        "skipped": trial.skipped,
        "failures": trial.failures,
        "view": None if trial.view is None else trial.view.value,
        "plates": list(trial.texts),
        "plate_width_px": None if aim is None else round(aim.width_px, 1),
        "plate_angle_deg": None if aim is None else round(aim.angle_deg, 1),
        "plate_brightness": None if aim is None else round(aim.brightness, 1),
        "plate_burnt_share": None if aim is None else round(aim.burnt_share, 3),
        "plate_crispness": None if aim is None else round(aim.crispness, 3),
        "advice": list(trial.advice()),
    }


def _configured(camera_id: str, config_path: Path) -> CameraConfig:
    from alpr.config import load_edge_config

    cameras = {camera.id: camera for camera in load_edge_config(config_path).cameras}
    if camera_id not in cameras:
        raise click.BadParameter(f"no camera {camera_id!r} in {config_path}; there are: {', '.join(cameras)}")
    return cameras[camera_id]


def _show(trial: CameraTrial) -> None:
    sizes = ", ".join(f"{width}×{height}" for width, height in trial.sizes_wh)
    rate = "" if trial.fps is None else f", {trial.fps:.1f} frames a second"
    lag = "" if trial.lag_s is None else f", {trial.lag_s:.2f} s old when they are looked at"
    coding = f" {trial.coding}" if trial.coding else ""
    print_line(f"picture   {sizes}{coding}{rate}{lag}")
    if trial.skipped or trial.failures:
        print_line(f"faults    {trial.skipped} frames damaged, {trial.failures} failures of the connection")
    print_line(f"plates    {', '.join(trial.texts) or 'none read'}")
    print_line(f"aim       {trial.aim_text}")
    for number, sentence in enumerate(trial.advice()):
        print_line(f"{'change' if not number else '':<10}{sentence}", bold=True)
    if not trial.advice():
        print_line("change    nothing: it is well aimed", bold=True)


def _write(path: Path, image: Image) -> None:
    import cv2

    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise click.ClickException(f"cannot write {path} ({error.strerror}); give another --picture") from error

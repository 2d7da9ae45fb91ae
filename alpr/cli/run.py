"""`alpr run`: the main job of a device."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alpr.cli.output import in_frames, json_option, print_line, print_rows, say, wants_json

if TYPE_CHECKING:
    from alpr.config import EdgeConfig
    from alpr.edge.app import Edge
    from alpr.edge.outcomes import AlertedOutcome
    from alpr.edge.run_report import EdgeReport
    from alpr.events.rows import RunHit, RunRead
    from alpr.types import Hit, PassFacts, Read
    from alpr.view.state import ViewState


@click.command()
@click.option("-c", "--config", "config_path", required=True, type=click.Path(path_type=Path), metavar="EDGE.yaml")
@click.option("--check", is_flag=True, help="Only check the configuration, models, hotlist, keys and cameras.")
@click.option("--no-cameras", is_flag=True, help="With --check: do not open the cameras.")
@json_option
def command(config_path: Path, check: bool, no_cameras: bool, as_json: bool) -> None:
    """Take frames from the cameras, report reads and hits, deliver them to the collector.

    Reads and hits go to stdout as they come, then a summary; messages go to stderr. A live camera runs until SIGINT
    or SIGTERM; where all sources are files, the run ends with them.
    """
    import cv2

    from alpr.capture.status import FeedState
    from alpr.config import load_edge_config
    from alpr.edge.app import Edge
    from alpr.system.malloc_arenas import bound_arenas
    from alpr.system.signals import stopped_by_signals

    bound_arenas()
    cv2.setNumThreads(1)  # a device works its cameras in parallel; threads within a frame would be in the way
    config = load_edge_config(config_path)
    on_outcome = _print_json if wants_json(as_json) else _print_lines
    edge = Edge(config, on_outcome, load=lambda: load_edge_config(config_path))
    if check:
        edge.check()
        sys.exit(_check_cameras(edge, config, no_cameras))
    with stopped_by_signals(edge.stop, edge.reload):
        report = edge.run()
    if wants_json(as_json):
        print_rows([row_of_report(report)], as_json=True)
    else:
        _show_report(report)
    failed = [camera for camera in report.cameras if camera.state == FeedState.FAILED]
    for camera in failed:
        say(f"alpr: camera {camera.camera_id}: {camera.last_error}")
    incomplete = [camera for camera in report.cameras if camera.problem]
    for camera in incomplete:
        say(f"alpr: camera {camera.camera_id}: read in part only: {camera.problem}")
    sys.exit(1 if failed or incomplete else 0)


def _check_cameras(edge: Edge, config: EdgeConfig, no_cameras: bool) -> int:
    """Say how the cameras are; 1 where one gives no frame."""
    from alpr.system.run_lock import running_process

    looks = () if no_cameras else edge.check_cameras()
    for look in looks:
        if look.size_wh is not None:
            say(f"camera {look.camera_id}: {look.size_wh[0]}×{look.size_wh[1]}")
        else:
            say(f"alpr: {look.error}")
    if (pid := running_process(config.device.data_dir)) is not None:
        say(f"process {pid} runs on {config.device.data_dir} now: reload it, or stop it before another start")
    absent = sum(look.size_wh is None for look in looks)
    say(f"{config.device.name}: {absent} of {len(looks)} cameras give no frame" if absent else _in_words(config))
    return 1 if absent else 0


def row_of_report(report: EdgeReport) -> dict[str, Any]:
    """Build the summary of a run; `event` is "summary".

    Args:
        report: of the run.
    """
    from alpr.edge.camera_views import state_word

    return {
        "event": "summary",
        "frames": report.frames,
        "reads": report.reads,
        "hits": report.hits,
        "told": {told.value: count for told, count in report.told.items()},
        "unread": dict(report.unread),
        "cameras": [
            {
                "id": camera.camera_id,
                "state": state_word(camera, report.views),
                "capture": _row_of_capture(report.views[camera.camera_id])
                if camera.camera_id in report.views
                else None,
                "view": [alarm.value for alarm in report.views[camera.camera_id].alarms]
                if camera.camera_id in report.views
                else [],
                "frames": camera.frames,
                "dropped": camera.dropped,
                "skipped": camera.skipped,
                "looked_at": camera.looked_at,
                "lag_s": None if camera.lag_s is None else round(camera.lag_s, 3),
                "cause": camera.cause or None,
                "failures": dict(camera.failures),
                "last_error": camera.last_error or None,
                **({"incomplete": camera.problem} if camera.problem else {}),
            }
            for camera in report.cameras
        ],
        "stages_ms": {
            name: {key: round(value, 3) for key, value in dataclasses.asdict(latency).items()}
            for name, latency in report.stages.items()
        },
        "waiting": sum(report.link.waiting.values()) if report.link else None,
        "lost": {"/".join(kind): count for kind, count in report.lost.items()},
    }


def _row_of_capture(view: ViewState) -> dict[str, Any]:
    aim, rate = view.aim, view.rate
    return {
        "plate_width_px": None if aim is None else round(aim.width_px, 1),
        "rate": None if rate is None else round(rate.rate, 3),
        "rate_low": None if rate is None else round(rate.low, 3),
        "rate_high": None if rate is None else round(rate.high, 3),
        "unread": dict(view.unread),
    }


def _print_json(outcome: AlertedOutcome) -> None:
    from alpr.events.build import device_hit, device_read

    is_kept = outcome.is_kept
    reads: list[RunRead] = [{**device_read(read), "is_kept": is_kept} for read in outcome.reads]
    hits: list[RunHit] = [
        {**device_hit(hit), "alert": decision.value, "is_kept": is_kept}
        for hit, decision in zip(outcome.hits, outcome.told, strict=True)
    ]
    print_rows([*reads, *hits], as_json=True)


def _print_lines(outcome: AlertedOutcome) -> None:
    from alpr.edge.alerts import AlertDecision

    for read in outcome.reads:
        print_line(_line_of_read(read))
    for hit, told in zip(outcome.hits, outcome.told, strict=True):
        if told in (AlertDecision.NOW, AlertDecision.UPDATE):
            print_line(_line_of_hit(hit), bold=True, fg=None if hit.is_withdrawn else "red")
        else:
            print_line(f"not alerted ({told.value}): {_line_of_hit(hit)}", dim=True)


def _line_of_read(read: Read) -> str:
    state = "read " if read.is_final else "early"
    when = read.last_seen_at.strftime("%H:%M:%S.%f")[:-3]
    about = f"{read.plate.confidence:.0%} {read.plate.region or '--'} {in_frames(read.observations)}"
    return f"{when}  {state}  {read.camera_id}  {read.plate.text:<10}  {about}{_of_pass(read.facts)}"


def _of_pass(facts: PassFacts) -> str:
    lane = [f"lane {facts.lane}"] if facts.lane else []
    speed = [f"{facts.speed.kmh:.0f} ± {math.ceil(facts.speed.error_kmh)} km/h"] if facts.speed else []
    return "".join(f"  {part}" for part in (*lane, *speed, *(["parked"] if facts.is_parked else [])))


def _line_of_hit(hit: Hit) -> str:
    from alpr.events.hit_text import age_warning

    entry = hit.match.entry
    if hit.is_withdrawn:
        return f"HIT WITHDRAWN  {entry.plate}: the plate now reads {hit.plate_text or 'otherwise'}"
    kind = hit.match.kind.value  # never by the positions: an approximate match may have none
    how = kind if kind == "exact" else f"{kind}, read as {hit.plate_text}"
    unsure = "".join(f"  {condition} not checked" for condition in hit.match.unchecked)
    card = "".join(f"  {part}" for part in (entry.category, entry.vehicle, entry.instructions) if part)
    word = f"PAST HIT of {hit.read_at:%Y-%m-%d %H:%M}" if hit.read_at else "HIT"
    warning = age_warning(hit.list_age_s, hit.list_max_age_s)
    return (
        f"{word}  {entry.plate}  ({how}, p={hit.match.probability:.2f})  priority {entry.priority}  {entry.reason}"
        f"{card}  [{entry.list_name} rev {hit.list_revision}, {hit.list_age_s / 3600:.1f} h old]{unsure}"
        f"{f'  {warning.upper()}' if warning else ''}"
    )


def _show_report(report: EdgeReport) -> None:
    say(f"{report.frames} frames, {report.reads} reads, {report.hits} hits")
    for name, latency in report.stages.items():
        say(f"  {name:<10} p50 {latency.p50_ms:7.2f} ms  p95 {latency.p95_ms:7.2f}  p99 {latency.p99_ms:7.2f}")


def _in_words(config: EdgeConfig) -> str:
    cameras = ", ".join(camera.id for camera in config.cameras)
    link = config.link.collector if config.link else "none (runs alone)"
    return f"{config.device.name}: all in order; cameras {cameras}; collector {link}"

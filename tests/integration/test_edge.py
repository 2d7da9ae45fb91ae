"""A whole device: configuration, cameras, models, tracker, hotlist, journal."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from alpr.capture.status import FeedState
from alpr.cli.run import _print_json
from alpr.config import load_edge_config
from alpr.edge.alerts import AlertDecision
from alpr.edge.app import Edge
from alpr.edge.outcomes import AlertedOutcome
from alpr.edge.run_report import EdgeReport
from alpr.errors import ModelError, StoreError, StoreFull
from alpr.hotlist.files.importer import import_csv
from alpr.journal.journal import Journal
from alpr.system.shipped import shipped
from alpr.types import Hit, MatchKind, Read
from tests.conftest import START
from tests.records import a_hit, a_read

SAMPLES = shipped("samples")


class Heard:
    """What a device reported."""

    def __init__(self) -> None:
        self.reads: list[Read] = []
        self.hits: list[Hit] = []
        self.told: list[AlertDecision] = []

    def __call__(self, outcome: AlertedOutcome) -> None:
        self.reads += outcome.reads
        self.hits += outcome.hits
        self.told += outcome.told

    def final_texts(self) -> list[str]:
        return [read.plate.text for read in self.reads if read.is_final]


def write_config(folder: Path, **changes: object) -> Path:
    path = folder / "edge.yaml"
    config: dict[str, object] = {
        "device": {"name": "test", "data_dir": "data"},
        "cameras": [{"id": "clip", "url": str(SAMPLES / "clip.mp4")}],
        **changes,
    }
    path.write_text(yaml.safe_dump(config))
    return path


def run_edge(path: Path, *, stop_when: Callable[[Edge, Heard], None] | None = None) -> tuple[EdgeReport, Heard]:
    heard = Heard()
    edge = Edge(load_edge_config(path), heard)
    if stop_when:
        threading.Thread(target=stop_when, args=(edge, heard), daemon=True).start()
    return edge.run(), heard


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[EdgeReport, Heard, Path]:
    """The sample clip through a stand-alone device with the sample hotlist."""
    folder = tmp_path_factory.mktemp("edge")
    import_csv(folder / "hotlist.sqlite", SAMPLES / "hotlist.csv", "sample", START)
    report, heard = run_edge(write_config(folder, hotlist={"database": "hotlist.sqlite"}))
    return report, heard, folder


def truth() -> list[dict[str, object]]:
    return [json.loads(line) for line in (SAMPLES / "clip.truth.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def distant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of the sample clip, shrunk so that the plate LK73TNE is 29 to 38 px wide in a large frame."""
    film = tmp_path_factory.mktemp("distant") / "far.avi"
    clip = cv2.VideoCapture(str(SAMPLES / "clip.mp4"))
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 25, (1920, 1080))
    for number in range(336):
        clip.grab()
        if number < 322:
            continue
        image = np.asarray(clip.retrieve()[1], np.uint8)
        small = cv2.resize(image, None, fx=0.32, fy=0.32, interpolation=cv2.INTER_AREA)
        frame = np.full((1080, 1920, 3), 90, np.uint8)
        frame[: small.shape[0], : small.shape[1]] = small
        writer.write(frame)
    clip.release()
    writer.release()
    return film


@pytest.mark.parametrize("look_nearer", [True, False])
def test_a_plate_in_the_distance_is_read_where_the_device_looks_nearer(
    distant: Path, tmp_path: Path, look_nearer: bool
) -> None:
    cameras = [{"id": "far", "url": str(distant), "look_nearer": look_nearer}]
    _, heard = run_edge(write_config(tmp_path, cameras=cameras))
    assert heard.final_texts() == (["LK73TNE"] if look_nearer else [])


@pytest.mark.timeout(180)
def test_every_vehicle_pass_of_the_clip_is_one_right_read(played: tuple[EdgeReport, Heard, Path]) -> None:
    report, heard, _ = played
    texts, passes = Counter(heard.final_texts()), Counter(str(row["text"]) for row in truth())
    assert report.reads == sum(texts.values())
    # The ratchet: all but one pass right, and not one pass told twice.
    assert sum((passes & texts).values()) >= sum(passes.values()) - 1, (passes - texts, texts - passes)
    assert sum(texts.values()) <= sum(passes.values()) + 1, texts - passes


def test_reads_carry_what_they_rest_on(played: tuple[EdgeReport, Heard, Path]) -> None:
    _, heard, _ = played
    for read in heard.reads:
        assert read.patch_jpeg[:2] == read.vehicle_jpeg[:2] == b"\xff\xd8"
        assert read.frame_size_wh == (1280, 720)
        tasks = [
            name.partition("@")[0].partition("-")[0] for name in read.model_ids
        ]  # detector-int8@…: the variant that ran
        assert tasks == ["detector", "recogniser"]
        assert read.first_seen_at <= read.last_seen_at
        assert read.plate.candidates[0].text == read.plate.text


def test_revisions_count_up_and_end_with_the_final_one(played: tuple[EdgeReport, Heard, Path]) -> None:
    _, heard, _ = played
    by_read: dict[str, list[Read]] = {}
    for read in heard.reads:
        by_read.setdefault(read.read_id, []).append(read)
    for revisions in by_read.values():
        assert [read.revision for read in revisions] == list(range(len(revisions)))
        assert [read.is_final for read in revisions] == [False] * (len(revisions) - 1) + [True]


def test_the_sample_hotlist_hits_exactly_and_by_look_alike(played: tuple[EdgeReport, Heard, Path]) -> None:
    _, heard, _ = played
    standing = {hit.hit_id: hit for hit in heard.hits}
    kinds = Counter(hit.match.kind for hit in standing.values() if not hit.is_withdrawn)
    assert kinds[MatchKind.EXACT] >= 1
    assert kinds[MatchKind.LOOK_ALIKE] >= 1
    for hit in heard.hits:
        same_text = hit.match.kind in (MatchKind.EXACT, MatchKind.OTHER_REGION)
        assert bool(hit.match.differing_positions) != same_text


def test_each_hit_is_told_once_and_then_only_its_corrections(played: tuple[EdgeReport, Heard, Path]) -> None:
    report, heard, _ = played
    assert len(heard.told) == len(heard.hits)
    seen: set[str] = set()
    for hit, told in zip(heard.hits, heard.told, strict=True):
        assert told is (AlertDecision.UPDATE if hit.hit_id in seen else AlertDecision.NOW)
        seen.add(hit.hit_id)
    assert report.told == dict(Counter(heard.told))


@pytest.mark.slow
def test_a_muted_priority_is_kept_and_counted_but_not_told(tmp_path: Path) -> None:
    import_csv(tmp_path / "hotlist.sqlite", SAMPLES / "hotlist.csv", "sample", START)
    alerts = {"never_muted": 1, "mute_from": 2}
    report, heard = run_edge(write_config(tmp_path, hotlist={"database": "hotlist.sqlite"}, alerts=alerts))
    fates = {(hit.match.entry.priority, told) for hit, told in zip(heard.hits, heard.told, strict=True)}
    assert {told for priority, told in fates if priority > 1} == {AlertDecision.MUTED}
    assert report.told[AlertDecision.MUTED] > 0
    with closing(sqlite3.connect(tmp_path / "data" / "journal.sqlite")) as journal:
        (kept,) = journal.execute("SELECT count(*) FROM hits").fetchone()
    assert kept == len({hit.hit_id for hit in heard.hits})


def test_all_of_it_is_in_the_journal(played: tuple[EdgeReport, Heard, Path]) -> None:
    _, heard, folder = played
    with closing(sqlite3.connect(folder / "data" / "journal.sqlite")) as journal:
        (reads,) = journal.execute("SELECT count(DISTINCT read_id) FROM reads").fetchone()
        (hits,) = journal.execute("SELECT count(DISTINCT hit_id) FROM hits").fetchone()
    assert reads == len({read.read_id for read in heard.reads})
    assert hits == len({hit.hit_id for hit in heard.hits})


def test_the_time_of_every_stage_is_reported(played: tuple[EdgeReport, Heard, Path]) -> None:
    report, _, _ = played
    assert {"frame", "detect", "track", "recognise", "match", "keep"} <= set(report.stages)
    assert report.stages["frame"].n == report.frames


@pytest.mark.timeout(180)
def test_a_camera_that_is_not_there_does_not_hold_up_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    absent = {"id": "absent", "url": "rtsp://user:secret@127.0.0.1:9/stream"}
    path = write_config(tmp_path, cameras=[absent, {"id": "clip", "url": str(SAMPLES / "clip.mp4")}])

    def stop_after_a_read(edge: Edge, heard: Heard) -> None:
        while not heard.final_texts() or "trying again" not in caplog.text:
            threading.Event().wait(0.05)
        edge.stop()

    report, heard = run_edge(path, stop_when=stop_after_a_read)
    states = {camera.camera_id: camera for camera in report.cameras}
    assert heard.final_texts()
    assert states["absent"].state in (FeedState.RETRYING, FeedState.CONNECTING)
    assert states["absent"].failures["open_failed"] >= 1
    assert "secret" not in str(states["absent"].last_error)


def test_a_film_that_is_not_there_is_told(tmp_path: Path) -> None:
    report, _ = run_edge(write_config(tmp_path, cameras=[{"id": "gone", "url": "gone.mp4"}]))
    (camera,) = report.cameras
    assert camera.state is FeedState.FAILED
    assert "gone.mp4" in str(camera.last_error)


def test_an_altered_model_stops_the_start(tmp_path: Path) -> None:
    for suffix in (".onnx", ".yaml"):
        (tmp_path / f"detector{suffix}").write_bytes((shipped("models") / f"detector{suffix}").read_bytes())
    with (tmp_path / "detector.onnx").open("ab") as model:
        model.write(b"\0")
    edge = Edge(load_edge_config(write_config(tmp_path, models={"detector": "detector.onnx"})), Heard())
    with pytest.raises(ModelError, match="was altered"):
        edge.check()


def test_a_hotlist_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    edge = Edge(load_edge_config(write_config(tmp_path, hotlist={"database": "none.sqlite"})), Heard())
    with pytest.raises(StoreError, match=r"none\.sqlite"):
        edge.check()


def test_only_every_nth_frame_is_looked_at(tmp_path: Path) -> None:
    camera = {"id": "clip", "url": str(SAMPLES / "clip.mp4"), "detect_every": 50}
    report, _ = run_edge(write_config(tmp_path, cameras=[camera]))
    assert report.frames == -(-report.cameras[0].frames // 50)


@pytest.mark.slow
def test_with_a_full_disk_hits_are_told_and_the_loss_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_csv(tmp_path / "hotlist.sqlite", SAMPLES / "hotlist.csv", "sample", START)
    path = write_config(tmp_path, hotlist={"database": "hotlist.sqlite"})
    append = Journal.append

    def on_a_small_disk(journal: Journal, reads: Sequence[Read], hits: Sequence[Hit]) -> None:
        # As much room as an empty journal takes: what comes next meets a real SQLITE_FULL.
        journal._connection.execute("PRAGMA max_page_count = 1")
        append(journal, reads, hits)

    monkeypatch.setattr(Journal, "append", on_a_small_disk)
    report, heard = run_edge(path)
    assert {hit.match.kind for hit in heard.hits} >= {MatchKind.EXACT, MatchKind.LOOK_ALIKE}
    assert report.lost["read", "disk-full"] > 0
    assert report.lost["hit", "disk-full"] == len(heard.hits)


def test_past_hits_that_the_journal_cannot_take_are_told_as_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Updates:
        """Of which every step brings one past hit."""

        def step(self, _seconds: float) -> tuple[Hit, ...]:
            return (a_hit(a_read()),)

        def check_past(self, *_: object) -> None:
            pass

    def full(*_: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(Journal, "append", full)
    monkeypatch.setattr("alpr.edge.parts.open_updates", lambda *_: Updates())
    heard: list[AlertedOutcome] = []
    camera = {"id": "clip", "url": str(SAMPLES / "clip.mp4"), "detect_every": 100}
    Edge(load_edge_config(write_config(tmp_path, cameras=[camera])), heard.append).run()
    past = [outcome for outcome in heard if outcome.hits]
    assert past
    assert not any(outcome.is_kept for outcome in past)


def test_what_is_printed_says_whether_it_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    for is_kept in (True, False):
        _print_json(AlertedOutcome(hits=(a_hit(a_read()),), told=(AlertDecision.NOW,), is_kept=is_kept))
        assert json.loads(capsys.readouterr().out)["is_kept"] is is_kept


@pytest.mark.slow
def test_a_journal_with_a_torn_page_does_not_keep_the_device_from_working(tmp_path: Path) -> None:
    path = write_config(tmp_path, cameras=[{"id": "clip", "url": str(SAMPLES / "clip.mp4"), "detect_every": 10}])
    run_edge(path)
    journal = tmp_path / "data" / "journal.sqlite"
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (before,) = connection.execute("SELECT count(*) FROM reads").fetchone()
    with journal.open("r+b") as file:
        file.seek(-4096, 2)
        file.write(b"\xff" * 4096)
    report, _ = run_edge(path)
    assert report.reads > 0
    assert list(journal.parent.glob("journal.sqlite.damaged-*"))
    with closing(sqlite3.connect(journal)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (after,) = connection.execute("SELECT count(*) FROM reads").fetchone()
    assert after > before / 2

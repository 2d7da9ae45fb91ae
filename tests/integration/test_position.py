"""A device that drives: its reads say where they were made, by a real gpsd that is fed a route."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alpr.clock import SystemClock
from alpr.hotlist.files.importer import import_csv
from alpr.position import gpsd_client, monitor
from alpr.position.monitor import PositionState
from alpr.position.route_log import read_route
from alpr.position.service import Positioning
from alpr.types import FixKind
from tests.gpsd import Receiver, a_gpsd, needs_gpsd
from tests.integration.link_world import a_free_port, wait_until
from tests.integration.test_edge import run_edge, write_config
from tests.sample_clip import write_one_pass

pytestmark = [pytest.mark.slow, needs_gpsd]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "LOST_AFTER_S", 1.5)
    monkeypatch.setattr(monitor, "STUCK_AFTER_S", 2.0)
    monkeypatch.setattr(gpsd_client, "LONGEST_PAUSE_S", 0.5)


def test_a_fix_is_lost_found_stuck_and_gone_and_each_is_said() -> None:
    port = a_free_port()
    with Receiver() as receiver, Positioning(("127.0.0.1", port), SystemClock()) as positioning:
        wait_until(lambda: positioning.status().state is PositionState.NO_GPSD)
        assert "refuses the connection: is it running?" in positioning.status().text
        with a_gpsd(receiver, port):
            wait_until(lambda: positioning.status().state is PositionState.FIX)
            wait_until(lambda: "3D" in positioning.status().text)
            position = positioning.position_at(datetime.now(UTC), 180.0)
            assert position is not None
            assert abs(position.latitude - receiver.latitude) < 0.001
            assert position.longitude == pytest.approx(4.3)
            assert position.age_s < 2
            assert position.speed_mps == pytest.approx(20, abs=0.1)
            assert position.heading_deg == 180.0
            receiver.has_fix = False
            wait_until(lambda: positioning.status().state is PositionState.NO_FIX)
            receiver.has_fix = True
            wait_until(lambda: positioning.status().state is PositionState.FIX)
            receiver.is_stuck = True
            wait_until(lambda: positioning.status().state is PositionState.STUCK)
            assert "stuck at 52.0" in positioning.status().text
            receiver.is_stuck = False
            wait_until(lambda: positioning.status().state is PositionState.FIX)
        wait_until(lambda: positioning.status().state is PositionState.NO_GPSD)
        with a_gpsd(receiver, port):
            wait_until(lambda: positioning.status().state is PositionState.FIX)


def test_a_clock_that_is_off_shows_by_the_satellites_time() -> None:
    with Receiver() as receiver, a_gpsd(receiver) as port:
        receiver.clock_ahead_s = 30.0
        with Positioning(("127.0.0.1", port), SystemClock()) as positioning:
            wait_until(lambda: positioning.clock_state() is not None)
            state = positioning.clock_state()
            assert state is not None
            assert state.offset_s == pytest.approx(-30.3, abs=0.5)  # a pty is quicker than a serial line


@pytest.fixture(scope="module")
def one_pass(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of the sample clip, in which LK73TNE passes, after three of nothing, for a fix to be there."""
    film = tmp_path_factory.mktemp("pass") / "pass.avi"
    write_one_pass(film, empty_s=3)
    return film


HERE = '"POLYGON((4.2 51.9, 4.4 51.9, 4.4 52.2, 4.2 52.2))"'
ELSEWHERE = '"POLYGON((5.2 51.9, 5.4 51.9, 5.4 52.2, 5.2 52.2))"'


def test_reads_say_where_and_an_area_counts_where_the_car_is(tmp_path: Path, one_pass: Path) -> None:
    csv = tmp_path / "stolen.csv"
    rows = f"LK73TNE,here,K1,{HERE}\nLK73TNE,elsewhere,K2,{ELSEWHERE}\n"
    csv.write_text(f"plate,reason,case_reference,areas\n{rows}")
    import_csv(tmp_path / "hotlist.sqlite", csv, "stolen", datetime.now(UTC))
    cameras = [{"id": "rear", "url": str(one_pass), "mounted_deg": 180, "realtime": True}]
    with (
        Receiver() as receiver,
        a_gpsd(receiver) as port,
        Positioning(("127.0.0.1", port), SystemClock()) as other,
    ):
        wait_until(lambda: other.status().state is PositionState.FIX)  # so that gpsd has one before the clip is over
        config = write_config(
            tmp_path, cameras=cameras, hotlist={"database": "hotlist.sqlite"}, gps={"gpsd": f"127.0.0.1:{port}"}
        )
        _, heard = run_edge(config)
    (read,) = [read for read in heard.reads if read.is_final and read.plate.text == "LK73TNE"]
    assert read.position is not None
    assert read.position.fix in (FixKind.TWO_D, FixKind.THREE_D)
    assert 52.0 < read.position.latitude < 52.01
    assert read.position.heading_deg == 180.0
    assert {hit.match.entry.case_reference: hit.match.unchecked for hit in heard.hits} == {"K1": ()}
    (point, *_) = read_route(tmp_path / "data" / "route.sqlite")
    assert 52.0 < point.latitude < 52.01
    assert point.longitude == 4.3
    assert point.speed_mps == pytest.approx(20, abs=0.1)

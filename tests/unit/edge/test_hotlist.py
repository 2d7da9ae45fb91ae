"""What a device's configuration makes of the hotlist: where cameras stand, and that skips are counted."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from alpr.config import EdgeConfig
from alpr.edge.parts import NoHotlist, matcher_for, open_index
from alpr.edge.settings import places_of
from alpr.hotlist.match.hits import HotlistMatcher
from alpr.hotlist.match.skips import Skip, add_skip, read_skips
from alpr.types import CameraPlace
from tests.conftest import START, FakeClock
from tests.hotlists import a_hotlist, a_read, an_old_hotlist, imported


def a_config(folder: Path) -> EdgeConfig:
    return EdgeConfig.model_validate(
        {
            "device": {"name": "site", "data_dir": str(folder)},
            "cameras": [
                {"id": "cam", "url": "usb:0", "position": [51.5, -0.12], "heading_deg": 90},
                {"id": "other", "url": "usb:1"},
            ],
            "hotlist": {"database": str(folder / "hotlist.sqlite")},
        }
    )


def a_matcher(folder: Path, stack: ExitStack) -> HotlistMatcher | NoHotlist:
    config = a_config(folder)
    return matcher_for(config, open_index(config, stack), FakeClock(START), stack)


def test_cameras_stand_where_they_are_said_to(tmp_path: Path) -> None:
    assert places_of(a_config(tmp_path).cameras) == {"cam": CameraPlace(51.5, -0.12, 90.0)}


def test_an_area_counts_for_the_cameras_within(tmp_path: Path) -> None:
    area = '"POLYGON((-0.2 51, 0 51, 0 52, -0.2 52))"'
    elsewhere = '"POLYGON((1 51, 2 51, 2 52, 1 52))"'
    imported(tmp_path / "hotlist.sqlite", [f"AB12CDE,x,K1,{area}", f"AB12CDE,x,K2,{elsewhere}"], AREAS)
    with ExitStack() as stack:
        hits = a_matcher(tmp_path, stack).hits(a_read())
    assert [hit.match.entry.case_reference for hit in hits] == ["K1"]


AREAS = "plate,reason,case_reference,areas"


def test_skips_are_counted_in_the_database(tmp_path: Path) -> None:
    path = a_hotlist(tmp_path, ["AB12CDE"])
    add_skip(path, Skip("stolen", "AB12CDE", True, "x", "x", START, START + timedelta(days=1)))
    with ExitStack() as stack:
        matcher = a_matcher(tmp_path, stack)
        assert matcher.hits(a_read()) == matcher.hits(a_read(read_id="1" * 32)) == []
        assert read_skips(path)[0].skipped == 1  # the second waits
    assert read_skips(path)[0].skipped == 2


def test_a_hotlist_of_an_older_version_is_brought_up_to_date_at_the_start(tmp_path: Path) -> None:
    an_old_hotlist(tmp_path / "hotlist.sqlite", 2, [("AB12CDE", "stolen")])
    with ExitStack() as stack:
        (hit,) = a_matcher(tmp_path, stack).hits(a_read())
    assert (hit.match.entry.reason, hit.list_revision) == ("stolen", 7)

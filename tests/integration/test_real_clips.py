"""Real film through a whole device. The clips are never committed: skipped where they are absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from alpr.config import load_edge_config
from alpr.edge import Edge
from alpr.pipeline import Outcome

READ_RIGHT_AT_LEAST = 11  # of the 12 plates that the labels name; the last is in a dithered GIF


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_plates_that_a_person_can_read_are_read(shared_data: Path, tmp_path: Path) -> None:
    clips = [json.loads(line) for line in (shared_data / "clips" / "labels.jsonl").read_text().splitlines()]
    wanted, found = set(), set()
    for number, clip in enumerate(clips):
        path = tmp_path / f"{number}.yaml"
        camera = {"id": f"clip-{number}", "url": str(shared_data / "clips" / clip["file"])}
        path.write_text(
            yaml.safe_dump({"device": {"name": "real", "data_dir": f"run-{number}"}, "cameras": [camera]})
        )
        outcomes: list[Outcome] = []
        report = Edge(load_edge_config(path), outcomes.append).run()
        assert report.cameras[0].state == "ended"
        assert report.frames == report.cameras[0].frames > 0
        texts = [read.plate.text for outcome in outcomes for read in outcome.reads if read.is_final]
        wanted |= {(number, plate["text"]) for plate in clip["plates"]}
        found |= {(number, text) for text in texts}
        for plate in clip["plates"]:
            assert texts.count(plate["text"]) <= 1, f"{clip['file']}: {plate['text']} was told twice"
    assert len(wanted & found) >= READ_RIGHT_AT_LEAST, sorted(wanted - found)

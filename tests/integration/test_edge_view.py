"""A whole device says what its cameras see: a black picture is not called running."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.edge.app import Edge
from alpr.edge.camera_views import state_word
from tests.integration.link_world import a_free_port, wait_until
from tests.integration.test_edge import Heard, run_edge, write_config
from tests.integration.test_edge_health import figures

pytestmark = pytest.mark.slow


def a_clip(path: Path, level: int, seconds: int) -> Path:
    """A video at 5 frames a second that is one grey throughout, but for its noise where it is not black."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (320, 192))
    rng = np.random.default_rng(0)
    for _ in range(5 * seconds):
        writer.write(np.clip(rng.normal(level, 20 if level else 0, (192, 320, 3)), 0, 255).astype(np.uint8))
    writer.release()
    return path


def test_a_camera_with_a_black_picture_is_called_black_and_not_running(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port, seen = a_free_port(), list[str]()
    cameras = [
        {"id": "dead", "url": str(a_clip(tmp_path / "black.avi", 0, 30)), "realtime": True},
        {"id": "alive", "url": str(a_clip(tmp_path / "grey.avi", 120, 30)), "realtime": True},
    ]

    def stop_when_seen(edge: Edge, _heard: Heard) -> None:
        try:
            wait_until(lambda: 'alpr_camera_view_alarm{alarm="black",camera="dead"} 1.0' in figures(port), 25)
            seen.append(figures(port))
        finally:
            edge.stop()

    with caplog.at_level("INFO", "alpr"):
        report, _ = run_edge(
            write_config(tmp_path, cameras=cameras, metrics={"port": port}), stop_when=stop_when_seen
        )
    assert {camera.camera_id: state_word(camera, report.views) for camera in report.cameras} == {
        "dead": "black",
        "alive": "running",
    }
    assert 'alpr_camera_up{camera="dead"} 0.0' in seen[0]
    assert 'alpr_camera_up{camera="alive"} 1.0' in seen[0]
    assert "camera dead: the picture is black" in caplog.text
    assert "dead: running" not in caplog.text

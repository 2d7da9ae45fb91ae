"""No secret reaches a log, whatever form it takes; logs as JSON."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from alpr.system import secrets
from alpr.system.printable import JsonLogFormatter, LogFormatter
from alpr.system.secrets import hide_password_of, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@h/x", "rtsp://***@h/x"),
        ("a rtsp://u:p@ss@h/x and http://h2/y", "a rtsp://***@h/x and http://h2/y"),
        ("rtsp://u:p#1/2%@h/x", "rtsp://***@h/x"),
        ("http://h/v?user=joe&pwd=hunter2&n=1", "http://h/v?user=***&pwd=***&n=1"),
        ("'http://h/v?token=abc'", "'http://h/v?token=***'"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("code ALPR1-2P574GOY-MKRAW234 used", "code ALPR1-*** used"),
        ("mail to a@b.example, no address", "mail to a@b.example, no address"),
        ("tcp://collector.example.org:5577", "tcp://collector.example.org:5577"),
    ],
)
def test_a_secret_is_masked_and_the_rest_stays(text: str, shown: str) -> None:
    assert masked(text) == shown


def a_record(message: str, *, failed: bool = False) -> logging.LogRecord:
    info = None
    if failed:
        try:
            raise OSError("cannot open rtsp://admin:hunter2@192.0.2.7/live")
        except OSError as error:
            info = (type(error), error, error.__traceback__)
    return logging.LogRecord("alpr.capture", logging.ERROR, __file__, 1, message, None, info)


def test_a_log_as_json_is_one_object_on_one_line_and_holds_no_secret() -> None:
    text = JsonLogFormatter().format(a_record("rtsp://admin:hunter2@192.0.2.7/live\nforged", failed=True))
    row = json.loads(text)
    assert "\n" not in text
    assert "hunter2" not in text
    assert row["message"] == "rtsp://***@192.0.2.7/live\nforged"
    assert (row["level"], row["logger"]) == ("ERROR", "alpr.capture")
    assert "OSError: cannot open rtsp://***@192.0.2.7/live" in row["traceback"]
    assert row["at"].endswith("+00:00")


def test_a_log_for_people_holds_no_secret_either() -> None:
    text = LogFormatter().format(a_record("rtsp://admin:hunter2@192.0.2.7/live", failed=True))
    assert "hunter2" not in text
    assert "***@192.0.2.7" in text


def test_a_configured_password_is_masked_alone_and_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", set())
    hide_password_of("rtsp://admin:se%23cret@192.0.2.7/live")
    hide_password_of("rtsp://admin:abc@192.0.2.7/live")
    hide_password_of("usb:0")
    assert masked("401 for admin / se#cret (se%23cret), abc") == "401 for admin / *** (***), abc"


def test_all_that_a_program_says_on_stderr_is_json_where_that_is_asked_for(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(
        "device: {name: test, data_dir: data}\ncameras: [{id: gate, url: 'http://u:hunter2@127.0.0.1:9/v'}]\n"
    )
    words = [sys.executable, "-m", "alpr.cli", "--log-format", "json", "run", "-c", str(config), "--check"]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in answer.stderr.splitlines()]
    assert answer.returncode == 1
    assert any("cam" in row["message"] for row in rows)
    assert "hunter2" not in answer.stderr

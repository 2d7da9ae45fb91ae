"""Everything that an integrator copies runs as it stands: the README's snippet and the programs of examples/."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from alpr.errors import ForwardRefused
from alpr.forward.event import Event
from alpr.forward.webhook import Webhook
from tests.conftest import FakeClock

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CLIP = ROOT / "samples" / "clip.mp4"
SECRET = b"0123456789abcdef"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    film = cv2.VideoCapture(str(CLIP))
    film.set(cv2.CAP_PROP_POS_FRAMES, 36)
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    cv2.imwrite(str(path), np.asarray(film.read()[1]))
    return path


def run(*command: object, cwd: Path = ROOT, given: str = "", status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr + done.stdout
    return done.stdout


def snippets() -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    assert found, "the README shows no Python any more: this test looks for ```python"
    return found


def test_the_readmes_snippet_reads_a_photograph(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    for number, snippet in enumerate(snippets()):
        (tmp_path / f"snippet{number}.py").write_text(snippet)
        assert re.match(r"[A-Z0-9]{4,} 0\.\d+ \[\[", run(f"snippet{number}.py", cwd=tmp_path))


def test_the_readmes_snippet_passes_mypy_strict_with_opencvs_own_stubs(tmp_path: Path) -> None:
    files = []
    for number, snippet in enumerate(snippets()):
        files.append(tmp_path / f"snippet{number}.py")
        files[-1].write_text(snippet)
    strict = [
        "--strict",
        "--config-file=",
        "--follow-imports=silent",
        f"--cache-dir={ROOT / '.mypy_cache' / 'readme'}",
    ]
    run("-m", "mypy", *strict, *files)


def test_a_photograph_is_read_and_one_that_is_not_there_is_told(photo: Path, tmp_path: Path) -> None:
    lines = run(EXAMPLES / "read_photo.py", photo, tmp_path / "none.jpg", status=1).splitlines()
    assert len(lines) == 2
    assert all(re.search(r"photo\.jpg: [A-Z0-9]+ \(.*\) at \d+, \d+: [A-Z0-9]:[01]\.\d\d ", line) for line in lines)


def test_a_film_is_followed_and_each_pass_is_one_line(tmp_path: Path) -> None:
    clip, film = cv2.VideoCapture(str(CLIP)), tmp_path / "film.mp4"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"mp4v"), 20, (1280, 720))
    for _ in range(60):  # a parked car, and one that passes
        writer.write(clip.read()[1])
    writer.release()
    plates = [line.split()[0] for line in run(EXAMPLES / "follow_video.py", film).splitlines()]
    assert {"HDKT428", "TKR582"} <= set(plates)
    assert len(plates) == len(set(plates))


def test_lines_of_alpr_read_become_a_table(photo: Path) -> None:
    given = run("-m", "alpr.cli", "read", "--json", photo, "missing.jpg", status=1)
    expected = [read["plate"] for read in json.loads(given.splitlines()[0])["reads"] if read["confidence"] >= 0.9]
    table = run(EXAMPLES / "sure_plates.py", given=given).splitlines()
    assert table[0] == "file,plate,confidence"
    assert [row.split(",")[1] for row in table[1:]] == expected != []


@contextmanager
def receiver(folder: Path) -> Iterator[str]:
    """The address of a running receiver of webhooks that keeps events in `folder`."""
    (folder / "secret").write_bytes(SECRET + b"\n")
    command = [sys.executable, str(EXAMPLES / "receive_webhooks.py"), "--port", "0"]
    command += ["--secret", str(folder / "secret"), "--to", str(folder / "events.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def test_webhooks_are_received_once_and_survive_a_torn_line(tmp_path: Path) -> None:
    events = json.loads((ROOT / "tests" / "golden" / "events.json").read_text())
    sent = [Event(1, "hit", events["hit"]), Event(2, "read", events["read"]), Event(3, "hit", events["hit"])]
    for _ in range(2):
        with receiver(tmp_path) as url:
            webhook = Webhook("example", url, SECRET)
            for event in sent:
                webhook.send(event)
        kept = [json.loads(line)["event_id"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
        assert kept == [sent[0].event_id, sent[1].event_id]
        with (tmp_path / "events.jsonl").open("a") as file:
            file.write('{"event": "hi')  # as a power cut leaves it


def test_webhooks_that_are_forged_altered_or_old_are_refused(tmp_path: Path) -> None:
    event = Event(1, "hit", json.loads((ROOT / "tests" / "golden" / "events.json").read_text())["hit"])
    with receiver(tmp_path) as url:
        with pytest.raises(ForwardRefused, match="401"):
            Webhook("forger", url, b"another secret of theirs").send(event)
        with pytest.raises(ForwardRefused, match="401"):
            Webhook("replayed", url, SECRET, clock=FakeClock()).send(event)
        unsigned = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        unsigned.request("POST", "/", b"{}")
        assert unsigned.getresponse().status == 401
        unsigned.close()
    assert (tmp_path / "events.jsonl").read_bytes() == b""

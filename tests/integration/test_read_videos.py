"""`alpr read` on films: interlaced ones give the plates of the whole one, cut ones what is there and exit 1."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from alpr.cli import cli
from alpr.system.shipped import shipped
from tests.encode import X264_FIELDS, write_pictures_of

pytestmark = pytest.mark.slow

CLIP = shipped("samples") / "clip.mp4"


def pictures_of_clip(count: int) -> list[np.ndarray]:
    with av.open(str(CLIP)) as film:
        frames = film.decode(video=0)
        return [next(frames).to_ndarray(format="bgr24") for _ in range(count)]


def plates(row: dict[str, object]) -> set[str]:
    reads = row["reads"]
    assert isinstance(reads, list)
    return {read["plate"] for read in reads}


def read(path: Path, expected_exit: int) -> tuple[dict[str, object], str]:
    result = CliRunner().invoke(cli, ["read", "--json", str(path)])
    assert result.exit_code == expected_exit, result.output
    row: dict[str, object] = json.loads(result.stdout)
    return row, result.stderr


def test_an_interlaced_film_gives_the_plates_of_the_same_film_in_whole_pictures(tmp_path: Path) -> None:
    pictures = pictures_of_clip(60)
    woven = []
    for top, bottom in zip(pictures[::2], pictures[1::2], strict=True):
        frame = top.copy()
        frame[1::2] = bottom[1::2]
        woven.append(frame)
    whole = write_pictures_of(tmp_path / "whole.mp4", pictures[::2], "libx264", fps=10)
    fields = write_pictures_of(
        tmp_path / "fields.mts", woven, "libx264", fps=10, interlaced=True, options=X264_FIELDS
    )
    expected = plates(read(whole, 0)[0])
    found = plates(read(fields, 0)[0])
    # A field has half the rows, so that a small plate may be missed; none may be invented.
    assert found
    assert found <= expected
    assert len(found) >= len(expected) / 2


def test_a_cut_film_gives_what_is_there_says_so_and_exits_1(tmp_path: Path) -> None:
    whole = write_pictures_of(tmp_path / "whole.mkv", pictures_of_clip(60), "libx264", fps=20)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    row, messages = read(cut, 1)
    assert "of 3.0 s: the file is truncated or damaged" in str(row["incomplete"])
    assert plates(row) <= plates(read(whole, 0)[0])
    assert "Traceback" not in messages


@pytest.mark.parametrize("head", [b"", b"\0\0\0\x18ftypisom" + bytes(12)])
def test_a_film_without_its_index_is_refused_with_the_cause(head: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(head)
    row, _ = read(tmp_path / "a.mp4", 1)
    assert ("the file is empty" if not head else "the end of the file") in str(row["error"])

"""Writes an MP4 film with Debian's `ffmpeg` (H.264, no B-frames, index in front), which opencv's own build lacks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from alpr.types import Image


def write_film(path: Path, frames: Iterable[Image], fps: int, size_wh: tuple[int, int], crf: int = 26) -> int:
    """Encode frames (H, W, 3) uint8 BGR; how many there were.

    Raises:
        RuntimeError: no ffmpeg with libx264 on this machine, or it failed.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise RuntimeError("no ffmpeg on this machine: install it (Debian: apt-get install ffmpeg)")
    size = f"{size_wh[0]}x{size_wh[1]}"
    command = [
        program,
        "-v",
        "error",
        "-y",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "bgr24",
        "-s",
        size,
        "-r",
        str(fps),
        "-i",
        "-",
    ]
    command += ["-c:v", "libx264", "-preset", "slow", "-crf", str(crf), "-bf", "0", "-g", str(fps * 2)]
    command += ["-pix_fmt", "yuv420p", "-threads", "1", "-movflags", "+faststart", str(path)]
    count = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        if encoder.stdin is None:
            raise RuntimeError("ffmpeg took no input")
        for frame in frames:
            encoder.stdin.write(frame.tobytes())
            count += 1
        encoder.stdin.close()
        if encoder.wait() != 0:
            raise RuntimeError(f"ffmpeg could not write {path}")
    return count

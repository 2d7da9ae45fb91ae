"""A device with four fake cameras that fail in every way, for as long as it is let: `python -m bench.camera_soak`.

The cameras speak RTSP on loopback (two H.264, two JPEG) and freeze, hang up, refuse, change their password, send
damaged pictures and change their size, in turn. What has to hold: the program runs on, every camera comes back, each
fault is counted at its camera, and memory is flat.
"""

from __future__ import annotations

import argparse
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import yaml

from tests.encode import h264_pictures
from tests.rtsp_camera import RtspCamera

_PAUSE_S = 6.0  # between two faults
_FAULT_S = 5.0
_WARM_UP_S = 90.0
_BACK_S = 20.0
_FRESH_S = 5.0  # figures are renewed every two seconds
_FLAT = 0.05
_FPS = 10.0
_METRIC = re.compile(r"^(\w+)(?:\{(.*)\})? ([0-9.e+-]+)$", re.MULTILINE)


class FakeCamera:
    """A camera at one address, with its faults.

    Args:
        name: its id at the device.
        pictures: makes its pictures at a size.
        login: as for `RtspCamera`.
    """

    def __init__(self, name: str, pictures: Callable[[tuple[int, int]], Sequence[bytes]], login: str = "") -> None:
        self.name = name
        self._pictures = pictures
        self._login = login
        self._sizes = [(640, 360), (320, 240)]
        self._camera = RtspCamera(pictures(self._sizes[0]), fps=_FPS, login=login)
        self._camera.__enter__()
        self.url = self._camera.url

    def freeze(self) -> None:
        """Stay connected and send nothing."""
        self._camera.is_frozen = True
        time.sleep(_FAULT_S)
        self._camera.is_frozen = False

    def hang_up(self) -> None:
        """Hang up once."""
        self._camera.drop()

    def refuse(self) -> None:
        """Hang up, and answer with an error for a while."""
        self._camera.is_refusing = True
        self._camera.drop()
        time.sleep(_FAULT_S)
        self._camera.is_refusing = False

    def lock_out(self) -> None:
        """Hang up, and ask for another password for a while."""
        kept, self._camera._login = self._camera._login, "admin:another"
        self._camera.drop()
        time.sleep(_FAULT_S)
        self._camera._login = kept

    def damage(self) -> None:
        """Send damaged pictures for a while; only of H.264."""
        self._camera.is_damaging = True
        time.sleep(_FAULT_S)
        self._camera.is_damaging = False

    def resize(self) -> None:
        """Restart with pictures of another size, at the same address."""
        self._sizes.reverse()
        self.close()
        self._camera = RtspCamera(self._pictures(self._sizes[0]), fps=_FPS, login=self._login, port=self._camera.port)
        self._camera.__enter__()

    def close(self) -> None:
        """End it."""
        self._camera.__exit__(None, None, None)


@dataclass
class Outcome:
    """What a soak came to."""

    faults: Counter[str] = field(default_factory=Counter)
    """Faults that were made, by kind."""
    uncounted: list[str] = field(default_factory=list)
    """Faults that the device did not count."""
    absent: list[str] = field(default_factory=list)
    """Cameras that did not come back after a fault."""
    memory_mb: list[float] = field(default_factory=list)
    """Of the device's program, after the warm-up."""
    threads: list[int] = field(default_factory=list)
    ended: str = ""
    """How the device ended before it was stopped; "" where it did not."""

    @property
    def growth(self) -> float:
        """Share by which the memory of the last quarter is more than that of the first."""
        quarter = max(1, len(self.memory_mb) // 4)
        return median(self.memory_mb[-quarter:]) / median(self.memory_mb[:quarter]) - 1

    @property
    def is_good(self) -> bool:
        """True where all held."""
        return not (self.uncounted or self.absent or self.ended) and abs(self.growth) <= _FLAT


def soak(minutes: float, seed: int = 1) -> Outcome:
    """Run a device against its cameras.

    Args:
        minutes: how long faults are made.
        seed: of their order.
    """
    chance, outcome = random.Random(seed), Outcome()
    cameras = [
        FakeCamera("one", _h264),
        FakeCamera("two", _h264, "admin:p#ss/w@rd"),
        FakeCamera("three", _jpeg),
        FakeCamera("four", _jpeg, "viewer:secret"),
    ]
    with tempfile.TemporaryDirectory() as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.close()
        config = {
            "device": {"name": "soak", "data_dir": "data"},
            "cameras": [{"id": camera.name, "url": camera.url} for camera in cameras],
            "metrics": {"port": port},
        }
        (Path(folder) / "edge.yaml").write_text(yaml.safe_dump(config))
        words = [sys.executable, "-m", "alpr.cli", "run", "-c", f"{folder}/edge.yaml"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as device:
            try:
                _Run(device, port, cameras, outcome, chance).go(minutes * 60)
                began_s = time.monotonic()
                device.terminate()
                device.wait(30)
                print(f"ended {time.monotonic() - began_s:.1f} s after it was asked to, with {device.returncode}")
            finally:
                device.kill()
                for camera in cameras:
                    camera.close()
    return outcome


class _Run:
    """One device under faults."""

    def __init__(
        self,
        device: subprocess.Popen[bytes],
        port: int,
        cameras: Sequence[FakeCamera],
        outcome: Outcome,
        chance: random.Random,
    ) -> None:
        self._device = device
        self._port = port
        self._cameras = cameras
        self._outcome = outcome
        self._chance = chance

    def go(self, seconds: float) -> None:
        """Make faults for so long."""
        self._wait_for_all(60)
        time.sleep(_WARM_UP_S)
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s and not self._outcome.ended:
            self._fault()
            self._measure()

    def _fault(self) -> None:
        camera = self._chance.choice(self._cameras)
        kinds = ["freeze", "hang_up", "refuse", "lock_out", "resize"]
        kind = self._chance.choice([*kinds, "damage"] if camera.name in ("one", "two") else kinds)
        self._outcome.faults[kind] += 1
        before = self._counted(camera.name, kind)
        getattr(camera, kind)()
        time.sleep(_PAUSE_S)
        what = f"{kind} of camera {camera.name}"
        if not self._wait_for_all(_BACK_S):
            self._outcome.absent.append(what)
        if self._counted(camera.name, kind) <= before:
            self._outcome.uncounted.append(what)
        print(f"{what}: counted {self._counted(camera.name, kind) - before:.0f}", flush=True)

    def _counted(self, camera: str, kind: str) -> float:
        name = "alpr_camera_skipped_total" if kind == "damage" else "alpr_camera_failures_total"
        return sum(value for key, labels, value in self._metrics() if key == name and f'camera="{camera}"' in labels)

    def _wait_for_all(self, patience_s: float) -> bool:
        until_s = time.monotonic() + patience_s
        while time.monotonic() < until_s:
            # Not `alpr_camera_up`: that also says whether the picture, here a drawn one, shows a road.
            last = [value for key, _, value in self._metrics() if key == "alpr_camera_last_frame_timestamp_seconds"]
            if len(last) == len(self._cameras) and time.time() - min(last) < _FRESH_S:
                return True
            time.sleep(0.5)
        return False

    def _metrics(self) -> list[tuple[str, str, float]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10) as answer:
                text = answer.read().decode()
        except OSError:
            if self._device.poll() is not None:
                self._outcome.ended = f"ended by itself with {self._device.returncode}"
            return []
        return [(key, labels or "", float(value)) for key, labels, value in _METRIC.findall(text)]

    def _measure(self) -> None:
        try:
            status = Path(f"/proc/{self._device.pid}/status").read_text()
        except OSError:
            return
        figures = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE))
        if figures:
            self._outcome.memory_mb.append(int(figures["VmRSS"]) / 1024)
            self._outcome.threads.append(int(figures["Threads"]))


def _drawn(size_wh: tuple[int, int], number: int) -> np.ndarray:
    image = np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)
    cv2.circle(image, (20 + 12 * number, size_wh[1] // 2), 18, (200, 180, 40), -1)
    cv2.putText(image, "AB 123", (30, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (240, 240, 240), 3)
    return image


def _jpeg(size_wh: tuple[int, int]) -> list[bytes]:
    return [cv2.imencode(".jpg", _drawn(size_wh, number))[1].tobytes() for number in range(20)]


def _h264(size_wh: tuple[int, int]) -> list[bytes]:
    return h264_pictures(20, key_every=10, size=size_wh)


def main() -> None:
    """Run the soak and say what held; exit 1 where something did not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    outcome = soak(given.minutes, given.seed)
    print(f"{outcome.faults.total()} faults: {dict(outcome.faults)}")
    print(f"not counted: {outcome.uncounted or 'none'}; did not come back: {outcome.absent or 'none'}")
    print(f"threads {min(outcome.threads)} to {max(outcome.threads)}")
    print(
        f"memory {outcome.memory_mb[0]:.0f} MB to {outcome.memory_mb[-1]:.0f} MB, {outcome.growth:+.1%} by quarters"
    )
    print(outcome.ended or "the device ran to the end")
    sys.exit(0 if outcome.is_good else 1)


if __name__ == "__main__":
    main()

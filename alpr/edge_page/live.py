"""Live pictures for aiming: asked for one at a time, so that nothing is made that nobody looks at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

from alpr.edge_page.messages import LivePicture

PATIENCE_S = 3.0
_MOST_WAITING = 16


class LivePictures:
    """The newest picture of each camera; belongs to the event loop's thread.

    Args:
        cameras: ids of those that there are.
        ask: asks the device's program for the next picture of a camera.
    """

    def __init__(self, cameras: Collection[str], ask: Callable[[str], None]) -> None:
        self.cameras = tuple(cameras)
        self._ask = ask
        self._waiting: dict[str, list[asyncio.Future[LivePicture]]] = {camera: [] for camera in cameras}

    def follow(self, cameras: Collection[str]) -> None:
        """Go by other cameras from now on.

        Args:
            cameras: ids of those that there are.
        """
        self.cameras = tuple(cameras)
        self._waiting = {camera: self._waiting.get(camera, []) for camera in cameras}

    def take(self, picture: LivePicture) -> None:
        """Hand a picture to those who wait for it.

        Args:
            picture: of one camera.
        """
        waiting = self._waiting.get(picture.camera_id, [])
        for future in waiting:
            if not future.done():
                future.set_result(picture)
        waiting.clear()

    async def next(self, camera_id: str) -> LivePicture | None:
        """Return the next picture of a camera; None where none comes soon.

        Args:
            camera_id: one of `cameras`, else None is returned.
        """
        waiting = self._waiting.get(camera_id)
        if waiting is None or len(waiting) >= _MOST_WAITING:
            return None
        future: asyncio.Future[LivePicture] = asyncio.get_running_loop().create_future()
        if not waiting:
            self._ask(camera_id)
        waiting.append(future)
        try:
            return await asyncio.wait_for(future, PATIENCE_S)
        except TimeoutError:
            return None
        finally:
            with suppress(ValueError):
                waiting.remove(future)

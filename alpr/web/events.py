"""Server-sent events: one stream for each open page, bounded, with a sign of life every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from starlette.responses import StreamingResponse

HEARTBEAT_S = 5.0
_MOST_WAITING = 64
_MOST_LISTENERS = 16


def event_text(data: str, name: str = "") -> bytes:
    r"""Return one event as it goes over the wire; line breaks in the data cannot begin another one.

    Args:
        data: text or HTML.
        name: of the event; "" for HTML that the page swaps in.

    >>> event_text("a\r\nevent: b", "hit")
    b'event: hit\ndata: a\ndata: event: b\n\n'
    """
    head = f"event: {name}\n" if name else ""
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode()


class EventHub:
    """Hands events to all open pages. Belongs to the thread of the event loop.

    A page that does not take its events is ended; its browser connects anew and is told the whole state.
    """

    def __init__(self) -> None:
        self.alive: Callable[[], bytes] = lambda: event_text("", "alive")
        """Gives the event that goes out where there has been none for a while."""
        self._listeners: dict[asyncio.Queue[bytes | None], None] = {}

    def __len__(self) -> int:
        return len(self._listeners)

    def send(self, event: bytes) -> None:
        """Hand an event to every open page.

        Args:
            event: made by `event_text`.
        """
        for queue in list(self._listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._end(queue)

    def end_all(self) -> None:
        """End all streams."""
        for queue in list(self._listeners):
            self._end(queue)

    def stream(self, first: bytes, may_go_on: Callable[[], bool]) -> StreamingResponse:
        """Answer a page with its events.

        Args:
            first: the whole state as of now.
            may_go_on: asked before each event; the stream ends where the session is over.
        """
        events = self.listen(first, may_go_on)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    def listen(self, first: bytes, may_go_on: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Return the events of a page from now on; of too many pages the oldest ends, which nobody may look at.

        Args:
            first: goes before them.
            may_go_on: as above.
        """
        while len(self._listeners) >= _MOST_LISTENERS:
            self._end(next(iter(self._listeners)))
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._listeners[queue] = None
        return self._events(queue, first, may_go_on)

    async def _events(
        self, queue: asyncio.Queue[bytes | None], first: bytes, may_go_on: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        try:
            yield first
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    event = self.alive()
                if event is None or not may_go_on():
                    return
                yield event
        finally:
            self._listeners.pop(queue, None)

    def _end(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._listeners.pop(queue, None)
        with suppress(asyncio.QueueFull):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

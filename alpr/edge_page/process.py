"""The page's process: takes over what the device's program says, serves the page, and ends with the program."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

import msgspec

from alpr.clock import SystemClock
from alpr.edge_page.live import LivePictures
from alpr.edge_page.messages import (
    HEAD,
    MOST_BYTES,
    Alive,
    PageSettings,
    ToPage,
    WantPicture,
    decode_to_page,
    frame,
)
from alpr.edge_page.pages import HitPages
from alpr.edge_page.restoring import restored_hits
from alpr.edge_page.state import PageState
from alpr.errors import AlprError
from alpr.journal.dispositions import decisions_after
from alpr.web.events import EventHub
from alpr.web.server import Certificate, Server
from alpr.web.sessions import Sessions
from alpr.web.sign_in import SignIn
from alpr.web.site import Site
from alpr.web.users import Users

_log = logging.getLogger(__name__)
_HERE = Path(__file__).parent
_LOOK_S = 0.5
"""How soon a decision of another program shows."""
_ALIVE_S = 1.0
_NICER = 5
"""The cameras go first where there is not enough time for all."""


def run(wire: socket.socket, listening: socket.socket) -> None:
    """Serve the page until the device's program ends or says so.

    Args:
        wire: to the device's program.
        listening: bound by it.
    """
    with suppress(OSError):
        os.nice(_NICER)
    asyncio.run(_run(wire, listening))


def site_of(settings: PageSettings) -> Site:
    """Build the skeleton of the page.

    Args:
        settings: of the page.
    """
    clock = SystemClock()
    return Site(
        settings.device,
        Users(Path(settings.users), clock),
        Sessions(clock, settings.session_h * 3600),
        clock,
        folders=[_HERE],
        is_encrypted=bool(settings.certificate),
    )


async def _run(wire: socket.socket, listening: socket.socket) -> None:
    wire.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=wire, limit=1 << 20)
    settings = await _next_message(reader)
    if not isinstance(settings, PageSettings):
        raise TypeError(f"the first message to the page is its settings, got {type(settings).__name__}")
    site, hub = site_of(settings), EventHub()
    live = LivePictures(settings.cameras, lambda camera_id: writer.write(frame(WantPicture(camera_id))))
    state = PageState(settings, site, hub, live, SystemClock())
    hub.alive = state.alive
    journal = Path(settings.journal)
    state.board.remember(await asyncio.to_thread(restored_hits, journal, settings.receivers, state.now()))
    certificate = Certificate(Path(settings.certificate), Path(settings.key)) if settings.certificate else None
    app = site.app([*SignIn(site).routes, *HitPages(site, state).routes], settings.names)
    server = Server(app, certificate)
    beside = [
        asyncio.create_task(_take_over(reader, state)),
        asyncio.create_task(_watch_decisions(journal, state)),
        asyncio.create_task(_keep_alive(writer, state)),
    ]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    done, _ = await asyncio.wait([serving, *beside], return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    hub.end_all()
    for task in beside:
        task.cancel()
    await asyncio.gather(serving, *beside, return_exceptions=True)
    for task in done:
        task.result()  # what it died of ends the process, and is in its log


async def _next_message(reader: asyncio.StreamReader) -> ToPage:
    (size,) = HEAD.unpack(await reader.readexactly(HEAD.size))
    if size > MOST_BYTES:
        raise ValueError(f"a message of {size} bytes from the device's program")
    return decode_to_page(await reader.readexactly(size))


async def _take_over(reader: asyncio.StreamReader, state: PageState) -> None:
    """Ends where the device's program does."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            try:
                state.take(await _next_message(reader))
            except msgspec.DecodeError:
                _log.exception("page: a message of the device's program cannot be understood")


async def _watch_decisions(journal: Path, state: PageState) -> None:
    number = 0
    while True:
        try:
            number, decisions = await asyncio.to_thread(decisions_after, journal, number)
            for decision in decisions:
                state.take_decision(decision)
        except AlprError as error:
            _log.debug("page: decisions cannot be read now: %s", error)
        await asyncio.sleep(_LOOK_S)


async def _keep_alive(writer: asyncio.StreamWriter, state: PageState) -> None:
    with suppress(ConnectionError):
        while True:
            writer.write(frame(Alive()))
            await writer.drain()
            state.show_lights()  # ages grow also where the device's program says nothing any more
            await asyncio.sleep(_ALIVE_S)

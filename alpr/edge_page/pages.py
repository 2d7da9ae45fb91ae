"""The routes of the officer's page."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from alpr.edge_page.board import BoardHit
from alpr.edge_page.cards import card_of, clock_text
from alpr.edge_page.deciding import disposition_from
from alpr.edge_page.lights import camera_light, capture_words, list_lights
from alpr.edge_page.state import PageState
from alpr.errors import DispositionError, StoreError
from alpr.hotlist.rules.receivers import may_learn
from alpr.journal.dispositions import decide
from alpr.link.protocol.convert import record_from_disposition
from alpr.types import Action, Disposition
from alpr.web.site import Site, Visit

_log = logging.getLogger(__name__)
VERIFIED_WITH = ("Dispatch by radio", "National file by terminal", "Seen with own eyes")
"""Sources that stand ready to be chosen; any other may be typed."""
_JPEG = "image/jpeg"


class HitPages:
    """The pages of a signed-in officer.

    Args:
        site: the skeleton.
        state: of the device's hits and lights.
    """

    def __init__(self, site: Site, state: PageState) -> None:
        self._site = site
        self._state = state
        self._journal = Path(state.settings.journal)

    @property
    def routes(self) -> list[Route]:
        """All of them; none is reached without a session."""
        site = self._site
        return [
            site.get("/", self._main),
            site.get("/events", self._events),
            site.get("/hits/next", self._next),
            site.get("/hits/{hit_id}", self._hit),
            site.get("/hits/{hit_id}/{which}.jpg", self._picture),
            site.post("/hits/{hit_id}/decide", self._decide),
            site.post("/mute", self._mute),
            site.get("/history", self._history),
            site.get("/cameras", self._cameras),
            site.get("/cameras/{camera_id}/live.jpg", self._live),
            site.get("/device", self._device),
        ]

    async def _main(self, visit: Visit) -> Response:
        queue = self._state.board.queue
        return self._main_with(visit, queue[0] if queue else None)

    async def _next(self, visit: Visit) -> Response:
        queue = self._state.board.queue
        return HTMLResponse(self._card(visit, queue[0] if queue else None))

    async def _hit(self, visit: Visit) -> Response:
        known = self._state.board.find(visit.request.path_params["hit_id"])
        if visit.is_partial:
            return HTMLResponse(self._card(visit, known))
        return self._main_with(visit, known) if known else RedirectResponse("/", 303)

    async def _events(self, visit: Visit) -> Response:
        request = visit.request
        return self._state.hub.stream(self._state.whole(), lambda: self._site.session_of(request) is not None)

    async def _picture(self, visit: Visit) -> Response:
        known, which = self._state.board.find(visit.request.path_params["hit_id"]), visit.request.path_params["which"]
        if known is None or which not in ("patch", "vehicle"):
            return PlainTextResponse("no such picture\n", 404)
        jpeg = known.patch_jpeg if which == "patch" else known.vehicle_jpeg
        return Response(jpeg, media_type=_JPEG) if jpeg else PlainTextResponse("not kept\n", 404)

    async def _decide(self, visit: Visit) -> Response:
        hit_id = visit.request.path_params["hit_id"]
        known = self._state.board.find(hit_id)
        try:
            wanted = disposition_from(visit.form, hit_id, visit.user, self._state.now())
            kept = None if known is not None and _says_the_same(known, wanted) else await self._keep(wanted)
        except (DispositionError, StoreError) as error:
            _log.warning("page: a decision of %s was not kept: %s", visit.user, error)
            return HTMLResponse(self._card(visit, known, mistake=_mistake(error)), 422)
        if kept is not None:
            self._state.take_decision(record_from_disposition(kept))
        known = self._state.board.find(hit_id)
        return HTMLResponse(self._card(visit, known))

    async def _keep(self, wanted: Disposition) -> Disposition:
        receivers_here = self._state.settings.receivers
        return await asyncio.to_thread(
            decide, self._journal, wanted, lambda receivers: may_learn(receivers, receivers_here)
        )

    async def _mute(self, visit: Visit) -> Response:
        try:
            priority, minutes = int(visit.form.get("from", "")), float(visit.form.get("minutes", ""))
        except ValueError:
            return PlainTextResponse("from and minutes are numbers\n", 422)
        self._state.set_mute(priority, minutes if minutes > 0 else 0.0)
        _log.info("page: %s muted priority %d and lower for %.0f min", visit.user, priority, minutes)
        return HTMLResponse(self._state.render_lights())

    async def _history(self, visit: Visit) -> Response:
        cards = [(card_of(each), each.alert) for each in self._state.board.latest[:200]]
        return self._page(visit, "history.html", rows=cards)

    async def _cameras(self, visit: Visit) -> Response:
        status = self._state.status
        captures = {each.camera_id: capture_words(each) for each in (status.vitals.cameras if status else ())}
        cameras, lights = self._state.live.cameras, self._camera_lights()
        return self._page(visit, "cameras.html", cameras=cameras, lights=lights, captures=captures)

    async def _live(self, visit: Visit) -> Response:
        picture = await self._state.live.next(visit.request.path_params["camera_id"])
        if picture is None:
            return PlainTextResponse("no picture\n", 404)
        headers = {"X-Taken-At": clock_text(picture.taken_at), "X-Size": "{}x{}".format(*picture.size_wh)}
        return Response(picture.jpeg, media_type=_JPEG, headers=headers)

    async def _device(self, visit: Visit) -> Response:
        status = self._state.status
        return self._page(
            visit,
            "device.html",
            lists=list_lights(status, self._state.settings.list_limits_s) if status else [],
            cameras=self._camera_lights().values(),
            all_lights=self._state.lights(),
            last_error=status.vitals.last_error if status else "",
        )

    def _camera_lights(self) -> dict[str, object]:
        status = self._state.status
        return {each.camera_id: camera_light(each) for each in (status.vitals.cameras if status else ())}

    def _main_with(self, visit: Visit, known: BoardHit | None) -> Response:
        queue = self._state.render_queue()
        return self._page(visit, "hits.html", card_html=self._card(visit, known), queue_html=queue)

    def _page(self, visit: Visit, template: str, **context: Any) -> Response:
        return self._site.page(
            visit.request,
            template,
            user=visit.user,
            csrf=visit.session.csrf_token,
            now=self._state.now(),
            lights_html=self._state.render_lights(),
            device=self._state.settings.device,
            here=visit.request.scope["route"].path,
            never_muted=self._state.settings.never_muted,
            **context,
        )

    def _card(self, visit: Visit, known: BoardHit | None, mistake: str = "") -> str:
        return self._site.render(
            "card.html",
            card=card_of(known) if known else None,
            csrf=visit.session.csrf_token,
            mistake=mistake,
            said=visit.form,
            sources=VERIFIED_WITH,
            waiting=len(self._state.board.queue),
        )


def _says_the_same(known: BoardHit, wanted: Disposition) -> bool:
    """A second touch of the same button is no second decision."""
    if not known.decisions:
        return False
    last = known.decisions[-1]
    return (
        (last.verdict, last.action, last.by) == (wanted.verdict.value, wanted.action.value, wanted.by)
        and (last.reason, last.true_text) == (wanted.reason, wanted.true_text)
        and wanted.action is Action.NONE
        and not wanted.verified_with
    )


def _mistake(error: Exception) -> str:
    """What went wrong, without the hit's id, which means nothing to an officer."""
    text = str(error)
    return text.partition(": ")[2] if isinstance(error, DispositionError) and text.startswith("hit ") else text

"""All that the page knows at a moment, and what it tells the browsers. Belongs to the event loop's thread."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from alpr.clock import Clock
from alpr.edge_page.board import REPEAT, TOLD, UPDATE, Board, BoardHit
from alpr.edge_page.cards import card_of, sound_of
from alpr.edge_page.lights import Light, lights_of, span_text
from alpr.edge_page.live import LivePictures
from alpr.edge_page.messages import HitNews, LivePicture, PageSettings, StatusNews
from alpr.edge_page.muting import Mute
from alpr.link.protocol.messages import DispositionRecord
from alpr.web.events import EventHub, event_text
from alpr.web.site import Site

HELD_BACK_SHOWN = ("muted", "queue-full", REPEAT)


class PageState:
    """The board, the lights, the mute and the open pages.

    Args:
        settings: of the page.
        site: renders what the pages are told.
        hub: of the open pages.
        live: the pictures for aiming.
        clock: of ages and of the mute.
    """

    def __init__(self, settings: PageSettings, site: Site, hub: EventHub, live: LivePictures, clock: Clock) -> None:
        self.settings = settings
        self.board = Board()
        self.hub = hub
        self.live = live
        self.mute = Mute(clock, settings.never_muted)
        self.status: StatusNews | None = None
        self._site = site
        self._clock = clock
        self._status_ns = clock.monotonic_ns()
        self._shown = ""

    def now(self) -> datetime:
        """The device's time in its own zone."""
        return self._clock.now().astimezone()

    def take(self, message: HitNews | StatusNews | LivePicture | PageSettings) -> None:
        """Take over what the device's program says, and tell the open pages.

        Args:
            message: of any kind.
        """
        if isinstance(message, HitNews):
            self._take_hit(message)
        elif isinstance(message, StatusNews):
            self.status, self._status_ns = message, self._clock.monotonic_ns()
            self.show_lights()
        elif isinstance(message, LivePicture):
            self.live.take(message)
        else:
            self.settings = message
            self.mute.never_muted = message.never_muted
            self.live.follow(message.cameras)

    def take_decision(self, decision: DispositionRecord) -> None:
        """Take over a decision, made here or by another program.

        Args:
            decision: as it stands in the journal.
        """
        known = self.board.decided(decision)
        if known is not None:
            self._tell(known, "decided")
            self.show_queue()

    def set_mute(self, from_priority: int, minutes: float) -> None:
        """Silence less urgent hits for a while, on all pages.

        Args:
            from_priority: this one and all less urgent.
            minutes: 0 ends it.
        """
        self.mute.begin(from_priority, minutes)
        self.show_lights()

    def lights(self) -> list[Light]:
        """The state of the device."""
        silent_s = (self._clock.monotonic_ns() - self._status_ns) / 1e9
        return lights_of(self.status, silent_s, self.settings.list_limits_s, len(self.settings.cameras))

    def show_lights(self) -> None:
        """Tell the open pages how the device is, where that has changed."""
        text = self.render_lights()
        if text != self._shown:
            self._shown = text
            self.hub.send(event_text(_partial("#lights", text)))

    def show_queue(self) -> None:
        """Tell the open pages which hits wait."""
        self.hub.send(event_text(_partial("#queue", self.render_queue())))

    def render_lights(self) -> str:
        """HTML of the lights and the mute."""
        return self._site.render(
            "lights.html",
            lights=self.lights(),
            muted=f"priority {self.mute.from_priority} and lower, {span_text(self.mute.left_s)} left"
            if self.mute.left_s
            else "",
        )

    def render_queue(self) -> str:
        """HTML of the hits that wait, and of how many were held back."""
        latest = self.board.latest
        held_back = {
            word: count
            for word in HELD_BACK_SHOWN
            if (count := sum(each.alert == word and not each.decisions for each in latest))
        }
        return self._site.render(
            "queue.html", cards=[card_of(each) for each in self.board.queue], held_back=held_back
        )

    def whole(self) -> bytes:
        """The first event of a stream: all parts as they are now."""
        parts = _partial("#lights", self.render_lights()) + _partial("#queue", self.render_queue())
        return event_text(parts) + self.alive()

    def alive(self) -> bytes:
        """An event that says that the page's process is there, and what its clock shows."""
        return event_text(self.now().isoformat(timespec="milliseconds"), "alive")

    def _take_hit(self, news: HitNews) -> None:
        known = self.board.take(news)
        if news.alert == TOLD and not news.hit.is_withdrawn:
            self._tell(known, "told")
        elif news.alert == UPDATE:
            self._tell(known, "withdrawn" if news.hit.is_withdrawn else "changed")
        self.show_queue()

    def _tell(self, known: BoardHit, what: str) -> None:
        hit = known.hit
        is_silent = what == "decided" or self.mute.is_silent(hit.entry.priority)
        row: dict[str, Any] = {
            "what": what,
            "hit_id": hit.hit_id,
            "priority": hit.entry.priority,
            "sound": "none" if is_silent else sound_of(hit),
            "plate": hit.plate,
        }
        self.hub.send(event_text(json.dumps(row), "hit"))


def _partial(target: str, html: str) -> str:
    return f'<hx-partial hx-target="{target}" hx-swap="innerHTML">{html}</hx-partial>'

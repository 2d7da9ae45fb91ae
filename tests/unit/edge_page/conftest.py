"""The page's application without its process: Starlette's TestClient on a journal of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from alpr.clock import SystemClock
from alpr.edge_page.live import LivePictures
from alpr.edge_page.messages import HitNews, PageSettings
from alpr.edge_page.pages import HitPages
from alpr.edge_page.process import site_of
from alpr.edge_page.state import PageState
from alpr.edge_page.supervisor import _news
from alpr.journal.journal import Journal
from alpr.types import Hit, Read
from alpr.web.events import EventHub
from alpr.web.sign_in import SignIn
from alpr.web.users import put_user
from tests.page_world import PASSWORD, USER, a_status

ORIGIN = "http://localhost"


class Officer:
    """A browser at the page."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.journal = journal
        self.path = folder / "journal.sqlite"
        self.users = folder / "users"
        put_user(self.users, USER, PASSWORD)
        settings = PageSettings("car-112", str(self.path), str(self.users), ("front",), (), ("car-112",), 12.0)
        self.asked: list[str] = []
        self.site = site_of(settings)
        self.state = PageState(
            settings, self.site, EventHub(), LivePictures(("front",), self.asked.append), SystemClock()
        )
        self.pages = HitPages(self.site, self.state)
        self.app = self.site.app([*SignIn(self.site).routes, *self.pages.routes], settings.names)
        self.browser = TestClient(self.app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        self.state.take(a_status())

    def publish(self, hit: Hit, read: Read | None = None, alert: str = "told") -> HitNews:
        self.journal.append([read] if read else [], [hit])
        news = _news(hit, alert, read)
        self.state.take(news)
        return news

    def sign_in(self, name: str = USER, password: str = PASSWORD) -> int:
        return self.browser.post("/sign-in", data={"name": name, "password": password}).status_code

    @property
    def csrf(self) -> str:
        session = self.site.sessions.find(self.browser.cookies[self.site.cookie])
        assert session is not None
        return session.csrf_token

    def decide(self, hit_id: str, **fields: str) -> int:
        return self.browser.post(f"/hits/{hit_id}/decide", data={"csrf": self.csrf, **fields}).status_code


@pytest.fixture
def officer(tmp_path: Path) -> Iterator[Officer]:
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        yield Officer(tmp_path, journal)

"""The officer's page in a real browser: what an officer sees, hears and touches."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alpr.journal.dispositions import read_hits
from alpr.types import MatchKind
from tests.page_world import PASSWORD, USER, PageWorld, a_shown_hit, a_shown_read, an_entry, running_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt install chromium"),
]
SWITCHES = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install 'alpr[browser]'")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PageWorld]:
    with running_page(tmp_path) as running:
        yield running


@contextmanager
def signed_in(browser: Browser, world: PageWorld, width: int = 1024, height: int = 600) -> Iterator[Page]:
    """A page of an officer who has signed in; anything that the browser complains about fails the test."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(8000)
    page.goto(world.url)
    page.fill("#name", USER)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#lights .light")
    page.wait_for_function("document.querySelector('#cut-off').hidden")
    time.sleep(0.3)  # until the stream of events is open
    yield page
    assert complaints == []
    context.close()


@pytest.mark.alone
def test_a_hit_shows_and_sounds_within_half_a_second(browser: Browser, world: PageWorld) -> None:
    with signed_in(browser, world) as page:
        read = a_shown_read(1, "W05183K")
        hit = a_shown_hit(read, an_entry("WO5183K", 1, instructions="Call for support."), MatchKind.LOOK_ALIKE)
        began_s = time.monotonic()
        world.publish(hit, read)
        page.wait_for_selector(f"article[data-hit-id='{hit.hit_id}']")
        took_s = time.monotonic() - began_s
        assert page.evaluate("document.documentElement.dataset.sounded") == "urgent"
        assert page.inner_text(".instructions") == "Call for support."
        assert page.inner_text(".read-line .differs") == "0"
        assert page.inner_text(".listed-line .differs") == "O"
        assert page.locator("svg.patch rect.outline").count() == 1
        assert took_s < 0.5


def test_one_key_decides_and_acting_is_locked_until_it_was_verified(browser: Browser, world: PageWorld) -> None:
    with signed_in(browser, world) as page:
        read = a_shown_read(1, "AB12CDE")
        world.publish(a_shown_hit(read, an_entry()), read)
        page.wait_for_selector("article[data-waits=true]")
        page.wait_for_timeout(800)
        page.keyboard.press("c")
        page.wait_for_selector("form.act")
        assert page.is_disabled("button[value=stop]")
        page.click("text=Dispatch by radio")
        assert page.is_disabled("button[value=stop]")
        page.click("text=Now")
        page.click("button[value=stop]")
        page.wait_for_selector("text=Stopped · anna")
    (decided,) = read_hits(world.journal_path)
    assert [(each.verdict, each.action, each.by) for each in decided.dispositions] == [
        ("correct", "none", "anna"),
        ("correct", "stop", "anna"),
    ]
    assert decided.dispositions[1].verified_with == "Dispatch by radio"

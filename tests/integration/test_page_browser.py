"""The officer's page in a real browser: what an officer sees, hears and touches."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alpr.journal.dispositions import read_hits
from alpr.types import MatchKind
from tests.page_world import PASSWORD, USER, PageWorld, a_shown_hit, a_shown_read, an_entry, running_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt install chromium"),
]
AXE = Path(__file__).parents[2] / "build" / "npm" / "axe.min.js"
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
def signed_in(
    browser: Browser, world: PageWorld, width: int = 1024, height: int = 600, theme: str = "auto"
) -> Iterator[Page]:
    """A page of an officer who has signed in; anything that the browser complains about fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark", permissions=["clipboard-read"]
    )
    context.add_cookies([{"name": "alpr-theme", "value": theme, "url": world.url}])
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.text == "expected":
            complaints.clear()
        elif message.type == "error":
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(8000)
    for attempt in range(100):  # the page's process is starting
        try:
            page.goto(world.url)
            break
        except Exception:
            assert attempt < 99
            time.sleep(0.1)
    complaints.clear()
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


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {[node['target'] for node in each['nodes']]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("theme", ["day", "night", "auto"])
@pytest.mark.parametrize(("width", "height"), [(1024, 600), (390, 844)], ids=["car", "phone"])
def test_nothing_is_cut_off_and_axe_finds_nothing_serious(
    browser: Browser, world: PageWorld, width: int, height: int, theme: str
) -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core here: python -m tools.web_assets axe")
    with signed_in(browser, world, width, height, theme) as page:
        assert serious_faults(page) == []
        read = a_shown_read(1, "W05183K")
        entry = an_entry("WO5183K", 1, instructions="Do not stop alone, call for support.", vehicle="green hatchback")
        world.publish(a_shown_hit(read, entry, MatchKind.LOOK_ALIKE, list_max_age_s=60.0), read)
        page.wait_for_selector("article[data-waits=true]")
        assert serious_faults(page) == []
        buttons = page.locator("#card .decide button")
        assert buttons.count() == 4
        for at in range(4):
            box = buttons.nth(at).bounding_box()
            assert box is not None
            assert box["height"] >= 60
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.wait_for_timeout(800)
        page.click("text=Correct")
        page.wait_for_selector("form.act")
        assert serious_faults(page) == []
        page.click("#menu-button")
        assert serious_faults(page) == []
        page.click("#menu-close")
        for path in ("/history", "/cameras", "/device"):
            page.goto(world.url + path)
            assert serious_faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_more_urgent_hit_opens_and_its_buttons_wait_for_the_thumb(browser: Browser, world: PageWorld) -> None:
    with signed_in(browser, world) as page:
        low, high = a_shown_read(1, "AB12CDE"), a_shown_read(2, "XY99ZZZ")
        world.publish(a_shown_hit(low, an_entry("AB12CDE", 3)), low)
        page.wait_for_selector("article[data-priority='3']")
        page.wait_for_timeout(800)
        urgent = a_shown_hit(high, an_entry("XY99ZZZ", 1, 8))
        world.publish(urgent, high)
        page.wait_for_selector("article[data-priority='1']")
        page.keyboard.press("c")  # was on its way to the card before
        page.wait_for_timeout(300)
        assert page.locator("article[data-waits=true]").count() == 1
        page.wait_for_timeout(800)
        page.keyboard.press("c")
        page.wait_for_selector("form.act")
        page.fill("#verified_with", "desk 4")
        later = a_shown_read(3, "QQ11QQQ")
        world.publish(a_shown_hit(later, an_entry("QQ11QQQ", 1, 9)), later)
        page.wait_for_selector("#new-hit button")  # offered: nobody who is verifying loses what was typed
        assert page.input_value("#verified_with") == "desk 4"
        page.click("#new-hit button")
        page.wait_for_selector("article[data-waits=true] >> text=Q")
    assert len([each for each in read_hits(world.journal_path) if each.dispositions]) == 1


def test_a_withdrawn_hit_says_so_at_once(browser: Browser, world: PageWorld) -> None:
    with signed_in(browser, world) as page:
        read = a_shown_read(1, "AB12CDE")
        hit = a_shown_hit(read, an_entry("AB12CDE", 1))
        world.publish(hit, read)
        page.wait_for_selector("article[data-waits=true]")
        world.publish(replace(hit, is_withdrawn=True, plate_text="AB12CDF"), None, "update")
        page.wait_for_selector("text=Withdrawn: the plate now reads AB12CDF")
        assert page.locator(".decide").count() == 0
        assert page.evaluate("document.documentElement.dataset.sounded") == "withdrawn"


def test_the_plate_is_copied_as_plain_text_and_night_is_kept(browser: Browser, world: PageWorld) -> None:
    with signed_in(browser, world) as page:
        read = a_shown_read(1, "AB12CDE")
        world.publish(a_shown_hit(read, an_entry()), read)
        page.wait_for_selector("article[data-waits=true]")
        page.keyboard.press("p")
        page.wait_for_selector(".copy.done")
        assert page.evaluate("navigator.clipboard.readText()") == "AB12CDE"
        page.keyboard.press("n")
        page.reload()
        assert page.get_attribute("html", "data-theme") == "night"


def test_less_urgent_hits_are_muted_and_the_most_urgent_are_not(browser: Browser, world: PageWorld) -> None:
    with signed_in(browser, world) as page:
        page.click("#menu-button")
        page.click("text=for 30 min")
        page.click("#menu-close")
        page.wait_for_selector("#lights >> text=Muted")
        low, high = a_shown_read(1, "AB12CDE"), a_shown_read(2, "XY99ZZZ")
        world.publish(a_shown_hit(low, an_entry("AB12CDE", 2)), low)
        page.wait_for_selector("article[data-priority='2']")
        assert page.evaluate("document.documentElement.dataset.sounded") is None
        world.publish(a_shown_hit(high, an_entry("XY99ZZZ", 1, 8)), high)
        page.wait_for_selector("article[data-priority='1']")
        assert page.evaluate("document.documentElement.dataset.sounded") == "urgent"


@pytest.mark.timeout(120)
def test_a_page_that_hears_nothing_says_that_it_is_old_and_comes_back(browser: Browser, world: PageWorld) -> None:
    with signed_in(browser, world) as page:
        page.context.set_offline(True)
        page.evaluate("document.getElementById('stream')._htmx?.sse?.reader?.cancel()")
        page.wait_for_selector("#cut-off:not([hidden])", timeout=20_000)
        read = a_shown_read(1, "AB12CDE")
        world.publish(a_shown_hit(read, an_entry()), read)
        page.context.set_offline(False)
        page.wait_for_selector("article[data-waits=true]", timeout=20_000)
        page.wait_for_selector("#cut-off", state="hidden")
        forgive(page)


def forgive(page: Page) -> None:
    """Mark the browser's complaints about a network that the test took away as expected."""
    page.evaluate("console.info('expected')")

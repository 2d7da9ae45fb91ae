"""Every route of the page: signed in and not, with forms of its own and of others, with hostile texts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from alpr.edge_page.deciding import NO_REASON
from alpr.journal.dispositions import read_hits
from alpr.types import MatchKind, Verdict
from alpr.web.users import put_user, remove_user
from tests.page_world import PASSWORD, USER, a_shown_hit, a_shown_read, an_entry
from tests.unit.edge_page.conftest import ORIGIN, Officer

ANOTHER = "another one"
HOSTILE = '<script>alert(1)</script>" onload=\'x\' hx-get="/evil" {{7*7}} \u202e'


def a_hit_on(officer: Officer, plate: str = "AB12CDE", listed: str = "AB12CDE", priority: int = 2) -> str:
    read = a_shown_read(abs(hash(plate)) % 1000, plate)
    kind = MatchKind.EXACT if plate == listed else MatchKind.LOOK_ALIKE
    hit = a_shown_hit(read, an_entry(listed, priority), kind)
    officer.publish(hit, read)
    return hit.hit_id


def paths_of(officer: Officer, hit_id: str) -> list[tuple[str, str]]:
    """(method, path) of each route of the pages, with a hit that is there."""
    names = {"hit_id": hit_id, "which": "patch", "camera_id": "front"}
    found = []
    for route in officer.pages.routes:
        path = re.sub(r"{(\w+)}", lambda name: names[name[1]], route.path)
        found += [(method, path) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


def test_nobody_gets_anywhere_without_signing_in(officer: Officer) -> None:
    hit_id = a_hit_on(officer)
    paths = paths_of(officer, hit_id)
    assert len(paths) >= 11
    for method, path in [*paths, ("POST", "/sign-out")]:
        answer = officer.browser.request(method, path, headers={"Accept": "text/html"})
        assert answer.status_code in (303, 401), (method, path)
        assert "AB12CDE" not in answer.text
        if answer.status_code == 303:
            assert answer.headers["location"] == "/sign-in"
        partial = officer.browser.request(method, path, headers={"HX-Request": "true"})
        assert (partial.status_code, partial.headers["hx-redirect"]) == (401, "/sign-in"), (method, path)


def test_every_page_answers_who_is_signed_in(officer: Officer) -> None:
    hit_id = a_hit_on(officer)
    assert officer.sign_in() == 303
    for path in ("/", "/hits/next", f"/hits/{hit_id}", f"/hits/{hit_id}/patch.jpg", f"/hits/{hit_id}/vehicle.jpg"):
        assert officer.browser.get(path).status_code == 200, path
    for path in ("/history", "/cameras", "/device"):
        assert officer.browser.get(path).status_code == 200, path
    assert officer.browser.get("/hits/none", headers={"HX-Request": "true"}).status_code == 200
    assert officer.browser.get("/hits/none/patch.jpg").status_code == 404
    assert officer.browser.get("/cameras/none/live.jpg").status_code == 404
    assert officer.browser.get("/nowhere").status_code == 404


def test_every_form_needs_the_token_of_its_session(officer: Officer) -> None:
    hit_id = a_hit_on(officer)
    officer.sign_in()
    for method, path in [*paths_of(officer, hit_id), ("POST", "/sign-out")]:
        if method == "POST":
            for token in ("", "x", "\u2603"):
                answer = officer.browser.post(path, data={"csrf": token, "verdict": "correct"})
                assert answer.status_code == 403, (path, token)
    assert read_hits(officer.path)[0].dispositions == ()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"Host": "localhost/evil", "Origin": ORIGIN}, 421),
        ({"Host": "", "Origin": ORIGIN}, 421),
        ({"Content-Type": "text/plain"}, 403),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 403),
    ],
)
def test_a_form_from_elsewhere_is_refused(officer: Officer, headers: dict[str, str], status: int) -> None:
    hit_id = a_hit_on(officer)
    officer.sign_in()
    body = f"csrf={officer.csrf}&verdict=correct"
    all_headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    answer = officer.browser.post(f"/hits/{hit_id}/decide", content=body, headers=all_headers)
    assert answer.status_code == status
    assert read_hits(officer.path)[0].dispositions == ()


def test_a_path_in_the_host_header_opens_no_door(officer: Officer) -> None:
    """A Host such as `localhost/sign-in?` must not make any guard see another path than the router does."""
    a_hit_on(officer)
    for host in ("localhost/sign-in?", "localhost#", "localhost?x=/static", "user@localhost"):
        assert officer.browser.get("/", headers={"Host": host}).status_code == 421


def test_a_body_has_a_bound_whatever_its_head_says(officer: Officer) -> None:
    officer.sign_in()
    big = "csrf=" + "x" * (65 << 10)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert officer.browser.post("/mute", content=big, headers=kind).status_code == 413
    pieces = (b"x" * 1024 for _ in range(100))  # without a length
    assert officer.browser.post("/mute", content=pieces, headers=kind).status_code in (403, 413)
    assert officer.browser.request("PUT", "/mute").status_code == 405


def test_texts_of_lists_and_plates_stay_texts(officer: Officer) -> None:
    read = a_shown_read(1, "AB12CDE")
    entry = an_entry(
        "AB12CDE", 1, reason=HOSTILE, instructions=HOSTILE, vehicle=HOSTILE, category=HOSTILE,
        case_reference=HOSTILE, list_name=HOSTILE, colour='red" onclick="x', sound=HOSTILE,
    )  # fmt: skip
    hit = replace(a_shown_hit(read, entry), camera_id=HOSTILE)
    officer.publish(hit, read)
    officer.sign_in()
    pages = [officer.browser.get(path).text for path in ("/", f"/hits/{hit.hit_id}", "/history", "/device")]
    pages += [officer.state.whole().decode(), officer.state.render_queue()]
    for page in pages:
        assert "<script>alert" not in page
        assert 'hx-get="/evil"' not in page
        assert "onclick=" not in page.replace("&#34;", "")
        assert "49" not in re.findall(r"\{\{.*?\}\}|\b49\b", page)
    assert "&lt;script&gt;alert(1)" in pages[0]


def test_one_touch_decides_and_a_second_of_the_same_is_no_other_decision(officer: Officer) -> None:
    hit_id = a_hit_on(officer)
    officer.sign_in()
    assert officer.decide(hit_id, verdict="dismissed") == 200
    assert officer.decide(hit_id, verdict="dismissed") == 200
    (decided,) = read_hits(officer.path)
    assert [(each.verdict, each.by, each.reason) for each in decided.dispositions] == [
        ("dismissed", USER, NO_REASON[Verdict.DISMISSED])
    ]
    assert officer.decide(hit_id, verdict="dismissed", reason="Handled already") == 200
    assert read_hits(officer.path)[0].dispositions[-1].reason == "Handled already"
    assert officer.state.board.queue == []


def test_nothing_counts_as_done_without_source_and_time(officer: Officer) -> None:
    hit_id = a_hit_on(officer)
    officer.sign_in()
    for fields in (
        {},
        {"verified_with": "radio"},
        {"verified_at": "00:00"},
        {"verified_with": " ", "verified_at": "00:00"},
    ):
        answer = officer.browser.post(
            f"/hits/{hit_id}/decide", data={"csrf": officer.csrf, "verdict": "correct", "action": "stop", **fields}
        )
        assert answer.status_code == 422
        assert "verification" in answer.text
    assert read_hits(officer.path)[0].dispositions == ()
    now = f"{officer.state.now():%H:%M}"
    assert officer.decide(hit_id, verdict="correct", action="stop", verified_with="radio", verified_at=now) == 200


def test_what_was_typed_stays_where_it_is_refused(officer: Officer) -> None:
    hit_id = a_hit_on(officer)
    officer.sign_in()
    officer.decide(hit_id, verdict="correct")
    answer = officer.browser.post(
        f"/hits/{hit_id}/decide",
        data={
            "csrf": officer.csrf,
            "verdict": "correct",
            "action": "stop",
            "verified_with": "desk 4",
            "verified_at": "99:99",
        },
    )
    assert answer.status_code == 422
    assert 'value="desk 4"' in answer.text
    assert "is no time of day" in answer.text


def test_a_withdrawn_hit_leaves_the_queue_and_cannot_be_acted_on(officer: Officer) -> None:
    read = a_shown_read(1, "AB12CDE")
    hit = a_shown_hit(read, an_entry("AB12CDE", 1))
    officer.publish(hit, read)
    assert len(officer.state.board.queue) == 1
    officer.publish(replace(hit, is_withdrawn=True, plate_text="AB12CDF"), None, "update")
    officer.sign_in()
    assert officer.state.board.queue == []
    assert "Withdrawn: the plate now reads AB12CDF" in officer.browser.get(f"/hits/{hit.hit_id}").text
    now = f"{officer.state.now():%H:%M}"
    assert officer.decide(hit.hit_id, verdict="correct", action="stop", verified_with="radio", verified_at=now) == 422


def test_a_session_ends_with_its_user_and_with_a_new_password(officer: Officer) -> None:
    officer.sign_in()
    assert officer.browser.get("/").status_code == 200
    put_user(officer.users, USER, ANOTHER)
    assert officer.browser.get("/").status_code in (303, 401)
    assert officer.sign_in(password=ANOTHER) == 303
    remove_user(officer.users, USER)
    assert officer.browser.get("/").status_code in (303, 401)


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(officer: Officer) -> None:
    officer.sign_in()
    cookie = officer.browser.cookies[officer.site.cookie]
    assert officer.browser.post("/sign-out", data={"csrf": officer.csrf}).status_code == 303
    officer.browser.cookies.set(officer.site.cookie, cookie)
    assert officer.browser.get("/").status_code in (303, 401)


def test_guessing_passwords_is_slowed_down_by_name_and_by_address(officer: Officer) -> None:
    assert [officer.sign_in(password=ANOTHER) for _ in range(5)] == [403] * 5
    assert officer.sign_in() == 429
    assert officer.sign_in(name="bert") == 429  # from the same address


def test_a_sign_in_begins_another_session_than_any_that_was_planted(officer: Officer) -> None:
    officer.browser.cookies.set(officer.site.cookie, "planted")
    officer.sign_in()
    assert officer.site.sessions.find("planted") is None


def test_the_cookie_is_for_this_page_alone(officer: Officer) -> None:
    answer = officer.browser.post("/sign-in", data={"name": USER, "password": PASSWORD})
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags


def test_every_answer_has_a_strict_policy(officer: Officer) -> None:
    officer.sign_in()
    for path in ("/", "/sign-in", "/nowhere", officer.site.static.url("page.js"), "/cameras/none/live.jpg"):
        answer = officer.browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"


def test_no_page_has_anything_that_the_policy_would_stop(officer: Officer) -> None:
    a_hit_on(officer, "W05183K", "WO5183K")
    officer.sign_in()
    for path in ("/", "/history", "/cameras", "/device"):
        page = officer.browser.get(path).text
        assert not re.search(
            r"\sstyle=|\son\w+=|javascript:|<style|<script(?![^>]*\ssrc=)|https?://(?!www\.w3\.org)", page
        ), path

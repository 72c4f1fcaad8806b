from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgguard.page.pool import Pool
from imgguard.page.sessions import Sessions
from tests.page.axe import violations
from tests.page.served import Served, looking, serving

NASTY = """<img src=x onerror="document.title='hit'"> "'><script>document.title='hit'</script>{{ 7*7 }}"""


@pytest.mark.parametrize("name", ["One photo", "A folder", "Roster", "Reports"])
def test_every_view_can_be_reached_from_the_menu(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert not violations(page)


def test_nobody_comes_in_without_the_opening_address(served: Served) -> None:
    assert httpx.get(f"{served.base}/").status_code == 401


@pytest.fixture
def asked(browser: Browser, served: Served) -> Iterator[Page]:
    """A window whose operator has not said who they are."""
    with looking(browser, served, operator="") as page:
        yield page


def begin(page: Page, name: str, pin: str = "") -> None:
    """Give a name and a PIN with the keyboard alone."""
    expect(page.get_by_label("Your name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(pin)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation")).to_be_visible()


def test_the_token_is_neither_in_the_address_nor_in_the_history(asked: Page, served: Served) -> None:
    assert asked.url == f"{served.base}/"
    assert "token" not in asked.content()
    asked.go_back()
    assert "token" not in asked.url


def test_a_name_and_the_lock_need_no_mouse_and_lead_back_to_where_one_was(asked: Page, served: Served) -> None:
    begin(asked, "Dana Clerk", "4711")
    asked.get_by_role("link", name="Roster").press("Enter")
    expect(asked.get_by_role("heading", level=1)).to_contain_text("Roster")
    asked.get_by_role("button", name="Lock").press("Enter")
    expect(asked.get_by_label("PIN")).to_be_focused()
    assert "Dana" not in asked.content()
    asked.keyboard.type("0000")
    asked.keyboard.press("Enter")
    expect(asked.locator(".problem")).to_contain_text("Tries left before this session ends: 4")
    asked.goto(served.base + "/folder")
    expect(asked.get_by_label("PIN")).to_be_focused()
    asked.keyboard.type("4711")
    asked.keyboard.press("Enter")
    expect(asked.get_by_role("link", name="A folder")).to_have_attribute("aria-current", "page")


def test_html_in_the_operators_name_stays_text(asked: Page) -> None:
    begin(asked, NASTY)
    expect(asked.locator(".who")).to_contain_text(NASTY[:80].strip())
    assert asked.locator("header img, header script").count() == 0
    assert "hit" not in asked.title() and "49" not in asked.locator(".who").inner_text()


def test_a_name_is_needed_and_a_pin_that_is_too_short_is_told(asked: Page) -> None:
    asked.get_by_role("button", name="Begin").click()
    assert asked.evaluate("document.activeElement.id") == "name"
    asked.get_by_label("Your name").fill("Dana")
    asked.locator("#pin").evaluate("field => field.removeAttribute('minlength')")
    asked.get_by_label("PIN").fill("12")
    asked.get_by_role("button", name="Begin").click()
    expect(asked.locator(".problem")).to_contain_text("4 to 32 letters or digits")


def test_a_page_that_is_locked_elsewhere_is_blanked_in_every_window(asked: Page, served: Served) -> None:
    begin(asked, "Dana Clerk", "4711")
    other = asked.context.new_page()
    other.goto(served.base + "/roster")
    expect(other.locator(".who")).to_contain_text("Dana Clerk")
    asked.get_by_role("button", name="Lock").click()
    # The other window looks at once; without the word of the first it would look within five seconds.
    expect(other.get_by_label("PIN")).to_be_visible(timeout=2000)
    assert "Dana" not in other.content()


def test_what_is_left_alone_goes_from_the_screen_with_the_session(
    browser: Browser, school: Path, pool: Pool, tmp_path: Path
) -> None:
    sessions = Sessions(lock_after=3)
    with serving(school, tmp_path, pool=pool, sessions=sessions) as served, looking(browser, served) as page:
        ended = list[object]()
        served.app.state.on_close.append(ended.append)
        expect(page.locator(".who")).to_contain_text("D. Clerk")
        expect(page.get_by_role("heading", name="Nobody is at the page")).to_be_visible(timeout=15000)
        assert len(ended) == 1
        page.go_back()
        assert "D. Clerk" not in page.content()


def test_a_page_whose_program_has_ended_shows_nothing_any_more(
    browser: Browser, school: Path, pool: Pool, tmp_path: Path
) -> None:
    with serving(school, tmp_path, pool=pool) as served, looking(browser, served) as page:
        expect(page.locator(".who")).to_contain_text("D. Clerk")
        page.route("**/alive", lambda route: route.abort())
        expect(page.get_by_text("imgguard has ended")).to_be_visible(timeout=15000)
        assert "D. Clerk" not in page.content()


def test_language_and_light_are_switched_and_stay(page: Page, served: Served) -> None:
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_role("link", name="Photo", exact=True)).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "fr"
    page.get_by_role("button", name="Clair ou sombre").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 26)"
    page.goto(served.base + "/reports")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rapports")


@pytest.mark.parametrize("locale", ["en-CA", "fr-CA"])
def test_the_whole_menu_fits_on_a_phone(browser: Browser, served: Served, locale: str) -> None:
    with looking(browser, served, locale=locale, viewport={"width": 360, "height": 740}) as page:
        assert page.evaluate("(m => m.scrollWidth <= m.clientWidth)(document.querySelector('header nav'))")
        for part in page.locator("header a, header button").all():
            box = part.bounding_box()
            assert box is not None and box["height"] >= 44 and box["width"] >= 24


def test_the_browsers_language_is_the_first(browser: Browser, served: Served) -> None:
    with looking(browser, served, operator="", locale="fr-CA") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Qui est au travail?")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_views_before_and_after_the_work_are_accessible_at_any_width(
    browser: Browser, served: Served, scheme: str
) -> None:
    with looking(browser, served, operator="", color_scheme=scheme) as page:
        session = served.session_of(page)

        def seen(heading: str, path: str) -> None:
            page.goto(served.base + path)
            expect(page.get_by_role("heading", level=1)).to_have_text(heading)
            assert not violations(page)
            for width in (320, 360, 640, 1280):
                page.set_viewport_size({"width": width, "height": 700})
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (heading, width)

        seen("Who is working?", "/")
        session.operator = "D. Clerk"
        session.set_pin("4711")
        seen("There is nothing here", "/nothing")
        session.locked = True
        seen("The page is locked", "/")
        served.sessions.end(session)
        seen("Nobody is at the page", "/")


def test_a_question_is_asked_before_something_is_done(page: Page, served: Served) -> None:
    ask = "import('/static/base.js').then(m => { window.answer = m.ask({title: 'Withdraw?', text: 'All of it.'}); })"
    for key, answer in (("Escape", False), ("Enter", False)):
        page.evaluate(ask)
        dialog = page.get_by_role("dialog", name="Withdraw?")
        expect(dialog).to_be_visible()
        assert not violations(page)
        page.keyboard.press(key)
        assert page.evaluate("window.answer") is answer
        expect(dialog).to_have_count(0)
    page.evaluate(ask)
    page.get_by_role("button", name="Yes, go on").click()
    assert page.evaluate("window.answer") is True


def test_a_stream_of_events_begins_again_when_it_was_refused_or_broke(page: Page, served: Served) -> None:
    counted = iter(range(1, 9))

    async def events(request: Request) -> Response:
        number = next(counted)
        if number == 2:
            return Response(status_code=500)
        return Response(f"retry: 50\ndata: {number}\n\n", media_type="text/event-stream")

    served.app.router.routes.append(Route("/events", events))
    follow = "import('/static/base.js').then(m => { window.got = []; m.listen('/events', n => window.got.push(n)); })"
    page.evaluate(follow)
    # The page forbids code from text, so that the usual way to wait for a condition is closed.
    come = "new Promise(done => setInterval(() => [1, 3, 4].every(n => window.got.includes(n)) && done(true), 50))"
    assert page.evaluate(come)


def test_what_goes_wrong_is_told_and_stays_until_it_is_closed(page: Page, served: Served) -> None:
    tell = "import('/static/base.js').then(m => m.send('/lock', {body: {}}).catch(m.alertUser))"
    page.evaluate("document.querySelector('meta[name=csrf]').content = 'wrong'")
    page.evaluate(tell)
    alert = page.locator("#alerts")
    expect(alert).to_contain_text("This did not come from the page")
    assert not violations(page)
    alert.get_by_role("button", name="Close").click()
    expect(alert).to_be_empty()

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from consent.templates import drop_templates
from imgguard import BoundingBox
from tests.conftest import TrueFace
from tests.page.axe import violations
from tests.page.one import EVENTS, One, difference, recorded, shrunk
from tests.page.served import OPERATOR, Served, looking

GYM = EVENTS / "event_02_gym.jpg"
BALL = EVENTS / "event_07_evening.jpg"
# In the gym, those whose form covers the website, and those who may not be seen.
VISIBLE = {"020411", "020522", "020707", "020596"}
ELLIS, WALTER = (447, 526, 525, 622), (1565, 406, 1620, 479)
# The same two where the photo is a third as large, and nobody can be compared.
SMALL_ELLIS, SMALL_WALTER = (149, 175, 175, 206), (520, 135, 539, 159)
# A pattern on the floor that is taken for a face, and covered.
FALSE_COVER = (471, 926, 516, 985)


@pytest.fixture
def one(page: Page) -> One:
    return One(page)


def test_a_dropped_photo_is_saved_with_covers_over_whoever_may_not_be_seen(
    one: One, served: Served, truth: dict[str, tuple[TrueFace, ...]]
) -> None:
    assert not violations(one.page)
    one.publish_to()
    one.look_at(GYM)
    assert not violations(one.page)
    expect(one.page.locator("#photo-told")).to_contain_text("2 of 6 covered")
    saved = one.save()
    for face in truth["event_02_gym.jpg"]:
        changed = difference(GYM.read_bytes(), saved, face.box)
        assert changed == 0 if face.person in VISIBLE else changed > 10, face.person
    assert recorded(served.desk.school) == [(OPERATOR, "school_website", "published")]
    expect(one.page.locator("#printed")).to_have_text("Amina Baptiste-Rowe, Ellis, Malik, Jun")
    assert not violations(one.page)
    assert one.save() == saved
    assert len(recorded(served.desk.school)) == 1


def test_one_touch_covers_a_face_and_z_takes_it_back(one: One) -> None:
    one.publish_to()
    one.look_at(GYM)
    one.face(ELLIS).click()
    expect(one.page.locator("#counted")).to_have_text("3 of 6 covered")
    one.page.keyboard.press("z")
    expect(one.page.locator("#counted")).to_have_text("2 of 6 covered")
    one.page.keyboard.press("Shift+Z")
    expect(one.page.locator("#counted")).to_have_text("3 of 6 covered")
    one.settled()
    assert difference(GYM.read_bytes(), one.save(), BoundingBox(*ELLIS)) > 10


def test_a_box_covers_anything_by_mouse_and_by_keyboard(one: One) -> None:
    one.publish_to()
    one.look_at(GYM)
    one.page.get_by_role("button", name="Draw a box").click()
    stage = one.page.locator(".viewer-stage").bounding_box()
    assert stage is not None
    one.page.mouse.move(stage["x"] + 0.1 * stage["width"], stage["y"] + 0.8 * stage["height"])
    one.page.mouse.down()
    one.page.mouse.move(stage["x"] + 0.2 * stage["width"], stage["y"] + 0.9 * stage["height"], steps=3)
    one.page.mouse.up()
    expect(one.page.locator("#counted")).to_have_text("3 of 7 covered")
    one.page.keyboard.press("b")
    expect(one.page.locator(".viewer-box")).to_be_visible()
    for key in ["ArrowUp"] * 10 + ["Shift+ArrowLeft"] * 2:
        one.page.keyboard.press(key)
    one.page.keyboard.press("Enter")
    expect(one.page.locator("#counted")).to_have_text("4 of 8 covered")
    one.settled()
    saved = one.save()
    for x, y in [(0.15, 0.85), (0.48, 0.3)]:
        place = BoundingBox(2000 * x - 40, 1334 * y - 40, 2000 * x + 40, 1334 * y + 40)
        assert difference(GYM.read_bytes(), saved, place) > 3


def test_nobody_without_consent_is_revealed_by_the_page_or_by_hand(one: One, served: Served) -> None:
    one.publish_to()
    one.look_at(GYM)
    outline = one.face(WALTER)
    n = int(outline.get_attribute("data-n") or 0)
    outline.click()
    menu = one.page.locator(".viewer-menu")
    expect(menu).to_contain_text("consent refused for this purpose")
    assert menu.get_by_role("button").all_inner_texts() == ["Close"]
    assert not violations(one.page)
    by_hand = _by_hand(one, served)
    for body in [
        {"kind": "nobody", "n": n},
        {"kind": "person", "n": n, "subject_id": "020411"},
        {"kind": "person", "box": list(WALTER), "subject_id": "920855"},
        {"kind": "nobody", "box": [WALTER[0] + 3, WALTER[1] + 3, WALTER[2] + 3, WALTER[3] + 3]},
    ]:
        status, told = by_hand("say", {"version": 1, **body})
        assert status == 409, body
        assert told["error"]["what"]
    one.page.locator("#photo-told").click()
    assert difference(GYM.read_bytes(), one.save(), BoundingBox(*WALTER)) > 10


def test_a_face_in_doubt_is_kept_only_for_somebody_whose_consent_covers_it(one: One, served: Served) -> None:
    photo = shrunk(GYM, 3)
    one.publish_to()
    one.look_at(photo)
    expect(one.page.locator("#counted")).to_have_text("6 of 6 covered")
    _name(one, SMALL_WALTER, "walter", "Walter Brisebois", "stays covered: consent refused")
    expect(one.page.locator("#counted")).to_have_text("6 of 6 covered")
    _name(one, SMALL_ELLIS, "vanderh", "Ellis Vanderhoek", "would be visible")
    expect(one.page.locator("#counted")).to_have_text("5 of 6 covered")
    expect(one.face(SMALL_ELLIS)).to_have_class("face kept by-operator")
    one.settled()
    saved = one.save()
    assert difference(photo, saved, BoundingBox(*SMALL_ELLIS)) == 0
    assert difference(photo, saved, BoundingBox(*SMALL_WALTER)) > 10


def test_a_confirmed_face_becomes_a_reference_only_if_that_is_wanted(one: One, served: Served) -> None:
    with served.desk.store() as store:
        drop_templates(store, ["020522"])
    one.publish_to()
    one.look_at(GYM)
    _name(one, ELLIS, "020522", "Ellis Vanderhoek", "would be visible")
    expect(one.page.locator("#question")).to_contain_text("help to recognise Ellis Vanderhoek")
    assert not violations(one.page)
    one.page.get_by_role("button", name="Yes, keep it").click()
    expect(one.page.locator("#question")).to_be_hidden()
    one.settled()
    one.save()
    expect(one.page.locator("#notes")).to_contain_text("helps to recognise")
    one.page.get_by_role("button", name="Next photo").click()
    one.look_at(GYM)
    expect(one.face(ELLIS)).to_have_class("face kept")


def _name(one: One, box: tuple[int, int, int, int], query: str, name: str, follows: str) -> None:
    one.face(box).click()
    one.page.locator(".viewer-menu").get_by_role("button", name="This is").click()
    one.page.get_by_label("Name, number or class").fill(query)
    choice = one.page.locator("#who-list").get_by_role("button", name=name)
    expect(choice).to_contain_text(follows)
    assert not violations(one.page)
    with one.page.expect_response("**/say"):
        choice.click()


def test_a_false_cover_comes_off_where_nobody_is_and_never_off_a_sure_face(one: One, served: Served) -> None:
    one.publish_to()
    one.look_at(BALL)
    one.face(FALSE_COVER).click()
    one.page.locator(".viewer-menu").get_by_role("button", name="Nobody is under this").click()
    assert not violations(one.page)
    one.page.get_by_role("button", name="Nobody is there").click()
    expect(one.face(FALSE_COVER)).to_have_class("face kept by-operator")
    one.settled()
    status, _ = _by_hand(one, served)("say", {"kind": "nobody", "box": [1473, 276, 1567, 391]})
    assert status == 409
    saved = one.save()
    assert difference(BALL.read_bytes(), saved, BoundingBox(*FALSE_COVER)) == 0
    assert difference(BALL.read_bytes(), saved, BoundingBox(1473, 276, 1567, 391)) > 10


def _by_hand(one: One, served: Served):  # type: ignore[no-untyped-def]
    """Post what the page would not, with the session of the window."""
    session = served.session_of(one.page)
    place = f"{served.base}/one/photos/{one.id}"

    def post(what: str, body: dict[str, object]) -> tuple[int, dict[str, dict[str, str]]]:
        headers = {"x-csrf-token": session.csrf, "origin": served.base}
        answer = one.page.request.post(f"{place}/{what}", data=body, headers=headers)
        return answer.status, answer.json()

    return post


def test_two_tabs_look_at_two_photos_and_do_not_disturb_each_other(one: One, served: Served) -> None:
    other = One(one.page.context.new_page())
    other.page.goto(served.base)
    one.publish_to()
    other.publish_to("everybody")
    one.drop(GYM)
    other.drop(BALL)
    one.settled()
    other.settled()
    expect(one.page.locator("#counted")).to_have_text("2 of 6 covered")
    expect(other.page.locator("#counted")).to_have_text("6 of 6 covered")
    one.face(ELLIS).click()
    expect(one.page.locator("#counted")).to_have_text("3 of 6 covered")
    expect(other.page.locator("#counted")).to_have_text("6 of 6 covered")
    other.save()
    one.settled()
    one.save()
    assert [purpose for _, purpose, _ in recorded(served.desk.school)] == [None, "school_website"]


@pytest.fixture
def phone(browser: Browser, served: Served) -> Iterator[Page]:
    options = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "color_scheme": "dark"}
    with looking(browser, served, **options) as found:
        yield found


def test_on_a_phone_a_finger_covers_and_holding_shows_the_original(phone: Page) -> None:
    one = One(phone)
    one.publish_to()
    one.look_at(GYM)
    assert not violations(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    one.face(ELLIS).tap()
    expect(phone.locator("#counted")).to_have_text("3 of 6 covered")
    hold = phone.get_by_role("button", name="Hold to see the original").bounding_box()
    assert hold is not None
    phone.mouse.move(hold["x"] + 20, hold["y"] + 20)
    phone.mouse.down()
    expect(phone.locator(".viewer-original")).to_be_visible()
    phone.mouse.up()
    expect(phone.locator(".viewer-original")).to_be_hidden()


def test_the_keyboard_alone_leads_from_the_start_to_the_saved_file(one: One) -> None:
    page = one.page
    # From here on the browser hands its dialogs over; asked for at the last moment, it may still show one by itself.
    page.on("filechooser", lambda _: None)
    page.locator("#where").focus()
    with page.expect_response("**/one/choice"):
        page.keyboard.type("sc")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(GYM)
    one.settled()
    page.keyboard.press("Tab")
    for _ in range(12):
        if page.evaluate("document.activeElement.matches('.face.kept')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#counted")).to_have_text("3 of 6 covered")
    one.settled()
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert download.value.suggested_filename == "event_02_gym.jpg"
    expect(page.get_by_role("button", name="Next photo")).to_be_focused()


def test_sixty_megapixels_are_shown_and_saved_whole(one: One) -> None:
    across, down = np.linspace(0, 255, 9000, dtype=np.uint8), np.linspace(0, 255, 6667, dtype=np.uint8)
    drawn = np.full((down.size, across.size, 3), 120, np.uint8)
    drawn[..., 0], drawn[..., 1] = across, down[:, None]
    out = io.BytesIO()
    Image.fromarray(drawn).save(out, "JPEG", quality=90)
    one.page.set_default_timeout(120_000)
    one.publish_to("everybody")
    one.drop(out.getvalue())
    one.settled(120_000)
    with Image.open(io.BytesIO(one.save())) as saved:
        assert saved.size == (9000, 6667)

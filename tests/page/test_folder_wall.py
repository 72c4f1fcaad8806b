from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from consent.destinations import Destination, register
from consent.model import Purpose
from consent.school_policy import set_policy
from consent.store import Store
from tests.conftest import SAMPLES, TODAY, TrueFace
from tests.page.axe import violations
from tests.page.folders import ONE, YARD, Posted, differs, may_be_seen, some_photos, until
from tests.page.served import Served, looking

PATIENCE = 90_000


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return some_photos(tmp_path / "photos", ONE, YARD)


@pytest.fixture
def wall(served: Served, browser: Browser) -> Iterator[Page]:
    with looking(browser, served, start="/folder") as found:
        found.set_default_timeout(PATIENCE)
        yield found


def look_through(page: Page, folder: Path) -> None:
    page.get_by_label("Folder with the photos").fill(str(folder))
    page.select_option("#where", "for:school_website")
    page.get_by_role("button", name="Look through the photos").click()
    through(page)


def through(page: Page) -> None:
    expect(page.locator("#stage")).to_contain_text("are looked at", timeout=PATIENCE)
    expect(page.locator("#stage")).not_to_contain_text("anew", timeout=PATIENCE)


def test_a_folder_from_choosing_to_its_release(
    wall: Page, photos: Path, tmp_path: Path, truth: dict[str, tuple[TrueFace, ...]]
) -> None:
    assert not violations(wall)
    look_through(wall, photos)
    assert not violations(wall)
    wall.reload()
    through(wall)
    wall.get_by_role("option", name=YARD).click()
    large = wall.get_by_role("dialog", name=YARD)
    expect(large.locator("#list li").first).to_be_visible()
    assert not violations(wall)
    visible = large.locator("#list li", has=wall.locator(".chip.kept"))
    before = visible.count()
    visible.first.get_by_role("button").click()
    expect(visible).to_have_count(before - 1)
    large.get_by_role("button", name="Confirm").click()
    expect(large).to_be_hidden()
    wall.get_by_role("button", name="Release", exact=True).click()
    expect(wall.locator("#out")).to_have_value(f"{photos}-cleaned")
    assert not violations(wall)
    out = tmp_path / "out"
    wall.fill("#out", str(photos))
    wall.click("#release")
    expect(wall.locator("#release-form .problem")).to_contain_text("inside the input folder")
    wall.fill("#out", str(out))
    assert not out.exists()
    wall.click("#release")
    expect(wall.get_by_text("2 photos are published.")).to_be_visible()
    assert not violations(wall)
    shown = {face.person for face in truth[YARD] if differs(out / YARD, YARD, face) < 3}
    assert len(shown) == before - 1 and shown <= may_be_seen()


def test_the_wall_is_worked_through_with_the_keyboard_alone(wall: Page, photos: Path) -> None:
    look_through(wall, photos)
    wall.locator("[data-filter=all]").focus()
    wall.keyboard.press("Enter")
    wall.locator("#several").focus()
    wall.keyboard.press("Tab")
    options = wall.locator("#wall [role=option]")
    expect(options.nth(0)).to_be_focused()
    wall.keyboard.press("Shift+ArrowRight")
    expect(wall.locator("#selected")).to_have_text("2 selected")
    wall.keyboard.press("x")
    expect(wall.get_by_text("left out", exact=True)).to_have_count(2)
    wall.keyboard.press("z")
    expect(wall.get_by_text("left out", exact=True)).to_have_count(0)
    expect(wall.locator("#wall:focus-within")).to_have_count(1)
    wall.keyboard.press("c")
    through(wall)
    expect(wall.get_by_text("changed by hand")).to_have_count(1)
    wall.keyboard.press("?")
    expect(wall.get_by_role("dialog", name="Keys")).to_be_visible()
    assert not violations(wall)
    wall.keyboard.press("Escape")
    wall.keyboard.press("Enter")
    expect(wall.locator("#large")).to_be_visible()
    first = wall.locator("#large-name").text_content()
    wall.keyboard.press("Enter")
    expect(wall.locator("#large-name")).not_to_have_text(first or "")
    wall.keyboard.press("ArrowLeft")
    wall.keyboard.press("k")
    expect(wall.locator("#large-name")).not_to_have_text(first or "")
    wall.keyboard.press("Escape")
    expect(wall.get_by_text("confirmed", exact=True)).to_have_count(1)


def _twin(folder: Path) -> None:
    """A second picture of the same moment: cropped and a little brighter, so that its bytes and places are others."""
    pixels = np.asarray(Image.open(SAMPLES / "event" / YARD).convert("RGB"), np.int16)
    Image.fromarray(np.clip(pixels[8:, 8:] + 4, 0, 255).astype(np.uint8)).save(folder / "twin.jpg", quality=95)


def test_the_doubtful_faces_of_one_person_are_decided_in_one_touch(wall: Page, served: Served, photos: Path) -> None:
    (photos / ONE).unlink()
    _twin(photos)
    look_through(wall, photos)
    review = Posted(served.client(), 1)
    doubtful = {name: one["doubtful"] for name, one in review.photos().items()}
    assert all(doubtful.values()), doubtful
    wall.locator("[data-tab=groups]").click()
    group = wall.locator(".group", has_text="2 faces that look alike").first
    expect(group).to_be_visible()
    assert not violations(wall)
    # The search is sure of this face, so that it is not offered what the server would refuse.
    expect(group.get_by_role("button", name="Nobody is there")).to_have_count(0)
    group.get_by_role("button", name="Keep covered").click()
    through(wall)
    until(lambda: all(one["marks"] == 1 for one in review.photos().values()))
    wall.keyboard.press("z")
    until(lambda: not any(one["marks"] for one in review.photos().values()))
    expect(group).to_be_visible()
    group.get_by_role("button", name="This is").click()
    who = wall.get_by_role("dialog", name="Who is this?")
    expect(who).to_be_visible()
    assert not violations(wall)
    wall.locator("#who-list button").first.click()
    through(wall)
    until(lambda: all(one["marks"] == 1 for one in review.photos().values()))
    expect(group).to_have_count(0)


def test_two_people_release_what_the_policy_asks_two_for(
    school: Path, served: Served, browser: Browser, photos: Path, tmp_path: Path
) -> None:
    club = Destination("Club page", Purpose.MEMBERS_ONLY, "club.example", "A. Head", "B. Deputy", "A. Head", TODAY)
    with Store(school) as store:
        set_policy(store, "ap-2-27", {"two-administrators": True})
        register(store, club, TODAY)
    with looking(browser, served, start="/folder") as page:
        page.set_default_timeout(PATIENCE)
        page.get_by_label("Folder with the photos").fill(str(photos))
        page.select_option("#where", "to:Club page")
        page.get_by_role("button", name="Look through the photos").click()
        through(page)
        page.locator("[data-tab=release]").click()
        out = tmp_path / "out"
        page.fill("#out", str(out))
        for role in ("principal", "supervisor"):
            page.fill(f"#role-{role}", f"The {role}")
        for box in page.locator("#release-form input[type=checkbox]").all():
            box.check()
        page.click("#release")
        agree = page.get_by_role("button", name="Agree and publish")
        expect(agree).to_be_visible()
        assert not violations(page) and not out.exists()
        page.get_by_label("Name of the second administrator").fill("d. clerk")
        page.get_by_label("I have looked at these photos").check()
        agree.click()
        expect(page.locator("#tab-release .problem")).not_to_be_empty()
        assert not out.exists()
        page.get_by_label("Name of the second administrator").fill("E. Other")
        agree.click()
        expect(page.get_by_text("2 photos are published.")).to_be_visible()
    assert len(list(out.iterdir())) == 2

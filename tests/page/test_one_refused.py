"""What the view "One photo" does not take, does not show and does not leave behind."""

from __future__ import annotations

import http.client
import io
import zlib
from datetime import date

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from consent.destinations import Destination, register
from consent.model import Purpose
from consent.school_policy import set_policy
from consent.store import Store
from consent.templates import drop_templates
from consent.withdrawals import withdraw
from imgguard import BoundingBox
from imgguard.page.one_uploads import shown_name
from imgguard.photo import MAX_BYTES
from tests.conftest import TODAY
from tests.page.axe import violations
from tests.page.one import EVENTS, One, difference, recorded
from tests.page.served import Served, looking, serving
from tests.pictures import MARKER, as_bytes, planted_exif, scene

GYM = EVENTS / "event_02_gym.jpg"
HTML = "<img src=x onerror=alert(1)>.jpg"


@pytest.fixture
def one(page: Page) -> One:
    return One(page)


def _claims_too_much() -> bytes:
    """A small PNG that says it is 20,000 x 20,000 pixels."""
    content = bytearray(as_bytes(Image.new("RGB", (8, 8)), "PNG"))
    content[16:24] = (20_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GYM.read_bytes()[:100_000], "ends before the picture does"),
        (b"<html><script>alert(1)</script>", "not a photo"),
        (_claims_too_much(), "too large"),
        (b"", "empty"),
    ],
    ids=["truncated", "html", "bomb", "empty"],
)
def test_what_cannot_be_cleaned_is_refused_with_the_reason_and_what_to_do(
    one: One, served: Served, content: bytes, said: str
) -> None:
    one.publish_to()
    one.drop(content, "photo.jpg")
    expect(one.page.locator("#refusal")).to_contain_text(said, timeout=30_000)
    expect(one.page.locator("#drop")).to_be_visible()
    assert not violations(one.page)
    assert not _in_area(served)


def test_sixty_megapixels_are_cleaned_like_any_other_photo(one: One) -> None:
    large = as_bytes(Image.fromarray(scene(180, 135)).resize((9000, 6750)), "JPEG", quality=90)
    one.publish_to("everybody")
    one.drop(large)
    one.settled(120_000)
    assert Image.open(io.BytesIO(one.save())).size == (9000, 6750)


def test_more_bytes_than_can_be_cleaned_are_refused_by_their_length(served: Served) -> None:
    client = served.client()
    choice = client.post("/one/choice", json={"where": "everybody"}).json()["choice"]
    connection = http.client.HTTPConnection(served.base.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", f"/one/photos?choice={choice}")
    for name, value in {**client.headers, "content-length": str(MAX_BYTES + 1)}.items():
        connection.putheader(name, value)
    connection.putheader("cookie", "; ".join(f"{name}={value}" for name, value in client.cookies.items()))
    connection.endheaders(b"x" * 1000)
    assert connection.getresponse().status in (409, 413)


def test_names_that_are_html_are_only_ever_text(one: One, served: Served) -> None:
    with served.desk.store() as store, store.atomic():
        store.change("UPDATE subjects SET given_name = ? WHERE subject_id = '020411'", ("<b onclick=x>Amina</b>",))
    one.page.reload()
    one.publish_to()
    one.look_at(GYM.read_bytes(), HTML)
    expect(one.page.locator("#photo-name")).to_have_text(HTML)
    expect(one.page.locator("#list")).to_contain_text("<b onclick=x>Amina</b>")
    assert one.page.locator("main b, main [onclick], main [onerror]").count() == 0
    one.save()
    expect(one.page.locator("#printed")).to_contain_text("<b onclick=x>Amina</b>")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.jpg", "b.jpg"),
        ("..", "photo"),
        ("a\x00b\u202egpj.exe", "abgpj.exe"),
        ("", "photo"),
    ],
)
def test_nothing_of_an_uploads_name_reaches_a_path(given: str, shown: str) -> None:
    assert shown_name(given) == shown


def test_a_name_that_tells_who_is_on_it_becomes_a_neutral_one(one: One) -> None:
    one.publish_to()
    one.look_at(GYM.read_bytes(), "Amina Baptiste-Rowe 2026-09-12.jpg")
    with one.page.expect_download() as download:
        one.page.get_by_role("button", name="Save").click()
    assert download.value.suggested_filename == "photo-0001.jpg"


def _in_area(served: Served) -> list[bytes]:
    """What lies there, but for the empty file by which the area is locked."""
    return [path.read_bytes() for path in (served.folder / "area").rglob("*") if path.is_file() and path.stat().st_size]


def test_nothing_readable_lies_on_the_disk_and_nothing_at_all_afterwards(one: One, served: Served) -> None:
    photo = as_bytes(Image.open(GYM), "JPEG", quality=90, exif=planted_exif())
    assert MARKER in photo
    one.publish_to()
    one.look_at(photo)
    kept = _in_area(served)
    assert len(kept) >= 4
    for content in kept:
        assert MARKER not in content
        assert b"JFIF" not in content
        assert photo[5000:5064] not in content
    one.page.get_by_role("button", name="Leave without saving").click()
    expect(one.page.locator("#drop")).to_be_visible()
    one.page.wait_for_load_state("networkidle")
    assert not _in_area(served)
    one.look_at(GYM)
    served.sessions.end(served.session_of(one.page))
    assert not _in_area(served)


def test_a_photo_is_nobodys_but_its_browsers(one: One, served: Served) -> None:
    one.publish_to()
    one.look_at(GYM)
    client = served.client()
    for what in ("", "/original", "/shown", "/file", "/checked", "/people?n=1&version=1"):
        assert client.get(f"/one/photos/{one.id}{what}").status_code == 409
    assert client.post(f"/one/photos/{one.id}/save").status_code == 409
    assert not recorded(served.desk.school)


def test_nothing_goes_out_that_is_not_recorded(one: One, served: Served) -> None:
    one.publish_to()
    one.look_at(GYM)
    assert one.page.request.get(f"{served.base}/one/photos/{one.id}/file").status == 404
    one.save()
    assert one.page.request.get(f"{served.base}/one/photos/{one.id}/file").status == 200


def test_a_face_of_an_older_version_is_not_taken_for_another(one: One, served: Served) -> None:
    one.publish_to()
    one.look_at(GYM)
    headers = {"x-csrf-token": served.session_of(one.page).csrf, "origin": served.base}
    place = f"{served.base}/one/photos/{one.id}/say"
    for version, status in [(0, 409), (None, 409), (1, 200), (1, 409)]:
        body = {"kind": "cover", "n": 2, "version": version}
        assert one.page.request.post(place, data=body, headers=headers).status == status
    for box in ([0, 0, "a", 1], [0, 0, 1], None, [10, 10, 10, 10]):
        body = {"kind": "cover", "box": box}
        assert one.page.request.post(place, data=body, headers=headers).status in (400, 409)


def test_a_withdrawal_while_somebody_looks_is_seen_before_it_is_saved(one: One, served: Served) -> None:
    one.publish_to()
    one.look_at(GYM)
    with served.desk.store() as store:
        withdraw(store, "020522", [], "Letter", TODAY)
    one.page.get_by_role("button", name="Save").click()
    expect(one.page.locator("#alerts")).to_contain_text("has changed since you looked", timeout=30_000)
    expect(one.page.locator("#counted")).to_have_text("3 of 6 covered")
    assert not recorded(served.desk.school)
    one.settled()
    assert difference(GYM.read_bytes(), one.save(), BoundingBox(447, 526, 525, 622)) > 10


@pytest.mark.parametrize("lacking", ["school", "enrolled"])
def test_without_a_school_file_or_anybody_enrolled_everybody_is_covered(
    browser,
    pool,
    school,
    tmp_path,
    lacking: str,  # type: ignore[no-untyped-def]
) -> None:
    if lacking == "school":
        school = tmp_path / "none.imgguard"
    else:
        with Store(school) as store:
            drop_templates(store, [number for (number,) in store.query("SELECT subject_id FROM subjects")])
    with serving(school, tmp_path, pool=pool) as served, looking(browser, served) as page:
        one = One(page)
        expect(page.locator(".publication .notice")).to_contain_text("Everybody is covered")
        assert not violations(page)
        one.look_at(GYM)
        expect(page.locator("#counted")).to_have_text("6 of 6 covered")
        one.save()
        assert [purpose for _, purpose, _ in recorded(school)] == [None]


def test_what_the_schools_procedure_asks_is_asked_and_nothing_else(one: One, served: Served) -> None:
    with served.desk.store() as store:
        set_policy(store, "park-west-ap144", {})
        place = Destination(
            "Cedar page", Purpose.DIVISION_SOCIAL_MEDIA, "https://example.org", "M. One", "", "P. Two", date(2026, 9, 1)
        )
        register(store, place, TODAY)
    page = one.page
    page.reload()
    offered = page.locator("#where option").all_inner_texts()
    assert "Cedar page (Social media of the division)" in offered
    page.select_option("#where", "to:Cedar page")
    asked = page.locator(".asked:visible")
    for box in asked.get_by_role("checkbox").all():
        box.check()
    for field in asked.get_by_role("textbox").all():
        field.fill("P. Principal")
        field.blur()
    assert not violations(page)
    one.look_at(GYM)
    one.save()
    with served.desk.store() as store:
        ((destination, policy),) = store.query("SELECT destination, policy FROM runs")
    assert (destination, policy) == ("Cedar page", "park-west-ap144")

"""The roster on the page: people, withdrawals and what they take down, destinations, the first school file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from consent.audit import Kind, entries
from consent.destinations import all_destinations
from consent.people import withdrawn
from consent.school import open_school
from consent.showings import showings
from consent.store import Store
from imgguard.guard import Guard
from imgguard.page.pool import Pool
from imgguard.publication import Publication
from tests.conftest import SAMPLES, TODAY
from tests.page.axe import violations
from tests.page.served import Served, looking, serving
from tests.rings import FileRing
from tests.schools import PASSPHRASE

AMINA = "020411"
PERSON = f"/roster/person?number={AMINA}"
HTML = "<img src=x onerror=alert(1)><b>Bold</b>"


@pytest.fixture(scope="module")
def published(enrolled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A school file in which the real pipeline has published a photo that shows Amina."""
    folder = tmp_path_factory.mktemp("published")
    path = folder / "school.imgguard"
    path.write_bytes(enrolled.read_bytes())
    options = {"purpose": "school_website", "school": path, "passphrase": lambda: PASSPHRASE, "on": TODAY}
    with Guard(publication=Publication(operator="D. Clerk"), **options) as guard:  # type: ignore[arg-type]
        for photo in sorted((SAMPLES / "event").glob("*.jpg")):
            guard.clean(photo, folder / photo.name)
            if shows(path, AMINA):
                break
    assert shows(path, AMINA)
    with Store(path) as store:
        # Everything into the one file, to be copied.
        store.compact()
    return path


def shows(path: Path, number: str) -> bool:
    with Store(path) as store:
        return any(showing.visible for showing in showings(store, number))


@pytest.fixture
def after(published: Path, pool: Pool, tmp_path: Path) -> Iterator[Served]:
    path = tmp_path / "after.imgguard"
    path.write_bytes(published.read_bytes())
    with serving(path, tmp_path, pool=pool) as found:
        yield found


@pytest.mark.parametrize("path", ["/roster", PERSON, "/roster/destinations", f"/roster/take-down?number={AMINA}"])
def test_the_views_have_no_barrier_that_a_program_can_find(page: Page, served: Served, path: str) -> None:
    page.goto(served.base + path)
    assert not violations(page)


def test_the_views_fit_a_phone_in_french(browser: Browser, served: Served) -> None:
    with looking(browser, served, viewport={"width": 360, "height": 740}, locale="fr-CA") as page:
        for path in ("/roster", PERSON, "/roster/destinations"):
            page.goto(served.base + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
        expect(page.get_by_role("heading", level=1)).to_have_text("Destinations")


def test_people_are_found_by_name_or_number_and_told_with_reason_and_clause(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/roster")
    page.get_by_role("searchbox").fill("freya")
    page.keyboard.press("Enter")
    page.get_by_role("region", name="People").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Freya Lindqvist")
    website = page.get_by_role("row", name="School website").first
    expect(website).to_contain_text("Covered")
    expect(website).to_contain_text("marked “do not publish”")


def test_a_withdrawal_names_the_person_and_lists_what_to_take_down(browser: Browser, after: Served) -> None:
    with Store(after.desk.school) as store:
        (file,) = {showing.file for showing in showings(store, AMINA) if showing.visible}
    with looking(browser, after) as page:
        page.goto(after.base + PERSON)
        form = page.locator("form[action='/roster/withdraw']")
        form.get_by_label("Reason").fill("letter of the mother")
        form.get_by_label("I mean Amina Baptiste-Rowe (020411).").check()
        form.get_by_role("button", name="Withdraw consent").click()
        page.wait_for_url("**/take-down**")
        expect(page.get_by_role("row", name=file.file_id)).to_be_visible()
        assert not violations(page)
        with page.expect_download() as saved:
            page.get_by_role("link", name="Table (CSV)").click()
        (row,) = csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig")))
        assert (row["student"], row["output_sha256"]) == (AMINA, file.output_sha256)
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Page to print").click()
        # Its own style is allowed by its digest: without that it would have none.
        assert opened.value.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") != "32px"
        opened.value.close()
        page.get_by_role("checkbox", name="is down").check()
        page.get_by_role("button", name="Mark as taken down").click()
        expect(page.get_by_text("No published photo shows this person")).to_be_visible()
    with Store(after.desk.school) as store:
        assert withdrawn(store)[AMINA]
        assert [e.kind for e in entries(store)][-2:] == [Kind.WITHDRAWN, Kind.TAKEN_DOWN]


def test_nothing_is_withdrawn_without_the_tick_beside_the_name_or_for_another_number(served: Served) -> None:
    told = {"number": AMINA, "what": "all", "because": "letter"}
    with closing(served.client()) as client:
        for form in (told, {**told, "confirmed": "020448"}, {**told, "confirmed": AMINA, "what": "some"}):
            assert client.post("/roster/withdraw", data=form).status_code == 409
        assert client.post("/roster/withdraw", data={**told, "confirmed": AMINA, "because": " "}).status_code == 409
        with Store(served.desk.school) as store:
            assert not withdrawn(store)
        assert client.post("/roster/withdraw", data={**told, "confirmed": AMINA}).json()["go"].endswith(AMINA)
        del client.headers["x-csrf-token"]
        assert client.post("/roster/lift", data={**told, "confirmed": AMINA}).status_code == 403
    with Store(served.desk.school) as store:
        assert withdrawn(store)[AMINA]


def test_a_withdrawal_for_one_purpose_is_lifted_again(page: Page, served: Served) -> None:
    page.goto(served.base + PERSON)
    form = page.locator("form[action='/roster/withdraw']")
    expect(form.get_by_label("Yearbook")).to_be_hidden()
    form.get_by_label("Only these:").check()
    form.get_by_label("Yearbook").check()
    form.get_by_label("Reason").fill("call of the father")
    form.get_by_label("I mean").check()
    form.get_by_role("button").click()
    page.wait_for_url("**/take-down**")
    with Store(served.desk.school) as store:
        assert withdrawn(store) == {AMINA: {"yearbook"}}
    page.goto(served.base + PERSON)
    page.get_by_text("Lift the withdrawal").click()
    lift = page.locator("form[action='/roster/lift']")
    lift.get_by_label("Reason").fill("a new letter")
    lift.get_by_label("I mean").check()
    lift.get_by_role("button").click()
    expect(page.get_by_text("lifted on")).to_be_visible()
    with Store(served.desk.school) as store:
        assert not withdrawn(store)


def test_destinations_are_registered_and_closed_and_their_html_stays_text(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/roster/destinations")
    form = page.locator("form[action='/roster/destinations/add']")
    for label, text in {"Name": HTML, "Address": HTML, "Manager": "M. One", "Approved by": "P. Principal"}.items():
        form.get_by_label(label, exact=label != "Address").fill(text)
    form.get_by_role("button").click()
    expect(page.get_by_role("rowheader", name=HTML)).to_be_visible()
    assert page.locator("td img, th img, b").count() == 0
    page.get_by_role("button", name="Close").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_text("closed on")).to_be_visible()
    with Store(served.desk.school) as store:
        (place,) = all_destinations(store)
    assert (place.name, place.closed_on) == (HTML, TODAY)


def test_a_school_file_is_made_with_its_key_in_the_keyring(
    browser: Browser, pool: Pool, tmp_path: Path, ring: FileRing
) -> None:
    path = tmp_path / "new.imgguard"
    with serving(path, tmp_path, pool=pool) as served, looking(browser, served) as page:
        page.goto(f"{served.base}/roster")
        assert not violations(page)
        page.get_by_label("Name of the school").fill("Birch Hill School")
        page.get_by_role("button", name="Make the school file").click()
        expect(page.get_by_text("Drop the export here")).to_be_visible()
        assert not violations(page)
        with closing(served.client()) as client:
            again = client.post("/roster/begin", data={"title": "Other", "policy": "strict"})
            assert again.status_code == 409
    with Store(path) as store:
        school = open_school(store)
    assert school is not None and school.title == "Birch Hill School"

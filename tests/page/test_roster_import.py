"""Importing a roster on the page: its meaning is asked, its changes are shown, and what is wrong changes nothing."""

from __future__ import annotations

import io
import zipfile
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Page, expect

from consent import Verdict, decide
from consent.audit import entries
from consent.imports import imports, saved_mappings
from consent.model import Purpose
from consent.people import present_people
from consent.store import Store
from tests.conftest import SAMPLES, TODAY
from tests.page.axe import violations
from tests.page.served import Served
from tests.rosters import EXPORTS, write_csv, write_xlsx

HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def drop(page: Page, served: Served, file: Path) -> None:
    page.goto(f"{served.base}/roster")
    page.get_by_label("Drop the export here").set_input_files(file)


def imported(served: Served) -> int:
    with Store(served.desk.school) as store:
        return len(imports(store))


def kept_files(served: Served) -> list[Path]:
    return [path for path in (served.folder / "area").iterdir() if not path.name.startswith(".")]


def upload(client: object, content: bytes, name: str = "export.csv") -> str:
    answer = client.post("/roster/uploads", params={"name": name}, content=content)  # type: ignore[attr-defined]
    assert answer.status_code == 200, answer.text
    return str(answer.json()["go"])


def hidden(html: str, name: str) -> str:
    return html.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


def test_another_layout_is_told_on_the_form_and_kept_for_next_year(page: Page, served: Served, tmp_path: Path) -> None:
    drop(page, served, write_csv(EXPORTS["consent2go"], tmp_path / "autumn.csv"))
    expect(page.get_by_text("recognised as consent2go: columns Promotional, Online, Print")).to_be_visible()
    expect(page.get_by_text("It has no column for any purpose")).to_be_visible()
    assert not violations(page)
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Online", exact=True))
    row.get_by_label("School website", exact=True).check()
    for other in ("Promotional", "Print"):
        page.get_by_label(f"What {other} is").select_option("-")
    page.get_by_label("in what role they signed").select_option("guardian")
    page.locator("[name='constant.signed_by']").fill("form on file")
    page.locator("[name='constant.signed_on']").fill("2026-09-08")
    page.locator("form[action$='/say']").get_by_role("button", name="Read it so").click()
    expect(page.get_by_role("heading", name="What it changes")).to_be_visible()
    expect(page.get_by_role("rowheader", name="School website")).to_be_visible()
    expect(page.get_by_text("Not in the new roster, so no consent is left: 14")).to_be_visible()
    expect(page.get_by_text("signer_role is 'guardian' in every row").first).to_be_visible()
    assert not violations(page)
    assert imported(served) == 1
    page.get_by_role("button", name="Import these people (3)").click()
    page.wait_for_url("**/roster?imported=1")
    with Store(served.desk.school) as store:
        people = present_people(store)
        assert [one.name for one in saved_mappings(store)] == ["autumn"]
    shown = {n for n, p in people.items() if decide(p, Purpose.SCHOOL_WEBSITE, TODAY).verdict is Verdict.KEEP}
    assert set(people) == {"000001", "000002", "000003"} and shown == {"000001"}
    # Next year nothing has to be said.
    drop(page, served, write_csv(EXPORTS["consent2go"].with_cell(1, 3, "Yes"), tmp_path / "next.csv"))
    expect(page.get_by_text("recognised as autumn")).to_be_visible()
    expect(page.get_by_text("Gain consent: 1")).to_be_visible()


def test_an_export_of_this_year_shows_who_loses_before_anything_is_changed(
    page: Page, served: Served, tmp_path: Path
) -> None:
    lines = (SAMPLES / "roster.csv").read_text().splitlines()
    lines[1] = lines[1].replace(",yes,yes,yes,yes,yes,", ",yes,no,yes,yes,yes,").replace("Amina", HTML)
    (tmp_path / "new.csv").write_text("\n".join([*lines[:2], *lines[3:]]) + "\n")
    drop(page, served, tmp_path / "new.csv")
    expect(page.get_by_text("Lose consent: 1")).to_be_visible()
    expect(page.get_by_text("Not in the new roster, so no consent is left: 1")).to_be_visible()
    expect(page.locator("details", has_text="Lose consent").get_by_text(HTML)).to_be_visible()
    assert page.locator("main script, main img").count() == 0
    assert imported(served) == 1
    page.get_by_role("button", name="Import these people (13)").click()
    page.wait_for_url("**/roster?imported=1")
    expect(page.get_by_role("link", name=HTML).first).to_be_visible()
    assert page.locator("main script, main img").count() == 0


def hostile_xlsx() -> bytes:
    """A workbook whose sheet would grow without end when its entities are put in."""
    out, bomb = io.BytesIO(), b'<!DOCTYPE x [<!ENTITY a "yes"><!ENTITY b "&a;&a;&a;">]>'
    with TemporaryDirectory() as folder:
        book = write_xlsx(Path(folder) / "r.xlsx", [EXPORTS["imgguard"].header, *EXPORTS["imgguard"].rows])
        with zipfile.ZipFile(book) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
            for name in good.namelist():
                bad.writestr(name, (bomb if "sheet1" in name else b"") + good.read(name))
    return out.getvalue()


WRONG = {
    "photo.csv": (SAMPLES / "event").glob("*.jpg").__next__().read_bytes(),
    "empty.csv": b"\n\n",
    "bomb.xlsx": hostile_xlsx(),
    "broken.xlsx": b"PK\x03\x04 nothing of a workbook",
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_is_no_roster_is_refused_with_the_reason_and_kept_nowhere(
    page: Page, served: Served, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(WRONG[name])
    drop(page, served, tmp_path / name)
    expect(page.locator("#drop .problem")).to_contain_text(name, timeout=30_000)
    assert imported(served) == 1
    assert not kept_files(served)


def test_a_table_without_numbers_is_explained_and_cannot_be_imported(
    page: Page, served: Served, tmp_path: Path
) -> None:
    (tmp_path / "names.csv").write_text(f"Name,May we?\nAnn Ek,Yes\n{HTML},=1+1\n")
    drop(page, served, tmp_path / "names.csv")
    expect(page.get_by_role("alert").filter(has_text="names.csv")).to_contain_text("Nothing was changed.")
    expect(page.get_by_text(HTML[:20]).first).to_be_visible()
    assert page.locator("main script, main img").count() == 0
    assert page.get_by_role("button", name="Import these people").count() == 0
    assert not violations(page)
    page.get_by_label("What Name is").select_option("name")
    page.get_by_label("What May we? is").select_option("asks")
    page.get_by_role("button", name="Read it so").first.click()
    expect(page.locator("form[action$='/say'] .problem")).to_contain_text("What “May we?” is for is not told")
    page.locator("[data-item]", has_text="May we?").get_by_label("Yearbook", exact=True).check()
    page.get_by_role("button", name="Read it so").first.click()
    expect(page.locator("form[action$='/say'] .problem")).to_contain_text("no column holds the student number")
    with closing(served.client()) as client:
        by_hand = client.post(page.url.removeprefix(served.base) + "/confirm", data={"after": "1"})
        assert by_hand.status_code == 409
    assert imported(served) == 1


def test_a_workbook_with_formulas_and_merged_titles_is_read(page: Page, served: Served, tmp_path: Path) -> None:
    export = EXPORTS["imgguard"].with_cell(1, 4, "=HYPERLINK(1)")
    drop(page, served, write_xlsx(tmp_path / "book.xlsx", [export.header, *export.rows], "Hill School", "2026"))
    expect(page.get_by_text("recognised as imgguard")).to_be_visible()
    expect(page.get_by_text("People in it: 3").first).to_be_visible()


def test_of_two_tabs_the_second_has_to_look_again(served: Served) -> None:
    roster = (SAMPLES / "roster.csv").read_bytes()
    with closing(served.client()) as client:
        tabs = [upload(client, roster + line) for line in (b"", b"\n")]
        forms = [{name: hidden(client.get(tab).text, name) for name in ("seen", "after")} for tab in tabs]
        assert client.post(f"{tabs[0]}/confirm", data=forms[0]).json() == {"go": "/roster?imported=1"}
        second = client.post(f"{tabs[1]}/confirm", data=forms[1])
        assert second.status_code == 409 and "another roster was imported" in second.json()["error"]["what"]
        # The form of the one upload does not confirm the other, and neither does what was said since.
        assert client.post(f"{tabs[1]}/confirm", data={**forms[1], "seen": forms[0]["seen"]}).status_code == 409
        assert imported(served) == 2
        again = {name: hidden(client.get(tabs[1]).text, name) for name in ("seen", "after")}
        assert client.post(f"{tabs[1]}/confirm", data=again).status_code == 200
        assert client.get(tabs[0]).url.path == "/roster"
    with Store(served.desk.school) as store:
        assert len(imports(store)) == 3 and sum(e.kind == "roster_imported" for e in entries(store)) == 3


def test_uploads_are_encrypted_bounded_and_gone_with_their_session(served: Served) -> None:
    with closing(served.client()) as client, closing(served.client()) as other:
        first = upload(client, b"number,name\n1,Secret Child\n", "../../secret\u202e.csv")
        assert "secret.csv" in client.get(first).text and "../" not in client.get(first).text
        assert other.get(first).url.path == "/roster"
        assert all(b"Secret" not in path.read_bytes() for path in kept_files(served))
        for n in range(12):
            upload(client, f"number,name\n{n},Child\n".encode())
        assert len(kept_files(served)) == 8
        session = served.session(client.cookies.get(served.sessions.cookie))
        served.sessions.end(session)
        assert not kept_files(served)


def test_an_upload_that_is_too_large_is_refused(served: Served) -> None:
    with closing(served.client()) as client:
        answer = client.post("/roster/uploads", params={"name": "x.csv"}, content=b"a,b\n" * (17 * 2**20))
        assert answer.status_code == 413
    assert not kept_files(served)

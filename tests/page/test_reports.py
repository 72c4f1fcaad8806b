"""Reports on the page: figures are those of the record, what lapsed is listed, what was tampered with shows."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from consent.run_facts import run_facts
from consent.store import PhotoRecord, RunRecord, Store
from consent.withdrawals import withdraw
from imgguard.page.pool import Pool
from tests.consent.published import RIGHT, add_destination, covered, kept, publish
from tests.page.axe import violations
from tests.page.served import Served, looking, serving

HTML = "<img src=x onerror=alert(1)>"
VIEWS = ("", "/run/1", "/published", "/recheck?within=30", "/audit", "/privacy")


@pytest.fixture
def school(enrolled: Path, tmp_path: Path) -> Path:
    """A school file with one run of twelve photos and another, of which one shows Amina on a place with a bad name."""
    path = tmp_path / "school.imgguard"
    path.write_bytes(enrolled.read_bytes())
    with Store(path) as store:
        with store.atomic():
            run = store.add_run(RunRecord("0.1", "school_website", True, "blur", None, 14, 0.5, {}, operator=HTML))
            for n in range(10):
                faces = (*[kept("020411")] * (n % 4), *[covered("020448", RIGHT)] * (n % 3))
                name = "amina.jpg" if n == 1 else f"p-{n}.jpg"
                digests = (f"{n:02d}" * 32, f"{n + 50:02d}" * 32)
                store.add_photo(run, PhotoRecord("published", None, *digests, "jpeg", 1, faces, None, name))
            for kind in ("photo_truncated", "not_a_photo"):
                store.add_photo(run, PhotoRecord("refused", kind, "ab" * 32, None, None, 0, ()))
        add_destination(store, HTML)
        publish(store, [kept("020411")], source="aa", output="bb", name=HTML, destination=HTML)
    return path


@pytest.mark.parametrize("view", VIEWS)
def test_the_reports_have_no_barrier_and_fit_a_phone(page: Page, served: Served, view: str) -> None:
    page.goto(f"{served.base}/reports{view}")
    assert not violations(page)
    assert page.locator("main img, main script").count() == 0
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_charts_of_a_run_are_its_record(page: Page, served: Served) -> None:
    with Store(served.desk.school) as store:
        facts = run_facts(store, 1)
    page.goto(f"{served.base}/reports/run/1")
    by_reason = page.get_by_role("table", name="Why faces are visible or covered").locator("tbody tr")
    shown = {row.locator("th").inner_text().split("\n")[0]: row for row in by_reason.all()}
    wanted = Counter((face.verdict, face.reason) for face in facts.faces)
    assert {words: int(row.locator(".number").inner_text()) for words, row in shown.items()} == {
        "Visible: consent covers this purpose": wanted["keep", "consented"],
        "Covered: consent refused for this purpose": wanted["cover", "refused"],
    }
    widths = [float(row.locator("rect.bar-value").get_attribute("width") or 0) for row in shown.values()]
    most = max(wanted.values())
    assert widths == [pytest.approx(100 * count / most, abs=0.01) for _, count in wanted.most_common()]
    faces = page.get_by_role("table", name="Faces on a photo").locator("tbody tr")
    assert sum(int(row.locator(".number").inner_text()) for row in faces.all()) == len(facts.published) == 10
    refused = page.get_by_role("table", name="Why photos were refused").locator("tbody")
    expect(refused).to_contain_text("cut off")
    expect(refused).to_contain_text("not a photo")
    expect(page.get_by_text(HTML).first).to_be_visible()


def test_the_report_to_print_has_its_style_and_names_only_where_asked_for(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/reports/run/1/report")
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") != "32px"
    assert "Amina" not in page.content() and "amina.jpg" not in page.content() and "020411" in page.content()
    page.goto(f"{served.base}/reports/run/1/report?names=1")
    assert "Amina Baptiste-Rowe" in page.content() and "amina.jpg" in page.content()
    with closing(served.client()) as client:
        policy = client.get("/reports/run/1/report").headers["content-security-policy"]
        assert "unsafe" not in policy and "script" not in policy and "style-src 'sha256-" in policy
        saved = client.get("/reports/run/1/report?download=1").headers["content-disposition"]
        assert saved == 'attachment; filename="imgguard-run-1.html"'
        assert json.loads(client.get("/reports/run/1/json").text)["counts"]["refused"] == 2
        for wrong in ("99", "x", "-1", "1%00", "9" * 30):
            assert client.get(f"/reports/run/{wrong}").status_code == 404


def test_who_withdrew_is_found_on_what_was_published_and_ticked_off(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/reports/recheck")
    expect(page.get_by_text("everybody on them has a consent that holds")).to_be_visible()
    with Store(served.desk.school) as store:
        withdraw(store, "020411", [], "letter", date(2026, 11, 20))
    page.reload()
    boxes = page.get_by_role("checkbox")
    before = boxes.count()
    page.get_by_role("checkbox", name=HTML).check()
    page.get_by_role("button", name="Mark as taken down").click()
    expect(boxes).to_have_count(before - 1)
    with closing(served.client()) as client:
        assert client.get("/reports/recheck.csv").text.count("consent was withdrawn") == before - 1
        assert HTML not in client.get("/reports/recheck.html").text


def test_what_was_published_is_told_by_month_and_by_student(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/reports/published")
    month = page.get_by_role("table", name="Published per month").locator("tbody tr")
    assert sum(int(row.locator(".number").inner_text()) for row in month.all()) == 11
    amina = page.get_by_role("region", name="Published per student").get_by_role("row", name="Amina")
    with Store(served.desk.school) as store:
        shown = store.query(
            "SELECT count(DISTINCT source_sha256) FROM photos JOIN faces ON photo_id = photos.id"
            " WHERE verdict = 'keep' AND subject_id = '020411'"
        )
    expect(amina.locator(".number")).to_have_text(str(shown[0][0]))


def test_tampering_with_the_trail_is_shown_and_a_kept_head_finds_a_trail_written_anew(
    page: Page, served: Served
) -> None:
    page.goto(f"{served.base}/reports/audit")
    expect(page.get_by_text("The audit trail is whole")).to_be_visible()
    head = page.locator("#head").inner_text()
    page.get_by_label("Fingerprint that was kept").fill(head[:32])
    page.keyboard.press("Enter")
    expect(page.get_by_text("nothing up to there was cut or written anew")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export the trail").click()
    assert Path(saved.value.path()).read_text().count("\n") == len(page.locator("tbody tr").all())
    page.get_by_label("Fingerprint that was kept").fill("0" * 32)
    page.keyboard.press("Enter")
    expect(page.get_by_text("the pinned head is not in the trail")).to_be_visible()
    page.get_by_label("Fingerprint that was kept").fill("short")
    page.keyboard.press("Enter")
    expect(page.get_by_text("is no head of an audit trail")).to_be_visible()
    with closing(sqlite3.connect(served.desk.school)) as db:
        db.execute("DROP TRIGGER audit_is_not_edited")
        db.execute("UPDATE audit SET body = '{}' WHERE seq = 2")
        db.commit()
    page.goto(f"{served.base}/reports/audit")
    expect(page.get_by_text("The audit trail is NOT whole")).to_be_visible()
    expect(page.get_by_text("entry 2 was edited")).to_be_visible()
    expect(page.get_by_text("audit_is_not_edited")).to_be_visible()
    assert not violations(page)


def test_facts_for_a_privacy_assessment_name_every_table(served: Served) -> None:
    with closing(served.client()) as client:
        told = json.loads(client.get("/reports/privacy.json").text)
        html = client.get("/reports/privacy").text
        assert client.get("/reports/privacy.md").text.startswith("#")
    assert all(f"<code>{one['table']}</code>" in html for one in told["tables"])


@pytest.fixture
def nothing(pool: Pool, tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "none.imgguard", tmp_path, pool=pool) as found:
        yield found


def test_without_a_school_file_nothing_is_made_by_looking(browser: Browser, nothing: Served) -> None:
    with looking(browser, nothing, start="/reports") as page:
        expect(page.get_by_text("There is no school file yet")).to_be_visible()
        assert not violations(page)
        for view in ("/reports/audit", "/reports/run/1", "/roster/person?number=1", "/roster/take-down?number=1"):
            page.goto(nothing.base + view)
            assert page.url.removeprefix(nothing.base) in {"/reports", "/roster"}
    assert not nothing.desk.school.exists()

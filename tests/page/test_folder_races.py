"""What is published is what was looked at and agreed to, whatever happens at the same time."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from consent import reviews
from consent.destinations import Destination, register
from consent.model import Purpose
from consent.reviews import Kind, Release, Said
from consent.school_policy import set_policy
from consent.store import Store
from consent.withdrawals import withdraw
from imgguard.marking import covered_by_operator
from imgguard.page.desk import Told
from imgguard.page.pool import Pool
from imgguard.page.reviewing_desk import reviews_of
from imgguard.page.reviewing_release import Publishing
from imgguard.page.reviewing_seen import all_seen
from imgguard.publication import Publication
from tests.conftest import SAMPLES, TODAY
from tests.page.folders import ONE, TWO, YARD, Posted, some_photos, until
from tests.page.served import Served, serving


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return some_photos(tmp_path / "photos", ONE)


@pytest.fixture
def review(served: Served, photos: Path) -> Posted:
    found = Posted.begin(served.client(), photos)
    found.through()
    return found


def _cover(served: Served, review: Posted) -> None:
    """Keep a mark, as a request does that has come no further than its commit."""
    work = reviews_of(served.desk).at_work(review.number)
    assert work is not None
    with served.desk.store() as store:
        reviews.say(store, review.number, [Said(work.items[0].sha256, Kind.COVER, (9, 9, 99, 99), operator="D. Clerk")])


def test_nothing_is_published_without_what_was_said_a_moment_before(
    served: Served, review: Posted, tmp_path: Path
) -> None:
    _cover(served, review)
    assert review.release(out=str(tmp_path / "out")).status_code == 409
    assert not (tmp_path / "out").exists()


def test_what_is_said_before_the_run_is_begun_voids_it(served: Served, review: Posted, tmp_path: Path) -> None:
    found = reviews_of(served.desk)
    work = found.at_work(review.number)
    assert work is not None
    with served.desk.store() as store:
        told = {"out": str(tmp_path / "out"), "seen": all_seen(work.items)}
        reviews.release(store, review.number, Release("D. Clerk", "", told))
    publishing = Publishing(served.desk, work, found.row(review.number))
    _cover(served, review)
    publishing.start()
    publishing.join()
    assert publishing.state.problem and not publishing.state.published
    assert not (tmp_path / "out").exists()


def test_what_is_made_anew_at_the_end_shows_nobody_who_was_covered_before(
    served: Served, review: Posted, tmp_path: Path
) -> None:
    work = reviews_of(served.desk).at_work(review.number)
    assert work is not None
    (item,) = work.items
    assert item.cleaned and [face for face in item.cleaned.faces if face.cover is None]
    # As if the photo had been looked at with everybody covered.
    faces = tuple(covered_by_operator(face, work.guard.rules) for face in item.cleaned.faces)
    work._items[item.key] = replace(item, cleaned=replace(item.cleaned, faces=faces))
    served.desk.area.drop(work.area_name(item.key, "clean"))
    assert review.release(out=str(tmp_path / "out")).json() == {"waiting": False}
    assert [one["kind"] for one in review.released()["refused"]] == ["not_looked_at"]
    assert not (tmp_path / "out").exists()


def test_what_was_said_of_a_photo_is_never_done_to_another_in_its_place(served: Served, photos: Path) -> None:
    review = Posted.begin(served.client(), photos, "everybody")
    review.through()
    shutil.copy(SAMPLES / "event" / TWO, photos / ONE)
    assert review.say(ONE, "cover", box=[9, 9, 99, 99]).status_code == 200
    told = until(lambda: (one := review.photos()[ONE])["state"] == "refused" and one)
    assert "was changed while it was worked on" in told["problem"]["what"]


def test_nobody_agrees_to_photos_that_the_first_person_has_not_seen(
    served: Served, school: Path, photos: Path, tmp_path: Path
) -> None:
    page = Destination("Club page", Purpose.MEMBERS_ONLY, "club.example", "A. Head", "B. Deputy", "A. Head", TODAY)
    with Store(school) as store:
        set_policy(store, "ap-2-27", {"two-administrators": True})
        register(store, page, TODAY)
    review = Posted.begin(served.client(), photos, "to:Club page")
    review.through()
    agreed = {"principal": "P. Head", "supervisor": "S. Visor"}
    assert review.release(agreed=agreed, attested=True, out=str(tmp_path / "out")).json() == {"waiting": True}
    some_photos(photos, TWO)
    review.post("go-on")
    review.through()
    assert review.post("second", name="E. Other", looked=True).status_code == 409
    assert not (tmp_path / "out").exists()


def test_the_work_is_not_taken_away_while_it_is_published(served: Served, review: Posted, tmp_path: Path) -> None:
    goes, get = threading.Event(), served.desk.area.get
    _instead(served, "get", lambda name: (goes.wait(20), get(name))[1])
    assert review.release(out=str(tmp_path / "out")).json() == {"waiting": False}
    answers = [review.post(what).status_code for what in ("stop", "go-on", "drop")]
    goes.set()
    assert answers == [409] * 3
    assert review.released()["published"] == 1


def _instead(served: Served, name: str, work: Callable[..., object]) -> None:
    setattr(served.desk.area, name, work)


def test_a_folder_goes_on_when_nobody_is_there_and_is_dropped_by_whoever_finishes(
    served: Served, review: Posted
) -> None:
    found, kept = reviews_of(served.desk), served.desk.area.kept_bytes
    work = found.at_work(review.number)
    served.sessions.leave(served.session(review.client.cookies.get(served.sessions.cookie)))
    assert review.client.get("/").status_code == 401
    assert found.at_work(review.number) is work and served.desk.area.kept_bytes == kept
    again = Posted(served.client(), review.number)
    assert again.photos()[ONE]["state"] == "made"
    assert again.client.get(f"/folder/{again.number}/picture/{again.photos()[ONE]['key']}/shown").status_code == 200
    again.client.post("/end")
    assert found.at_work(review.number) is None and served.desk.area.kept_bytes == 0


def test_a_full_area_is_told_and_the_work_goes_on_when_there_is_room(served: Served, photos: Path) -> None:
    most, served.desk.area._most = served.desk.area._most, 30_000
    review = Posted.begin(served.client(), some_photos(photos, YARD))
    problem = until(lambda: review.wall()["progress"]["problem"])
    assert "room" in problem["remedy"] or "drop" in problem["remedy"]
    assert review.release(out="", with_open=True).status_code == 409
    served.desk.area._most = most
    review.post("go-on")
    assert {one["state"] for one in review.through().values()} == {"made"}


def test_a_school_file_that_another_process_holds_costs_no_work(
    served: Served, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.store._BUSY_S", 0.2)
    review = Posted.begin(served.client(), photos)
    with contextlib.closing(sqlite3.connect(served.desk.school, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        review.through()
        answer = review.say(ONE, "cover", box=[9, 9, 99, 99])
        assert answer.status_code == 409 and answer.json()["error"]["remedy"]
        assert review.release(out="").status_code == 409
    assert review.say(ONE, "cover", box=[9, 9, 99, 99]).status_code == 200


def _interrupt(school: Path) -> None:
    """Leave a release as a crash does that came after the first photo's record and before the second's."""
    with Store(school) as store, store.atomic():
        store.change("DELETE FROM photos WHERE published_name = ?", (TWO,))
        store.change("UPDATE reviews SET state = 'releasing'")
        store.change("UPDATE runs SET finished_at = NULL")


@pytest.mark.parametrize("changed", [False, True])
def test_a_release_that_goes_on_records_what_was_written_and_leaves_out_what_nobody_released(
    school: Path, pool: Pool, photos: Path, tmp_path: Path, changed: bool
) -> None:
    out = tmp_path / "out"
    with serving(school, tmp_path / "first", pool=pool) as served:
        review = Posted.begin(served.client(), some_photos(photos, TWO))
        review.through()
        review.release(out=str(out), with_open=True)
        assert review.released()["published"] == 2
    _interrupt(school)
    if changed:
        shutil.copy(SAMPLES / "event" / YARD, photos / TWO)
        (out / TWO).unlink()
    with serving(school, tmp_path / "second", pool=pool) as served:
        again = Posted(served.client(), review.number)
        again.through()
        again.post("continue")
        assert {one["place"]: one["kind"] for one in again.released()["refused"]} == (
            {TWO: "not_looked_at"} if changed else {}
        )
    assert (out / TWO).exists() is not changed
    with Store(school) as store:
        rows = store.query("SELECT count(*) FROM photos WHERE status = 'published' AND published_name = ?", (TWO,))
    assert rows == [(int(not changed),)]


def test_another_school_file_in_the_place_of_the_first_is_seen(served: Served, tmp_path: Path) -> None:
    told, school = Told(Publication(operator="D. Clerk"), Purpose.SCHOOL_WEBSITE), served.desk.school
    other = Path(shutil.copy(school, tmp_path / "other.imgguard"))
    for path, number in ((school, "020448"), (other, "020596")):
        with Store(path) as store:
            withdraw(store, number, Purpose, "a letter", TODAY)
    before = served.desk.guard(told)
    assert served.desk.guard(told) is before
    shutil.copy(other, school)
    assert served.desk.guard(told) is not before
    assert served.desk.guard(told).rules.subjects["020596"].withdrawn


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400", "NaN", "-1e9"])
def test_a_box_that_is_none_is_refused(review: Posted, number: str) -> None:
    key = review.photos()[ONE]["key"]
    body = f'{{"things": [{{"key": "{key}", "kind": "cover", "box": [1, 1, {number}, 9]}}]}}'
    assert review.client.post(f"/folder/{review.number}/say", content=body).status_code == 409
    assert review.client.post(f"/folder/{review.number}/say", content="[" * 100_000).status_code == 400


def test_whoever_works_is_who_gave_their_name_and_not_who_a_form_says(served: Served, photos: Path) -> None:
    review = Posted.begin(served.client(), photos, "everybody", operator="P. Head")
    assert reviews_of(served.desk).row(review.number).operator == "D. Clerk"

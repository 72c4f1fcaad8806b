from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from consent.destinations import Destination, register
from consent.model import Purpose
from consent.school_policy import set_policy
from consent.store import Store
from imgguard.page.pool import Pool
from tests.conftest import TODAY, TrueFace
from tests.page.folders import ONE, TWO, YARD, Posted, differs, may_be_seen, some_photos
from tests.page.served import Served, serving


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return some_photos(tmp_path / "photos", ONE, TWO)


def test_nothing_is_published_before_the_release_and_then_everybody_is_covered_who_must_be(
    served: Served, photos: Path, tmp_path: Path, truth: dict[str, tuple[TrueFace, ...]]
) -> None:
    out = tmp_path / "out"
    review = Posted.begin(served.client(), some_photos(photos, YARD))
    review.through()
    assert review.say(TWO, "cover", box=[100, 100, 200, 200]).status_code == 200
    review.say(ONE, "left_out")
    assert not out.exists()
    review.through()
    assert review.release(out=str(out)).json() == {"waiting": False}
    told = review.released()
    # The yard has a doubtful face that nobody confirmed, and that it is to be published covered was not said.
    assert {one["place"]: one["kind"] for one in told["refused"]} == {ONE: "left_out", YARD: "not_confirmed"}
    assert [path.name for path in out.iterdir()] == [TWO]
    assert all(differs(out / TWO, TWO, face) > 3 for face in truth[TWO])
    with Store(served.desk.school) as store:
        rows = store.query("SELECT status, refusal FROM photos WHERE run_id = ? ORDER BY id", (told["run"],))
        overrides = store.query("SELECT kind, operator FROM overrides")
        run = store.query("SELECT operator, finished_at IS NOT NULL FROM runs WHERE id = ?", (told["run"],))
    assert sorted(rows, key=str) == [("published", None), ("refused", "left_out"), ("refused", "not_confirmed")]
    assert ("cover", "D. Clerk") in overrides and run == [("D. Clerk", 1)]
    assert review.say(TWO, "open").status_code == 409
    assert review.post("undo").status_code == 409


def test_a_zip_has_neutral_names_and_lies_nowhere_in_the_clear(
    served: Served, photos: Path, tmp_path: Path, truth: dict[str, tuple[TrueFace, ...]]
) -> None:
    review = Posted.begin(served.client(), photos)
    review.through()
    assert review.client.get(f"/folder/{review.number}/zip").status_code == 404
    review.release(out="", with_open=True)
    assert review.released()["published"] == 2
    with zipfile.ZipFile(io.BytesIO(review.client.get(f"/folder/{review.number}/zip").content)) as archive:
        names = archive.namelist()
        assert archive.testzip() is None and all(name.startswith("photo-") for name in names) and len(names) == 2
        archive.extractall(tmp_path / "unzipped")
    by_name = dict(zip(sorted(names), (TWO, ONE), strict=True))
    for name, own in by_name.items():
        visible = {face.person for face in truth[own] if differs(tmp_path / "unzipped" / name, own, face) < 3}
        assert visible <= may_be_seen()


@pytest.mark.parametrize("out", [" ", "out", "{photos}", "{photos}/inside", "{photos}/../photos", "a\x00b"])
def test_an_output_folder_that_cannot_be_one_is_refused(served: Served, photos: Path, out: str) -> None:
    review = Posted.begin(served.client(), photos, "everybody")
    review.through()
    before = sorted(photos.iterdir())
    answer = review.release(out=out.format(photos=photos), folder=True)
    assert answer.status_code == 409 and answer.json()["error"]["remedy"]
    assert sorted(photos.iterdir()) == before


@pytest.fixture
def two_administrators(school: Path) -> Path:
    told = Destination("Club page", Purpose.MEMBERS_ONLY, "club.example", "A. Head", "B. Deputy", "A. Head", TODAY)
    with Store(school) as store:
        set_policy(store, "ap-2-27", {"two-administrators": True})
        register(store, told, TODAY)
    return school


def test_a_release_waits_for_a_second_person_where_the_policy_asks_for_one(
    two_administrators: Path, served: Served, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    review = Posted.begin(served.client(), photos, "to:Club page")
    review.through()
    assert review.post("second", name="E. Other", looked=True).status_code == 409
    agreed = {"principal": "P. Head", "supervisor": "S. Visor"}
    missing = review.release(attested=True, out=str(out))
    assert missing.status_code == 409 and "principal" in missing.json()["error"]["what"]
    attested = {"agreed": agreed, "attested": True, "out": str(out), "with_open": True}
    assert review.release(**attested).json() == {"waiting": True}
    for name in ("D. Clerk", " d.  clerk ", "Clerk, D.", "", "  "):
        assert review.post("second", name=name, looked=True).status_code == 409, name
    assert review.post("second", name="E. Other").status_code == 409
    # What is changed after the first release has to be released again.
    review.say(ONE, "cover", box=[100, 100, 200, 200])
    review.through()
    assert review.post("second", name="E. Other", looked=True).status_code == 409
    assert not out.exists()
    assert review.release(**attested).json() == {"waiting": True}
    assert review.post("second", name="E. Other", looked=True).status_code == 200
    assert review.released()["published"] == 2
    assert len(list(out.iterdir())) == 2
    with Store(served.desk.school) as store:
        ((operator, signed),) = store.query("SELECT operator, sign_offs FROM runs")
    assert operator == "D. Clerk" and "second_administrator:E. Other" in str(signed)


def test_a_release_that_was_interrupted_publishes_only_what_is_missing(
    school: Path, photos: Path, pool: Pool, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with serving(school, tmp_path / "first", pool=pool) as served:
        review = Posted.begin(served.client(), photos)
        review.through()
        review.release(out=str(out), with_open=True)
        run = review.released()["run"]
    # As after a crash between the first photo and the second.
    with Store(school) as store, store.atomic():
        store.change("DELETE FROM photos WHERE published_name = ?", (TWO,))
        store.change("UPDATE reviews SET state = 'releasing'")
        store.change("UPDATE runs SET finished_at = NULL")
    (out / TWO).unlink()
    before = (out / ONE).stat()
    with serving(school, tmp_path / "second", pool=pool) as served:
        again = Posted(served.client(), review.number)
        again.through()
        assert again.say(TWO, "left_out").status_code == 409
        assert again.post("continue").status_code == 200
        told = again.released()
        assert told["run"] == run and told["published"] == 2 and not told["refused"]
    assert (out / ONE).stat().st_ino == before.st_ino and (out / TWO).is_file()
    with Store(school) as store:
        assert store.query("SELECT count(*) FROM photos WHERE run_id = ?", (run,)) == [(2,)]
        assert store.query("SELECT count(*) FROM runs") == [(1,)]


def test_a_withdrawal_after_the_look_is_seen_before_the_release(served: Served, photos: Path, tmp_path: Path) -> None:
    from consent.withdrawals import withdraw

    review = Posted.begin(served.client(), photos)
    review.through()
    with Store(served.desk.school) as store:
        withdraw(store, "020596", Purpose, "a letter", TODAY)
    assert review.release(out=str(tmp_path / "out")).status_code == 409
    assert not (tmp_path / "out").exists()
    review.post("go-on")
    review.through()
    assert not [face for face in review.photo(ONE)["faces"] if face["state"] == "kept"]


def test_what_is_looked_through_again_takes_the_place_of_what_was_published(
    served: Served, photos: Path, tmp_path: Path
) -> None:
    first = Posted.begin(served.client(), photos)
    first.through()
    first.release(out=str(tmp_path / "first"), with_open=True)
    run = first.released()["run"]
    again = Posted.begin(served.client(), photos, again=str(run))
    again.through()
    again.say(ONE, "cover_all")
    again.through()
    again.release(out=str(tmp_path / "second"), with_open=True)
    newer = again.released()["run"]
    with Store(served.desk.school) as store:
        rows = store.query("SELECT run_id, id, replaces, source_sha256 FROM photos ORDER BY id")
    before = {source: number for run_id, number, _, source in rows if run_id == run}
    assert len(before) == 2
    assert {source: replaces for run_id, _, replaces, source in rows if run_id == newer} == before

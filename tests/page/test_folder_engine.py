from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from imgguard.page.pool import Pool
from tests.conftest import TrueFace
from tests.page.folders import ONE, TWO, YARD, Posted, differs, may_be_seen, some_photos, until
from tests.page.served import Served, serving


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return some_photos(tmp_path / "photos", ONE, TWO)


def test_what_was_said_outlives_a_restart_and_can_be_undone_after_it(school: Path, pool: Pool, tmp_path: Path) -> None:
    with serving(school, tmp_path / "first", pool=pool) as served:
        first = Posted.begin(served.client(), some_photos(tmp_path / "yard", ONE, YARD))
        first.through()
        kept = [face for face in first.photo(YARD)["faces"] if face["state"] == "kept"]
        assert kept
        assert first.say(YARD, "cover_all").status_code == 200
        assert first.say(ONE, "left_out").status_code == 200
        first.through()
        assert not [face for face in first.photo(YARD)["faces"] if face["state"] == "kept"]
    some_photos(tmp_path / "yard", TWO)
    with serving(school, tmp_path / "second", pool=pool) as served:
        again = Posted(served.client(), first.number)
        found = again.through()
        assert found[ONE]["verdict"] == "left_out" and found[TWO]["new"] and not found[YARD]["new"]
        faces = again.photo(YARD)["faces"]
        assert not [face for face in faces if face["state"] == "kept"]
        assert sum(face["by_operator"] for face in faces) == len(kept)
        assert again.photo(YARD)["history"][0]["operator"] == "D. Clerk"
        assert again.post("undo").json()["keys"] == [found[ONE]["key"]]
        assert again.post("undo").json()["keys"] == [found[YARD]["key"]]
        again.through()
        assert [face for face in again.photo(YARD)["faces"] if face["state"] == "kept"]
        assert again.post("undo").json()["keys"] == []


def test_a_run_rests_stops_and_goes_on(served: Served, photos: Path) -> None:
    review = Posted.begin(served.client(), photos)
    assert review.post("pause", paused=True).json()["stage"] == "paused"
    assert review.post("stop").status_code == 200
    assert review.client.get(f"/folder/{review.number}/photos").status_code == 409
    assert review.post("go-on").status_code == 200
    assert len(review.through()) == 2


def test_a_killed_worker_costs_no_photo(school: Path, photos: Path, tmp_path: Path) -> None:
    with serving(school, tmp_path, workers=1) as served:
        review = Posted.begin(served.client(), some_photos(photos, YARD))
        processes = until(lambda: list((served.desk.pool._executor._processes or {}).values()))
        os.kill(processes[0].pid, signal.SIGKILL)
        assert {one["state"] for one in review.through().values()} == {"made"}


def test_refused_and_hostile_files_are_listed_with_their_reason(served: Served, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes((photos / ONE).read_bytes()[:4000])
    (photos / "<img src=x>.png").write_bytes(b"<script>alert(1)</script>")
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "link.jpg").symlink_to(tmp_path / "school.imgguard")
    (photos / "notes.txt").write_text("no photo")
    review = Posted.begin(served.client(), photos)
    found = review.through()
    refused = {name: one["problem"] for name, one in found.items() if one["state"] == "refused"}
    assert refused.keys() == {"broken.jpg", "<img src=x>.png", "empty.jpg", "link.jpg"}
    assert all(problem["what"] and problem["remedy"] for problem in refused.values())
    assert review.wall()["others"] == 1
    assert review.release(out=str(tmp_path / "out")).status_code == 200
    told = review.released()
    assert told["published"] == 2 and {one["place"] for one in told["refused"]} == refused.keys()


@pytest.mark.parametrize(
    "folder", ["", "photos", "../photos", "/no/such/folder", "~nobody-here/x", "a\x00b", "/etc/passwd"]
)
def test_what_is_no_folder_is_refused_with_a_reason(served: Served, folder: str) -> None:
    answer = served.client().post("/folder/begin", data={"folder": folder, "where": "everybody"})
    assert answer.status_code == 409 and answer.json()["error"]["remedy"]


def test_nobody_is_revealed_by_posting(
    served: Served, photos: Path, truth: dict[str, tuple[TrueFace, ...]], tmp_path: Path
) -> None:
    review = Posted.begin(served.client(), some_photos(photos, YARD))
    review.through()
    covered = [face for face in review.photo(YARD)["faces"] if face["state"] != "kept"]
    never = sorted({face.person for face in truth[YARD]} | {"020485", "no such number", ""} - may_be_seen())
    for face in covered:
        review.say(YARD, "nobody", box=face["box"])
        for number in never:
            review.say(YARD, "person", box=face["box"], subject_id=number)
    for odd in ([0, 0, 0, 0], ["a", 1, 2, 3], [1e9] * 4, {}, None, "box"):
        assert review.say(YARD, "person", box=odd, subject_id="020448").status_code == 409
    assert review.say(YARD, "keep", box=covered[0]["box"]).status_code == 409
    review.through()
    assert review.release(out=str(tmp_path / "out"), with_open=True).status_code == 200
    review.released()
    visible = {face.person for face in truth[YARD] if differs(tmp_path / "out" / YARD, YARD, face) < 3}
    assert visible and visible <= may_be_seen()

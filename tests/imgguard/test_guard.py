from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import piexif
import pytest

from consent import Store
from consent.audit import entries
from imgguard import Guard, Reason, RosterError, SetupError
from imgguard.inspection import inspect_photo
from imgguard.report import build_report
from imgguard.rules import checked_fpir
from imgguard.scales import Search
from tests.conftest import SAMPLES

ONE = SAMPLES / "event" / "event_09_one.jpg"


@pytest.mark.parametrize("search", ["fast", "thorough", Search.NORMAL])
def test_the_search_reaches_the_detector(
    search: str, make_guard: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[object] = []
    for place in ("pipeline", "inspection"):
        monkeypatch.setattr(f"imgguard.{place}.detect_faces", lambda photo, backends, how: asked.append(how) or ())
    guard = make_guard(recognition=False, search=search)
    guard.clean(ONE, tmp_path, dry_run=True)
    inspect_photo(ONE, guard)
    assert asked == [Search(search)] * 2


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"search": "quick"}, "fast, normal, thorough"),
        ({"fpir": 0.5}, "0.000001 to 0.01"),
        ({"fpir": math.nan}, "0.000001 to 0.01"),
        ({"fpir": 0}, "0.000001 to 0.01"),
        ({"fpir": "0.001"}, "0.000001 to 0.01"),
    ],
)
def test_unknown_searches_and_shares_are_refused_with_what_there_is(option: dict[str, object], told: str) -> None:
    with pytest.raises(SetupError, match=told):
        Guard(recognition=False, **option)  # type: ignore[arg-type]


def test_the_ends_of_the_range_are_inside() -> None:
    assert (checked_fpir(0.000001), checked_fpir(0.01)) == (0.000001, 0.01)
    with pytest.raises(SetupError):
        checked_fpir(math.nextafter(0.01, 1))


def test_a_smaller_share_asks_for_a_higher_score_and_is_reported(make_guard: Callable[..., Guard]) -> None:
    usual, strict = make_guard(), make_guard(fpir=0.000001)
    assert usual.rules.gallery is not None and strict.rules.gallery is not None
    assert strict.rules.gallery.threshold > usual.rules.gallery.threshold
    told = [json.loads(build_report([], guard.rules, [], []))["fpir"] for guard in (usual, strict)]
    assert told == [0.001, 0.000001]


def test_only_the_people_of_the_group_are_enrolled_and_the_others_are_strangers(
    make_guard: Callable[..., Guard],
) -> None:
    here, elsewhere = make_guard(groups=("grade 8",)), make_guard(groups=("Grade 4", "Staff"))
    assert here.rules.gallery is not None and elsewhere.rules.gallery is not None
    assert here.rules.gallery.subject_ids == ("020411", "020448", "020596", "020633")
    (kept,) = inspect_photo(ONE, here).faces
    assert (kept.cover, kept.decision.subject_id) == (None, "020596"), "the control: in the group, known and kept"
    (face,) = inspect_photo(ONE, elsewhere).faces
    assert face.cover is not None and face.decision.reason is Reason.NO_MATCH
    assert json.loads(build_report([], here.rules, [], []))["groups"] == ["grade 8"]


def test_people_outside_the_group_are_neither_opened_nor_missed(
    make_guard: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "020411.jpg").write_bytes(b"no picture, in Grade 8")
    (tmp_path / "999999.jpg").write_bytes(b"of nobody")
    (tmp_path / "020485.jpg").write_bytes((SAMPLES / "id_photos" / "020485.jpg").read_bytes())
    told = [str(finding) for finding in make_guard(id_photos=tmp_path, groups=("Grade 4",)).findings]
    assert len(told) == 2 and "999999.jpg" in told[0] and "1 ID photo does not tell" in told[1]
    everybody = " ".join(str(finding) for finding in make_guard(id_photos=tmp_path).findings)
    assert "020411.jpg" in everybody and "020448 has no usable ID photo" in everybody, "the control: no group"


def test_a_guard_uses_very_old_id_photos_only_if_told_to(make_guard: Callable[..., Guard], tmp_path: Path) -> None:
    taken = piexif.dump({"Exif": {piexif.ExifIFD.DateTimeOriginal: b"2020:09:08 10:11:12"}})
    piexif.insert(taken, (SAMPLES / "id_photos" / "020596.jpg").read_bytes(), str(tmp_path / "020596.jpg"))
    usual, told = make_guard(id_photos=tmp_path), make_guard(id_photos=tmp_path, old_id_photos=True)
    assert [len(guard.rules.gallery or ()) for guard in (usual, told)] == [0, 1]
    assert "taken on 2020-09-08, too long ago" in str(usual.findings[0])
    assert [face.cover is None for face in inspect_photo(ONE, usual).faces] == [False]
    assert [face.cover is None for face in inspect_photo(ONE, told).faces] == [True]


def test_a_group_that_nobody_has_stops_the_run(make_guard: Callable[..., Guard]) -> None:
    with pytest.raises(RosterError, match="Grade 10"):
        make_guard(groups=("Grade 3",))


def test_what_a_kept_face_stands_on_is_recorded_and_the_trail_tells_of_the_photo(
    make_guard: Callable[..., Guard], tmp_path: Path
) -> None:
    school = tmp_path / "school.imgguard"
    with make_guard(school=school) as guard:
        result = guard.clean(SAMPLES / "event" / "event_01_class_photo.jpg", tmp_path / "out")
    kept = {face.decision.subject_id for face in result.faces if face.cover is None}
    with Store(school) as store:
        rows = store.query("SELECT subject_id, form_id, source_row FROM faces JOIN reliances ON face_id = faces.id")
        assert {subject for subject, _, _ in rows} == kept
        assert all(str(form).startswith("MR-2024-") for _, form, _ in rows)
        assert store.query("SELECT published_name FROM photos") == [("event_01_class_photo.jpg",)]
        trail = entries(store)
    assert [entry.kind for entry in trail] == ["run_begun", "published", "run_finished"]
    assert result.output_sha256 is not None and result.output_sha256 in trail[1].body
    assert all(entry.digest == entry.computed() for entry in trail)
    assert not [number for number in kept if any(str(number) in entry.body for entry in trail)]

"""Limits within a run: the photos count in order, each once, and only towards covering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from consent import Purpose, Reason, Store, audit, read_roster
from consent.limits import published_sources
from consent.people import import_roster
from consent.policy_files import load_policy
from consent.procedures import Policy, Rule, StudentLimit
from consent.school import make_school
from consent.school_policy import set_policy
from imgguard import Guard
from imgguard.judging import Scene, decide_faces
from imgguard.pipeline import Examined
from imgguard.publication import count_published
from imgguard.rules import Rules
from imgguard.tally import shown_often, tally
from imgguard.types import PhotoResult, Status
from tests.conftest import SAMPLES, TODAY
from tests.imgguard.test_judging import asking, found, rules
from tests.recorded import RUN, add_run, face, published

ONE = SAMPLES / "event" / "event_09_one.jpg"


def photos(*of: tuple[str, tuple[str, ...]]) -> list[Examined]:
    return [Examined(tuple(found(*numbers)), Scene(sha256, 1000)) for sha256, numbers in of]


def shown(run: list[Examined], under: Rules) -> list[list[bool]]:
    return [
        [decision.reason is Reason.CONSENTED for decision in decide_faces(photo.found, under, photo.scene)]
        for photo in tally(run, under)
    ]


def test_who_was_shown_as_often_as_allowed_is_covered() -> None:
    under = rules(asking(StudentLimit(2, 30)))
    run = photos(("a", ("1", "2")), ("b", ("1",)), ("c", ("1", "2")), ("d", ("1", "2")))
    assert shown(run, under) == [[True, True], [True], [False, True], [False, False]]
    park = load_policy("park-west-ap144", {"cover-at-limit": True})
    six = photos(*((str(n), ("1",)) for n in range(8)))
    assert shown(six, rules(park)) == [[True]] * 6 + [[False]] * 2
    assert shown(six, rules(load_policy("park-west-ap144"))) == [[True]] * 8, "the control: switched off"


def test_copies_of_a_photo_count_once_and_recorded_ones_not_again() -> None:
    under = rules(asking(StudentLimit(2, 30)), published={"1": frozenset({"a"})})
    run = photos(("a", ("1",)), ("b", ("1",)), ("b", ("1",)), ("c", ("1",)), ("a", ("1",)), ("b", ("1",)))
    # "a" again is a new version of what is out already; for it only "b" is another photo.
    assert shown(run, under) == [[True], [True], [True], [False], [True], [True]]


def test_who_is_covered_does_not_count() -> None:
    under = rules(asking(StudentLimit(1, 30)))
    assert shown(photos(("a", ("no", "1")), ("b", ("no",)), ("c", ("1",))), under) == [[False, True], [False], [False]]


def test_without_limits_nothing_is_counted() -> None:
    run = photos(("a", ("1",)), ("b", ("1",)))
    assert list(tally(run, rules(load_policy("strict")))) == run


def warned(*results: PhotoResult, under: Rules) -> list[str]:
    return [str(finding) for finding in shown_often(results, under)]


def test_who_is_shown_often_is_told_and_not_covered(guard: Guard) -> None:
    often = Policy("p", "", "", (Rule("x", "1", "Now and then.", warning=StudentLimit(2, 30)),))
    result = guard.clean(ONE, "out.jpg", dry_run=True)
    (number,) = {face.decision.subject_id for face in result.faces}
    assert number is not None and result.status is Status.DRY_RUN
    earlier = {number: frozenset({"b", "c"})}
    under = replace(guard.rules, policy=often, published=earlier)
    (told,) = warned(result, result, under=under)
    assert told.startswith(f"p 1: {number} is shown on 3 photos for school_website within 30 days") and "Now" in told
    assert warned(result, under=replace(under, published={number: frozenset({"b"})})) == [], "two are not too many"
    again = replace(under, published={number: frozenset({"b", result.sha256 or ""})})
    assert warned(result, under=again) == [], "a new version of an old photo"
    assert warned(result, under=replace(under, policy=load_policy("strict"))) == []


@pytest.fixture
def limited(tmp_path: Path) -> Path:
    """A school whose procedure covers whoever was shown six times."""
    school = tmp_path / "school.imgguard"
    with Store(school) as store:
        make_school(store, "Sample School", "strict")
        set_policy(store, "park-west-ap144", {"cover-at-limit": True})
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
    return school


def test_the_limit_holds_over_runs_and_photos_cleaned_one_by_one(
    limited: Path, tmp_path: Path, make_guard: Callable[..., Guard]
) -> None:
    """Six earlier photos, one of them this very one: it may be published anew, a further photo not."""
    with Store(limited) as store:
        guard = Guard(id_photos=SAMPLES / "id_photos", purpose="school_website", school=limited, groups=("Grade 8",))
        with guard:
            first = guard.clean(ONE, tmp_path / "out" / "a.jpg")
            number = first.faces[0].decision.subject_id
            assert number is not None and first.faces[0].cover is None
            with store.atomic():
                for n in range(5):
                    store.change(
                        "INSERT INTO photos (run_id, recorded_at, status, source_sha256, output_sha256, rounds)"
                        " SELECT run_id, recorded_at, status, ?, ?, 1 FROM photos WHERE id = 1",
                        (f"s{n}", f"o{n}"),
                    )
                store.change(
                    "INSERT INTO faces (photo_id, x1, y1, x2, y2, detection_score, outcome, verdict, reason,"
                    " subject_id) SELECT id, 0, 0, 9, 9, 1, 'match', 'keep', 'consented', ? FROM photos WHERE id > 1",
                    (number,),
                )
            again = guard.clean(ONE, tmp_path / "out" / "b.jpg")
            assert again.faces[0].cover is None, "itself is not another photo"
            other = tmp_path / "other.jpg"
            other.write_bytes(ONE.read_bytes() + b" ")
            third = guard.clean(other, tmp_path / "out" / "c.jpg")
        assert third.faces[0].decision.reason is Reason.LIMIT_REACHED
        assert third.faces[0].decision.clause == "park-west-ap144 Point of emphasis 1"
        sources = published_sources(store, Purpose.SCHOOL_WEBSITE, TODAY, 30)[number]
        assert len(sources) == 6 and audit.entries(store)


def test_earlier_photos_count_however_this_rosters_number_is_written(tmp_path: Path) -> None:
    # The record knows 0001, and the roster that is given now has lost the zeros.
    store = Store(tmp_path / "school.imgguard")
    add_run(store, published(1, face("keep", "0001")), published(2, face("keep", "0001")))
    policy = asking(StudentLimit(2, 30))
    earlier = count_published(store, policy, Purpose(RUN.purpose or ""), date.today())
    assert shown(photos(("x", ("1",)), ("y", ("2",))), rules(policy, published=earlier)) == [[False], [True]]

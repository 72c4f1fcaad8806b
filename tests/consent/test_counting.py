"""How often people were published, and the limits of the procedure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from consent import Store, read_roster
from consent.counting import Month, counts, months
from consent.limits import published_sources
from consent.model import Purpose
from consent.people import import_roster
from consent.procedures import STRICT, Policy, Rule, StudentLimit
from tests.conftest import SAMPLES
from tests.consent.published import kept, publish
from tests.recorded import RUN, add_person, add_run, dated, face, published, refused

TODAY = date(2026, 11, 23)
SOCIAL = Purpose.DIVISION_SOCIAL_MEDIA


def limited(count: int = 2, days: int = 30, *, covers: bool = True) -> Policy:
    limit = StudentLimit(count, days)
    rule = Rule("often", "144.1", "now and then", purposes=frozenset({SOCIAL}))
    return Policy("p", "P", "1", (replace(rule, condition=limit) if covers else replace(rule, warning=limit),))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """020411 on three photos for social media on the 1st, 10th and 23rd of November, on one for the website."""
    store = Store(tmp_path / "school.imgguard")
    add_person(store, "020411", group="Grade 4")
    add_person(store, "020448", group="Grade 8")
    photos = [published(n, face("keep", "020411")) for n in range(1, 4)]
    add_run(store, *photos, published(4, face("cover", "020448")), refused(9), run=replace(RUN, purpose=SOCIAL.value))
    add_run(store, published(5, face("keep", "020411"), face("keep", "020448")))
    for photo_id, day in [
        (1, "2026-11-01"),
        (2, "2026-11-10"),
        (3, "2026-11-23"),
        (4, "2026-11-23"),
        (6, "2026-10-02"),
    ]:
        dated(store, photo_id, f"{day}T09:00:00+00:00")
    return store


def test_people_are_counted_by_photo_most_often_first(store: Store) -> None:
    first, second = counts(store, TODAY, STRICT)
    assert (first.subject_id, first.photos, first.group) == ("020411", 4, "Grade 4")
    assert (first.first_on, first.last_on) == (date(2026, 10, 2), TODAY)
    assert (second.subject_id, second.photos, second.reached) == ("020448", 1, ())


def test_counts_follow_purpose_day_and_people(store: Store) -> None:
    def counted(**asked: object) -> dict[str, int]:
        return {one.subject_id: one.photos for one in counts(store, TODAY, STRICT, **asked)}  # type: ignore[arg-type]

    assert counted(purpose=SOCIAL) == {"020411": 3}
    assert counted(purpose=Purpose.YEARBOOK) == {}
    assert counted(since=date(2026, 11, 10)) == {"020411": 2}
    assert counted(people={"020448"}) == {"020448": 1}


@pytest.mark.parametrize(
    ("count", "days", "reached", "exceeded"),
    [(4, 30, False, False), (3, 30, True, False), (2, 30, True, True), (3, 22, False, False), (2, 14, True, False),
     (2, 13, False, False), (1, 1, True, False)],
)  # fmt: skip
def test_a_limit_is_used_up_at_its_number_and_exceeded_above_within_its_days(
    store: Store, count: int, days: int, reached: bool, exceeded: bool
) -> None:
    first, second = counts(store, TODAY, limited(count, days))
    assert (bool(first.reached), any(use.exceeded for use in first.reached)) == (reached, exceeded)
    assert second.reached == (), "nothing for that purpose"


def test_a_limit_says_its_clause_and_whether_it_covers(store: Store) -> None:
    (use,) = counts(store, TODAY, limited())[0].reached
    assert str(use) == "over the limit for division social media: 3 of 2 in 30 days (p 144.1; covered from now on)"
    (use,) = counts(store, TODAY, limited(3, covers=False))[0].reached
    assert str(use).startswith("at the limit") and str(use).endswith("told, not covered)")


def test_a_limit_does_not_depend_on_the_days_that_are_asked_about(store: Store) -> None:
    (only,) = counts(store, TODAY, limited(3), since=date(2026, 11, 23))
    assert only.photos == 1 and only.reached[0].photos == 3
    assert counts(store, TODAY, limited(3), purpose=Purpose.SCHOOL_WEBSITE)[0].reached == ()


def test_months_and_purposes_are_counted_in_photos_and_people(store: Store) -> None:
    assert months(store) == (Month("2026-10", "school_website", 1, 2), Month("2026-11", SOCIAL.value, 4, 1))
    assert months(store, purpose=SOCIAL, since=date(2026, 11, 23)) == (Month("2026-11", SOCIAL.value, 2, 1),)
    assert months(store, purpose=Purpose.YEARBOOK) == ()


def test_photos_count_towards_a_limit_however_a_roster_wrote_the_number(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
        publish(store, [kept("20411")])
        publish(store, [kept("020411")], source="33", output="44")
        publish(store, [kept("20448")], source="55", output="66")
        found = published_sources(store, Purpose.SCHOOL_WEBSITE, date.today(), 30)
    assert found["020411"] == found["20411"] == {"11" * 32, "33" * 32}
    assert found["020448"] == {"55" * 32} and "020485" not in found

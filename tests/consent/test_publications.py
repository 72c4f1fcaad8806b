"""Who was published where, as withdrawals, histories and limits ask for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from consent import RecordError, Store
from consent.existing import open_existing
from consent.histories import history_of
from consent.model import Purpose
from consent.publications import (
    latest,
    publications_of_photo,
    publications_of_run,
    published_of,
    shown_on,
    times_published,
)
from consent.store import NewName
from tests.recorded import FORM, RUN, add_person, add_run, dated, face, published, refused, school_of_two


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(school_of_two(tmp_path / "school.imgguard"))


def test_a_person_is_on_the_photos_that_show_them_and_on_no_other(store: Store) -> None:
    assert [one.photo_id for one in published_of(store, "020411")] == [1, 2]
    assert [one.photo_id for one in published_of(store, "020448")] == [1, 4]
    assert published_of(store, "020485") == (), "was covered"
    assert published_of(store, "999999") == ()


def test_a_publication_tells_when_where_what_for_and_what_took_its_place(store: Store) -> None:
    first, *_ = published_of(store, "020448")
    assert (first.run_id, first.purpose, first.destination) == (1, Purpose.SCHOOL_WEBSITE, "school page")
    assert (first.published_name, first.policy, first.replaced_by) == ("photo-0001.jpg", "park-west-ap144", 4)
    assert (first.source_sha256, first.output_sha256) == (f"{1:064x}", f"{1001:064x}")


def test_the_latest_are_those_that_nothing_replaced_and_a_refusal_replaces_nothing(store: Store) -> None:
    assert [one.photo_id for one in latest(store)] == [2, 4]
    add_run(store, replace(refused(2), replaces=2))
    assert [one.photo_id for one in latest(store)] == [2, 4]
    add_run(store, replace(published(6, original=1), replaces=4))
    assert [(one.photo_id, one.replaced_by) for one in publications_of_photo(store, f"{1:064x}")] == [
        (1, 4),
        (4, 6),
        (6, None),
    ]


def test_a_photo_is_known_by_its_original_and_by_its_published_file(store: Store) -> None:
    by_original = publications_of_photo(store, f"{1:064x}")
    assert [one.photo_id for one in by_original] == [1, 4]
    assert publications_of_photo(store, f"{1001:064X}") == by_original, "in capitals too"
    assert publications_of_photo(store, f"{1004:064x}") == by_original, "of the newer version too"
    assert publications_of_photo(store, f"{3:064x}") == (), "was refused"


def test_people_are_told_from_left_to_right_with_what_they_stand_on(store: Store) -> None:
    left, right = shown_on(store, 1)
    assert (left.subject_id, right.subject_id) == ("020411", "020448")
    assert right.clause == "park-west-ap144 Point of emphasis 6" and left.relied == (FORM,)


def test_old_records_tell_names_only_where_they_have_them(tmp_path: Path) -> None:
    with Store(tmp_path / "record") as store:
        old = replace(published(1), published_name=None)
        add_run(store, old, replace(old, new_name=NewName("a.jpg", "photo-0007.jpg")), run=replace(RUN, purpose=None))
        found = publications_of_run(store, 1)
    assert [(one.published_name, one.purpose) for one in found] == [("", None), ("photo-0007.jpg", None)]


def test_versions_of_one_photo_count_once_and_covers_not_at_all(store: Store) -> None:
    assert times_published(store) == {"020411": 2, "020448": 1}
    assert times_published(store, Purpose.SCHOOL_WEBSITE) == {"020411": 2, "020448": 1}
    assert times_published(store, Purpose.YEARBOOK) == {}


def test_days_are_counted_from_the_first_to_the_last_both_included(store: Store) -> None:
    dated(store, 1, "2026-11-01T00:00:00+00:00")
    dated(store, 2, "2026-11-03T23:59:59+00:00")
    for since, until, count in [(1, 3, 2), (2, 3, 1), (1, 2, 1), (4, 9, 0)]:
        found = times_published(store, since=date(2026, 11, since), until=date(2026, 11, until))
        assert found.get("020411", 0) == count


def test_who_was_forgotten_is_still_told_to_be_somebody(store: Store) -> None:
    with store.atomic():
        store.change("UPDATE faces SET subject_id = NULL WHERE subject_id = '020411'")
    assert [person.subject_id for person in shown_on(store, 1)] == [None, "020448"]
    assert times_published(store) == {"020448": 1}


def test_a_history_tells_publications_and_refusals(store: Store) -> None:
    add_run(store, refused(1))
    found = history_of(store, f"{1004:064X}")
    assert [one.publication.photo_id for one in found.published] == [1, 4]
    assert [(len(one.shown), one.covered) for one in found.published] == [(2, 2), (1, 0)]
    assert [(one.run_id, one.refusal) for one in found.refused] == [(2, "photo_broken")]
    assert history_of(store, f"{3:064x}").known and not history_of(store, "ab" * 32).known


def test_looking_something_up_never_makes_a_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no school file"):
        open_existing(tmp_path / "folder" / "school.imgguard")
    with pytest.raises(RecordError, match="no school file"):
        open_existing(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_writes_does_not_keep_others_from_looking(tmp_path: Path) -> None:
    path = tmp_path / "school.imgguard"
    with Store(path) as writing:
        add_person(writing, "020411")
        add_run(writing, published(1, face("keep", "020411")))
        with open_existing(path) as reading, writing.atomic():
            writing.change("DELETE FROM faces")
            assert times_published(reading) == {"020411": 1}

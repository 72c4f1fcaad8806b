"""What became of a photo, and that looking it up changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from consent import RecordError, Store
from consent.existing import open_existing
from consent.histories import history_of, shown_on
from tests.recorded import FORM, add_person, add_run, face, published, refused, school_of_two


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(school_of_two(tmp_path / "school.imgguard"))


def test_a_history_tells_publications_and_refusals(store: Store) -> None:
    add_run(store, refused(1))
    found = history_of(store, f"{1:064x}")
    assert [one.file.photo_id for one in found.published] == [1, 4]
    assert [one.file.newest for one in found.published] == [4, 4]
    assert [(len(one.shown), one.covered) for one in found.published] == [(2, 2), (1, 0)]
    assert {one.policy for one in found.published} == {"park-west-ap144, version 2024"}
    assert [(one.run_id, one.refusal) for one in found.refused] == [(2, "photo_broken")]


def test_a_photo_is_known_by_its_original_and_by_each_published_file(store: Store) -> None:
    by_original = history_of(store, f"{1:064x}")
    for published_file in (f"{1001:064x}", f"{1001:064X}", f"{1004:064x}"):
        assert history_of(store, published_file).published == by_original.published
    refused_only = history_of(store, f"{3:064x}")
    assert refused_only.known and not refused_only.published
    assert not history_of(store, "ab" * 32).known


def test_a_file_whose_original_is_not_recorded_is_found_and_no_other(tmp_path: Path) -> None:
    with Store(tmp_path / "record") as store:
        old = [replace(published(n), source_sha256=None) for n in (1, 2)]
        add_run(store, *old)
        assert [one.file.photo_id for one in history_of(store, f"{1001:064x}").published] == [1]


def test_people_are_told_from_left_to_right_with_what_they_stand_on(store: Store) -> None:
    left, right = shown_on(store, 1)
    assert (left.subject_id, right.subject_id) == ("020411", "020448")
    assert right.clause == "park-west-ap144 Point of emphasis 6" and left.relied == (FORM,)


def test_who_was_forgotten_is_still_told_to_be_somebody(store: Store) -> None:
    with store.atomic():
        store.change("UPDATE faces SET subject_id = NULL WHERE subject_id = '020411'")
    assert [person.subject_id for person in shown_on(store, 1)] == [None, "020448"]


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
            assert [person.subject_id for person in shown_on(reading, 1)] == ["020411"]

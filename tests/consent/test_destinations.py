"""The registry of destinations, the school's policy, and what limits count: what the school file keeps for deciding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from consent import Purpose, RecordError, Store, audit
from consent.destinations import Destination, all_destinations, close, find_open, register
from consent.errors import DestinationError, PolicyError
from consent.limits import published_sources
from consent.school import make_school
from consent.school_policy import policy_of, policy_setting, set_policy
from consent.store import FaceRecord, PhotoRecord, RunRecord

TODAY = date(2026, 11, 23)
PAGE = Destination(
    "School page",
    Purpose.DIVISION_SOCIAL_MEDIA,
    "example.org/school",
    "A. Manager",
    "B. Second",
    "P. Principal",
    date(2026, 9, 8),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "school.imgguard") as opened:
        yield opened


def test_a_destination_is_kept_with_everything_told_about_it(store: Store) -> None:
    register(store, PAGE, TODAY)
    assert all_destinations(store) == (PAGE,)
    assert find_open(store, " school  PAGE ", TODAY) == PAGE


def test_the_trail_tells_of_destinations_without_any_name(store: Store) -> None:
    register(store, PAGE, TODAY)
    close(store, PAGE.name, TODAY)
    told = [(entry.kind, json.loads(entry.body)) for entry in audit.entries(store)]
    assert [kind for kind, _ in told] == ["destination_registered", "destination_closed"]
    assert told[0][1]["destination"] == told[1][1]["destination"]
    text = str(told)
    assert not [word for word in ("School", "page", "Manager", "Second", "Principal", "example") if word in text]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"manager": " "}, "manager"),
        ({"approved_by": ""}, "approved"),
        ({"address": ""}, "address"),
        ({"name": ""}, "name"),
        ({"purpose": Purpose.PERSONAL_ACCOUNT}, "personal accounts"),
        ({"approved_on": TODAY + timedelta(1)}, "still to come"),
        ({"second_administrator": "a.  MANAGER"}, "one person"),
    ],
)
def test_a_destination_needs_a_manager_and_somebody_who_approved(
    store: Store, change: dict[str, object], told: str
) -> None:
    with pytest.raises(DestinationError, match=told):
        register(store, replace(PAGE, **change), TODAY)  # type: ignore[arg-type]
    assert all_destinations(store) == () and audit.entries(store) == ()
    register(store, replace(PAGE, second_administrator=""), TODAY)


def test_a_name_is_given_once_even_after_closing(store: Store) -> None:
    register(store, PAGE, TODAY)
    with pytest.raises(DestinationError, match="already"):
        register(store, replace(PAGE, name="SCHOOL PAGE"), TODAY)
    close(store, PAGE.name, TODAY)
    with pytest.raises(DestinationError, match="closed"):
        register(store, PAGE, TODAY)
    assert len(all_destinations(store)) == 1


def test_a_closed_destination_is_not_found_any_more_but_stays_known(store: Store) -> None:
    register(store, PAGE, TODAY)
    close(store, "school page", TODAY)
    with pytest.raises(DestinationError, match="closed on 2026-11-23"):
        find_open(store, "School page", TODAY)
    with pytest.raises(DestinationError, match="closed"):
        close(store, "School page", TODAY)
    assert [one.closed_on for one in all_destinations(store)] == [TODAY]


def test_an_unknown_destination_is_refused_with_what_could_be_meant(store: Store) -> None:
    with pytest.raises(DestinationError, match="None is registered"):
        find_open(store, "anything", TODAY)
    register(store, PAGE, TODAY)
    with pytest.raises(DestinationError, match=r"Did you mean School page\?"):
        find_open(store, "schol page", TODAY)
    with pytest.raises(DestinationError, match="Registered: School page"):
        find_open(store, "xyz", TODAY)


def test_a_destination_is_not_used_before_its_approval(store: Store) -> None:
    """As with a clock that was set back."""
    register(store, PAGE, TODAY)
    with pytest.raises(DestinationError, match="approved from 2026-09-08"):
        find_open(store, PAGE.name, date(2026, 9, 7))


def test_a_school_follows_the_policy_that_was_set_with_its_switches(store: Store) -> None:
    assert policy_of(store).name == "strict", "the control: nobody said anything"
    make_school(store, "Sample School", "strict")
    set_policy(store, "park-west-ap144", {"in-groups": True})
    assert policy_setting(store) == ("park-west-ap144", {"in-groups": True})
    assert "in-groups" in {rule.id for rule in policy_of(store).rules}
    assert policy_of(store, "ap-2-27").name == "ap-2-27", "another one for a run, without the school's switches"
    set_policy(store, "park-west-ap144", {})
    assert "in-groups" not in {rule.id for rule in policy_of(store).rules}
    entries = [entry for entry in audit.entries(store) if entry.kind == "policy_set"]
    assert [json.loads(entry.body)["switched"] for entry in entries] == [{"in-groups": True}, {}]


def test_a_policy_is_set_wholly_or_not_at_all(store: Store) -> None:
    with pytest.raises(PolicyError, match="imgguard init"):
        set_policy(store, "ap-2-27", {})
    assert audit.entries(store) == ()
    make_school(store, "Sample School", "park-west-ap144")
    for name, switched in (("park-west", {}), ("park-west-ap144", {"in-group": True}), ("strict", {"known": False})):
        with pytest.raises(PolicyError):
            set_policy(store, name, switched)
    assert policy_setting(store) == ("park-west-ap144", {})


def published(
    store: Store, *shown: str, source: str, purpose: str | None = "school_website", at: str = "2026-11-20", **face: str
) -> None:
    run = RunRecord("0", purpose, True, "blur", None, 1, 0.5, {})
    told = {"verdict": "keep", "reason": "consented", **face}
    faces = tuple(FaceRecord(0, 0, 9, 9, 1.0, "match", 0.9, subject_id=number, **told) for number in shown)
    with store.atomic():
        photo = store.add_photo(
            store.add_run(run), PhotoRecord("published", None, source, f"out {source}", "jpeg", 1, faces)
        )
        store.change("UPDATE photos SET recorded_at = ? WHERE id = ?", (f"{at}T12:00:00+00:00", photo))


def counted(store: Store, days: int = 30) -> dict[str, int]:
    found = published_sources(store, Purpose.SCHOOL_WEBSITE, TODAY, days)
    return {number: len(sources) for number, sources in found.items()}


def test_each_photo_that_shows_somebody_counts_once_for_its_purpose(store: Store) -> None:
    published(store, "1", "2", source="a")
    published(store, "1", source="b")
    published(store, "1", source="b")
    assert counted(store) == {"1": 2, "2": 1}
    published(store, "1", source="c", purpose="yearbook")
    published(store, "1", source="d", purpose=None)
    published(store, "1", source="e", verdict="cover", reason="refused")
    run = RunRecord("0", "school_website", True, "blur", None, 1, 0.5, {})
    face = FaceRecord(0, 0, 9, 9, 1.0, "match", 0.9, "keep", "consented", "1")
    with store.atomic():
        store.add_photo(store.add_run(run), PhotoRecord("refused", "disk", "f", None, None, 1, (face,)))
    assert counted(store) == {"1": 2, "2": 1}


@pytest.mark.parametrize(
    ("at", "days", "counts"),
    [
        ("2026-11-23", 1, True),
        ("2026-11-22", 1, False),
        ("2026-10-25", 30, True),
        ("2026-10-24", 30, False),
        ("2027-01-01", 30, True),
        ("2000-01-01", 10**9, True),
    ],
)
def test_photos_count_from_the_first_of_the_days_on(store: Store, at: str, days: int, counts: bool) -> None:
    published(store, "1", source="a", at=at)
    assert counted(store, days) == ({"1": 1} if counts else {})


def test_the_registry_cannot_be_written_half(store: Store) -> None:
    with store.atomic():
        store.change("CREATE TEMP TRIGGER no_trail BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full disk'); END")
    with pytest.raises(RecordError):
        register(store, PAGE, TODAY)
    assert all_destinations(store) == ()

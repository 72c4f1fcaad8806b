from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import Hold, RecordError, Roster, Store, Subject, read_roster
from consent.people import import_roster
from consent.school import template_end
from consent.templates import read_templates, recognisable, save_templates
from consent.vault import Vault
from tests.conftest import SAMPLES, TODAY
from tests.rings import FileRing
from tests.schools import END, every_byte, reference, sample_school

ROSTER = read_roster(SAMPLES / "roster.csv")
WITHOUT_BIOMETRICS = "020781"

School = tuple[Store, Vault]


@pytest.fixture
def school(tmp_path: Path, ring: FileRing) -> Iterator[School]:
    store, vault = sample_school(tmp_path / "school", "020411", "020448", "020485")
    with store:
        yield store, vault


def kept(store: Store) -> list[str]:
    return [str(number) for (number,) in store.query("SELECT subject_id FROM templates ORDER BY 1")]


def changed(**people: Callable[[Subject], Subject | None]) -> Roster:
    """The sample roster with some people changed, or without them."""
    subjects = dict(ROSTER.subjects)
    for name, change in people.items():
        person = change(subjects.pop(name.removeprefix("n")))
        if person is not None:
            subjects[person.subject_id] = person
    return replace(ROSTER, subjects=subjects)


def test_templates_come_back_as_they_were(school: School) -> None:
    store, vault = school
    found = read_templates(store, vault, TODAY)
    assert found.references == tuple(reference(n)[0] for n in ("020411", "020448", "020485"))
    assert found.stored[0].photo_sha256 == reference("020411")[1]
    assert found.findings == ()


def test_no_template_can_be_read_from_the_file(school: School) -> None:
    store, _ = school
    template = reference("020411")[0].template
    windows = [template[n : n + 16] for n in range(len(template) - 15)]
    everything = every_byte(store.path)
    assert not [window for window in windows if window in everything]
    assert all(window in everything + template for window in windows), "the control"


def test_a_photo_of_the_same_person_and_model_has_one_template(school: School) -> None:
    store, vault = school
    save_templates(store, vault, [reference("020411"), reference("020411", "2")])
    assert kept(store) == ["020411", "020411", "020448", "020485"]


@pytest.mark.parametrize("number", [WITHOUT_BIOMETRICS, "999999"])
def test_nobody_gets_a_template_who_may_not_be_recognised(school: School, number: str) -> None:
    store, vault = school
    with pytest.raises(RecordError, match="may be recognised"):
        save_templates(store, vault, [reference("020522"), reference(number)])
    assert kept(store) == ["020411", "020448", "020485"], "nor does anybody else of the same call"
    with pytest.raises(RecordError), store.atomic():
        store.change("UPDATE templates SET photo_sha256 = 'x'")
        store.change(
            "INSERT INTO templates (subject_id, key_id, model_id, nonce, ciphertext, photo_sha256, enrolled_on,"
            " expires_on) SELECT ?, key_id, model_id, nonce, ciphertext, photo_sha256, enrolled_on, expires_on"
            " FROM templates LIMIT 1",
            (number,),
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda person: replace(person, biometric_ok=False),
        lambda person: replace(person, holds=frozenset({Hold.DO_NOT_PUBLISH})),
        lambda person: replace(person, holds=frozenset(Hold)),
        lambda person: None,
    ],
    ids=["no biometrics", "do not publish", "every hold", "vanished"],
)
def test_who_may_not_be_recognised_any_more_loses_the_template_with_the_import(
    school: School, change: Callable[[Subject], Subject | None]
) -> None:
    store, _ = school
    import_roster(store, ROSTER)
    assert kept(store) == ["020411", "020448", "020485"], "the control: the same roster again changes nothing"
    import_roster(store, changed(n020448=change))
    assert kept(store) == ["020411", "020485"]
    assert "020448" not in recognisable(store)
    import_roster(store, ROSTER)
    assert kept(store) == ["020411", "020485"], "and does not get it back without enrolling"
    assert "020448" in recognisable(store)


@pytest.mark.parametrize("hold", [Hold.COURT_ORDER, Hold.CULTURAL_HOLD])
def test_who_is_covered_by_another_hold_is_still_known_so_that_nobody_is_taken_for_them(
    school: School, hold: Hold
) -> None:
    store, _ = school
    import_roster(store, changed(n020448=lambda person: replace(person, holds=frozenset({hold}))))
    assert "020448" in kept(store)


def test_the_file_itself_deletes_templates_when_the_permission_goes(school: School) -> None:
    store, _ = school
    with store.atomic():
        store.change("UPDATE subjects SET biometric_ok = 0 WHERE subject_id = '020448'")
        store.change("UPDATE subjects SET holds = '[\"do_not_publish\"]' WHERE subject_id = '020485'")
    assert kept(store) == ["020411"]


def test_a_template_is_used_until_its_last_day(school: School) -> None:
    store, vault = school
    assert len(read_templates(store, vault, END).stored) == 3
    over = read_templates(store, vault, END + timedelta(days=1))
    assert over.stored == () and len(over.findings) == 3
    assert "020411" in over.findings[0].what and "ended on 2027-06-30" in over.findings[0].what


def test_who_is_gone_is_not_given_even_if_a_template_is_left(school: School) -> None:
    store, vault = school
    with store.atomic():
        store.change("UPDATE subjects SET present = 0 WHERE subject_id = '020448'")
    assert [r.subject_id for r in read_templates(store, vault, TODAY).references] == ["020411", "020485"]


TAMPERED = {
    "another's": "UPDATE templates SET (nonce, ciphertext) = (SELECT nonce, ciphertext FROM templates"
    " WHERE subject_id = '020448') WHERE subject_id = '020411'",
    "handed on": "UPDATE templates SET subject_id = '020522' WHERE subject_id = '020411'",
    "prolonged": "UPDATE templates SET expires_on = '2999-01-01' WHERE subject_id = '020411'",
    "other model": "UPDATE templates SET model_id = 'newer' WHERE subject_id = '020411'",
    "cut": "UPDATE templates SET ciphertext = substr(ciphertext, 1, 100) WHERE subject_id = '020411'",
    "empty": "UPDATE templates SET ciphertext = x'', nonce = x'' WHERE subject_id = '020411'",
    "day of taking unreadable": "UPDATE templates SET taken_on = 'soon' WHERE subject_id = '020411'",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED)
def test_a_template_that_is_not_what_was_stored_enrolls_nobody_and_is_told(school: School, statement: str) -> None:
    store, vault = school
    with store.atomic():
        store.change(statement)
    found = read_templates(store, vault, TODAY)
    given = {r.subject_id for r in found.references}
    assert "020411" not in given and "020522" not in given and "020485" in given
    assert "020448" in given
    told = "".join(finding.what for finding in found.findings)
    assert ("020522" if "020522" in statement else "020411") in told and "will be covered" in told


def test_one_damaged_template_of_several_takes_its_person_out(school: School) -> None:
    store, vault = school
    save_templates(store, vault, [reference("020411", "2")])
    with store.atomic():
        store.change("UPDATE templates SET ciphertext = zeroblob(528) WHERE id = 1")
    assert [r.subject_id for r in read_templates(store, vault, TODAY).references] == ["020448", "020485"]


def test_templates_of_another_model_are_not_given_and_that_is_told(school: School) -> None:
    store, vault = school
    save_templates(store, vault, [reference("020448", model="newer")])
    found = read_templates(store, vault, TODAY, "newer")
    assert [r.subject_id for r in found.references] == ["020448"]
    assert [finding.what[:6] for finding in found.findings] == ["020411", "020485"]


@given(on=st.dates(date(2000, 1, 1), date(2100, 1, 1)), days=st.none() | st.integers(0, 4000))
def test_no_template_outlives_the_school_year_or_what_the_policy_allows(on: date, days: int | None) -> None:
    end = template_end(on, days)
    assert on <= end <= on + timedelta(days=366)
    assert days is None or end <= on + timedelta(days=days)
    assert (end.month, end.day) == (6, 30) or end == on + timedelta(days=days or 0)

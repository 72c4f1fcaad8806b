from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import Answer, Consent, Hold, Purpose, Reason, Roster, SignerRole, Store, Subject, Verdict
from consent.people import import_roster
from consent.procedures import EveryGuardian, GroupOf, Policy, Rule
from consent.rechecking import Gone, recheck, shown_today
from consent.showings import PublishedFile, Showing, showings
from tests.conftest import TODAY
from tests.consent.published import LEFT, RIGHT, add_destination, covered, kept, publish

WEB = Purpose.SCHOOL_WEBSITE


def form(**changes: object) -> Consent:
    answer = Consent(
        WEB, Answer.YES, "A Guardian", SignerRole.GUARDIAN, date(2024, 9, 12), date(2035, 6, 30), "MR-1", 2
    )
    return replace(answer, **changes)  # type: ignore[arg-type]


def person(*consents: Consent, **changes: object) -> Subject:
    told = {"birth_date": date(2013, 1, 1), "biometric_ok": True, "consents": consents or (form(),)}
    return Subject("020411", **{**told, **changes})  # type: ignore[arg-type]


def seen(
    purpose: Purpose | None = WEB, *, visible: bool = True, taken_down_on: date | None = None, policy: str = "strict"
) -> Showing:
    file = PublishedFile(
        1, 1, "a.jpg", "11" * 32, "22" * 32, "jpeg", TODAY, purpose, "Blog", "https://x", "M", policy, 1, taken_down_on
    )
    return Showing(file, "020411", visible, "consented", LEFT, 0.9, ())


@pytest.mark.parametrize(
    ("today", "gone", "reason", "words"),
    [
        (person(withdrawn=frozenset({WEB})), Gone.WITHDRAWN, Reason.WITHDRAWN, "consent was withdrawn"),
        (person(holds=frozenset({Hold.COURT_ORDER})), Gone.ON_HOLD, Reason.COURT_ORDER, "a court order"),
        (person(holds=frozenset({Hold.CULTURAL_HOLD})), Gone.ON_HOLD, Reason.CULTURAL_HOLD, "a cultural hold"),
        (person(form(answer=Answer.NO)), Gone.TAKEN_AWAY, Reason.REFUSED, "consent refused"),
        (person(form(answer=Answer.BLANK)), Gone.TAKEN_AWAY, Reason.BLANK, "no answer"),
        (person(form(purpose=Purpose.YEARBOOK)), Gone.TAKEN_AWAY, Reason.BLANK, "no answer"),
        (person(form(), form(answer=Answer.NO)), Gone.TAKEN_AWAY, Reason.REFUSED, "consent refused"),
        (person(form(signed_by="")), Gone.TAKEN_AWAY, Reason.UNSIGNED, "nobody signed"),
        (person(form(valid_until=TODAY - timedelta(days=1))), Gone.EXPIRED, Reason.EXPIRED, "has run out"),
        (None, Gone.VANISHED, Reason.BLANK, "not in the roster any more"),
    ],
)
def test_each_way_in_which_a_consent_goes_is_told(
    today: Subject | None, gone: Gone, reason: Reason, words: str
) -> None:
    people = {} if today is None else {"020411": today}
    (lapse,) = recheck([seen()], people, TODAY)
    assert (lapse.gone, lapse.reason, lapse.until) == (gone, reason, None)
    assert words in lapse.words


def test_a_consent_that_holds_covered_faces_and_files_that_are_down_are_not_listed() -> None:
    assert recheck([seen()], {"020411": person()}, TODAY) == (), "the control"
    gone = {"020411": person(form(answer=Answer.NO))}
    assert len(recheck([seen()], gone, TODAY)) == 1
    assert recheck([seen(visible=False)], gone, TODAY) == ()
    assert recheck([seen(taken_down_on=TODAY)], gone, TODAY) == ()


def test_the_end_of_the_yes_to_recognition_does_not_end_the_yes_to_being_shown() -> None:
    assert recheck([seen()], {"020411": person(biometric_ok=False)}, TODAY) == ()


def test_a_number_that_lost_its_zero_in_the_new_export_has_not_vanished() -> None:
    assert recheck([seen()], {"20411": person()}, TODAY) == ()
    (lapse,) = recheck([seen()], {"20411": person(), "0020411": person()}, TODAY)
    assert lapse.gone is Gone.VANISHED, "whose it is cannot be told"


@pytest.mark.parametrize(("within", "listed"), [(0, False), (9, False), (11, True), (100_000, True)])
def test_consents_that_end_soon_are_listed_when_asked_for(within: int, listed: bool) -> None:
    last = TODAY + timedelta(days=10)
    found = recheck([seen()], {"020411": person(form(valid_until=last))}, TODAY, within=within)
    assert bool(found) == listed
    assert all((lapse.gone, lapse.until) == (Gone.EXPIRES_SOON, last) for lapse in found)
    newer = person(form(valid_until=last), form(valid_until=date(2040, 1, 1)))
    assert recheck([seen()], {"020411": newer}, TODAY, within=30) == (), "another form goes on"


def test_the_procedure_of_the_run_reads_the_forms_and_its_clause_is_told() -> None:
    rules = (
        Rule("guardians", "2.1", "every guardian", condition=EveryGuardian()),
        Rule("small", "9", "in groups only", condition=GroupOf(5)),
        Rule("holds", "4", "respect non-disclosure", frozenset({Reason.WITHDRAWN})),
    )
    policies = {"ours": Policy("ours", "Ours", "1", rules)}
    both = person(guardians=frozenset({"A Guardian", "B Guardian"}))
    (lapse,) = recheck([seen(policy="ours")], {"020411": both}, TODAY, policies=policies)
    assert (lapse.gone, lapse.reason, lapse.clause) == (Gone.TAKEN_AWAY, Reason.GUARDIAN_MISSING, "ours 2.1")
    assert lapse.words.endswith("not every guardian has said yes (ours 2.1)")
    assert recheck([seen()], {"020411": both}, TODAY, policies=policies) == (), "published under another procedure"
    one = person(guardians=frozenset({"A Guardian"}))
    assert recheck([seen(policy="ours")], {"020411": one}, TODAY, policies=policies) == (), "the group is not asked"
    gone = person(withdrawn=frozenset({WEB}))
    (lapse,) = recheck([seen(policy="ours")], {"020411": gone}, TODAY, policies=policies)
    assert lapse.words == "consent was withdrawn (ours 4)"


def test_the_day_decides() -> None:
    people = {"020411": person(form(valid_until=TODAY))}
    assert recheck([seen()], people, TODAY) == ()
    assert recheck([seen()], people, TODAY + timedelta(days=1))[0].gone is Gone.EXPIRED


_DAYS = st.one_of(st.none(), st.dates(TODAY - timedelta(days=900), TODAY + timedelta(days=900)))
_FORMS = st.builds(
    form,
    purpose=st.sampled_from([WEB, Purpose.YEARBOOK]),
    answer=st.sampled_from(Answer),
    signed_by=st.sampled_from(["A Guardian", ""]),
    signer_role=st.sampled_from(SignerRole),
    signed_on=_DAYS,
    valid_until=_DAYS,
)
_PEOPLE = st.builds(
    lambda consents, **told: person(*consents, **told),
    st.lists(_FORMS, min_size=1, max_size=3),
    holds=st.frozensets(st.sampled_from(Hold), max_size=1),
    withdrawn=st.frozensets(st.sampled_from([WEB, Purpose.YEARBOOK]), max_size=1),
)


@given(_PEOPLE, st.integers(0, 60))
def test_a_file_is_listed_exactly_where_the_person_would_be_covered_today_or_by_then(today: Subject, days: int) -> None:
    found = recheck([seen()], {"020411": today}, TODAY, within=days)
    now = shown_today(today, WEB, TODAY).verdict
    then = shown_today(today, WEB, TODAY + timedelta(days=days)).verdict
    assert bool(found) == (Verdict.COVER in (now, then))
    assert all((lapse.gone is Gone.EXPIRES_SOON) == (now is Verdict.KEEP) for lapse in found)


def test_the_record_tells_who_is_where_for_whom_and_what_is_newer(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        add_destination(store, "Blog", "https://blog.example", "M. One")
        first = publish(store, [kept("020411", LEFT), covered("020485", RIGHT)], destination="Blog")
        second = publish(store, [covered("020411"), covered("020485")], output="33", destination="Blog")
        other = publish(store, [kept("020411")], source="44", output="55", name="b.jpg")
        with store.atomic():
            store.add_photo(1, _refusal())
        found = showings(store)
        mine = showings(store, "020411")
    assert [(s.file.photo_id, s.subject_id, s.visible) for s in found] == [
        (first, "020411", True), (first, "020485", False), (second, "020411", False), (second, "020485", False),
        (other, "020411", True),
    ]  # fmt: skip
    assert mine == tuple(s for s in found if s.subject_id == "020411")
    file = found[0].file
    assert (file.newest, file.address, file.manager) == (second, "https://blog.example", "M. One")
    assert (file.file_id, file.name, found[0].box) == ("22" * 6, "photo-0001.jpg", LEFT)
    assert found[0].relied[0].form_id == "MR-1"
    assert (found[-1].file.newest, found[-1].file.destination) == (other, "")


def _refusal() -> object:
    from consent.store import PhotoRecord

    return PhotoRecord("refused", "photo_broken", "11" * 32, None, None, 0, ())


def test_photos_are_a_person_s_however_a_roster_wrote_the_number(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        mine = {
            publish(store, [kept(number)], source=f"{n}0", name=f"{n}.jpg")
            for n, number in enumerate(("020411", "20411"), 1)
        }
        publish(store, [kept("020422")], source="44", output="55", name="b.jpg")
        assert {s.file.photo_id for s in showings(store, "20411")} == mine
        assert {s.file.photo_id for s in showings(store, "020411")} == mine
        import_roster(store, _roster("20411", "020411"))
        assert [s.subject_id for s in showings(store, "20411")] == ["20411"], "two people of the roster"
        assert [s.subject_id for s in showings(store, "020411")] == ["020411"]
        assert showings(store, "0020411") == ()


def _roster(*numbers: str) -> Roster:
    people = {number: Subject(number) for number in numbers}
    return Roster(Path("roster.csv"), "ab" * 32, frozenset({WEB}), people, ())


def test_what_is_told_to_replace_a_file_does_so_whatever_its_name_and_destination(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        first = publish(store, [kept("020411")])
        apart = publish(store, [kept("020411")], name="other.jpg", output="33")
        third = publish(store, [covered("020411")], name="new.jpg", output="44", replaces=first)
        fourth = publish(store, [covered("020411")], name="newest.jpg", output="55", replaces=third)
        newest = {s.file.photo_id: s.file.newest for s in showings(store)}
    assert newest == {first: fourth, apart: apart, third: fourth, fourth: fourth}

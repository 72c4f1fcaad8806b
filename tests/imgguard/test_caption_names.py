"""Captions name only who is seen, and only as far as form and procedure allow."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from consent import Answer, Purpose, Subject, Verdict
from consent.model import Aspect
from consent.policy import Decision, Reason
from consent.policy_files import load_policy
from imgguard import Candidate, FaceResult, Outcome, Style
from imgguard.caption_names import Printed, caption_for
from imgguard.covers import cover_for
from imgguard.rules import Rules
from tests.consent.test_policy_promise import CHILD, EVERYTHING_TOLD, GOOD, TODAY
from tests.fakes import detection_at


def person(
    number: str, first: Answer | None, full: Answer | None, given: str = "Amina", family: str = "Rowe"
) -> Subject:
    names = ((Aspect.FIRST_NAME, first), (Aspect.FULL_NAME, full))
    forms = tuple(replace(GOOD, aspect=aspect, answer=answer) for aspect, answer in names if answer)
    return replace(CHILD, subject_id=number, given_name=given, family_name=family, consents=(GOOD, *forms))


def face(number: str | None, x: float, *, shown: bool = True) -> FaceResult:
    detection = detection_at(x, 0, 80)
    reason = Reason.CONSENTED if shown else Reason.REFUSED
    decision = Decision(Verdict.KEEP if shown else Verdict.COVER, reason, number)
    cover = None if shown else cover_for(detection, Style.BLUR)
    return FaceResult(detection, None, (Candidate(number or "", 0.9),), Outcome.MATCH, 0.5, decision, cover)


def rules(*people: Subject, policy: str = "strict") -> Rules:
    subjects = {one.subject_id: one for one in people}
    under = {"policy": load_policy(policy), "circumstances": EVERYTHING_TOLD}
    return Rules(Purpose.SCHOOL_WEBSITE, subjects, None, TODAY, Style.BLUR, None, **under)  # type: ignore[arg-type]


YES, NO = Answer.YES, Answer.NO


@pytest.mark.parametrize(
    ("first", "full", "text"),
    [
        (YES, YES, "Amina Rowe"),
        (YES, NO, "Amina"),
        (YES, None, "Amina"),
        (NO, NO, ""),
        (None, None, ""),
        (NO, YES, ""),
        (None, YES, ""),
    ],
)
def test_names_are_printed_as_far_as_each_allows(first: Answer | None, full: Answer | None, text: str) -> None:
    (name,) = caption_for([face("1", 0)], rules(person("1", first, full)))
    assert name.text == text
    assert name.printed is {"Amina Rowe": Printed.FULL, "Amina": Printed.FIRST, "": Printed.NONE}[text]


def test_every_answer_but_yes_prints_less() -> None:
    for first, full in product([*Answer, None], [*Answer, None]):
        (name,) = caption_for([face("1", 0)], rules(person("1", first, full)))
        assert ("Amina" in name.text) == (first is YES)
        assert ("Rowe" in name.text) == (first is YES and full is YES)


def test_names_stand_from_left_to_right() -> None:
    people = [person(str(n), YES, YES, given=f"Child{n}") for n in range(4)]
    faces = [face("2", 300), face("0", 900), face("3", 20), face("1", 500)]
    assert [name.subject_id for name in caption_for(faces, rules(*people))] == ["3", "2", "1", "0"]


def test_whoever_is_covered_is_neither_named_nor_counted() -> None:
    people = [person("1", YES, YES), person("2", YES, YES, given="Hidden")]
    names = caption_for([face("1", 0), face("2", 100, shown=False), face(None, 200, shown=False)], rules(*people))
    assert [name.text for name in names] == ["Amina Rowe"]


def test_the_policy_shortens_a_full_name_to_the_first() -> None:
    full = person("1", YES, YES)
    (name,) = caption_for([face("1", 0)], rules(full, policy="nanaimo-ladysmith-ap107"))
    assert (name.text, name.decision.clause) == ("Amina", "nanaimo-ladysmith-ap107 6.4")
    (name,) = caption_for([face("1", 0)], rules(full, policy="park-west-ap144"))
    assert name.text == "Amina Rowe", "the control: full-name consent counts there"


def test_what_the_policy_asks_of_the_run_holds_for_names_too() -> None:
    under = rules(person("1", YES, YES), policy="ap-2-27")
    assert caption_for([face("1", 0)], under)[0].text == "Amina Rowe"
    alone = replace(under, circumstances=replace(EVERYTHING_TOLD, sign_offs=frozenset()))
    assert caption_for([face("1", 0)], alone)[0].text == ""


@pytest.mark.parametrize(("given", "family", "text"), [("", "Rowe", ""), ("Amina", "", "Amina"), ("", "", "")])
def test_a_name_that_the_roster_does_not_have_is_not_made_up(given: str, family: str, text: str) -> None:
    (name,) = caption_for([face("1", 0)], rules(person("1", YES, YES, given, family)))
    assert name.text == text


def test_why_no_more_of_a_name_is_printed_is_told_by_the_clause_about_names() -> None:
    (name,) = caption_for([face("1", 0)], rules(person("1", YES, NO), policy="park-west-ap144"))
    assert (name.printed, name.decision.clause) == (Printed.FIRST, "park-west-ap144 Point of emphasis 3")


@pytest.mark.parametrize(
    ("given", "family", "text"),
    [
        ("Amina Rowe", "Rowe", "Amina"),
        ("Amina ROWE", "", "Amina"),
        ("Mary Ann", "Rowe", "Mary Ann"),
        ("Rowe", "rowe", ""),
    ],
)
def test_a_last_name_in_the_first_names_column_is_not_printed(given: str, family: str, text: str) -> None:
    (name,) = caption_for([face("1", 0)], rules(person("1", YES, Answer.NO, given=given, family=family)))
    assert name.text == text

"""The promise about decisions, over all combinations: a KEEP needs every condition, and a policy only adds some."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent import Answer, Consent, Hold, Purpose, Reason, SignerRole, Subject, Unidentified, Verdict, decide
from consent.checklist import case_of, checklist
from consent.model import Aspect
from consent.policy_files import load_policy, policy_names, read_policy
from consent.procedures import STRICT, UNTOLD, Circumstances, Policy, SignOff
from consent.reasons import BY_OPERATOR

TODAY = date(2026, 11, 23)
DAY = timedelta(1)
PURPOSE = Purpose.SCHOOL_WEBSITE
GOOD = Consent(PURPOSE, Answer.YES, "A Guardian", SignerRole.GUARDIAN, date(2026, 9, 1), date(2027, 6, 30), "MR-1", 2)
CHILD = Subject("020411", "Amina", "Rowe", "student", biometric_ok=True, consents=(GOOD,), birth_date=date(2015, 5, 5))
EVERY_POLICY = tuple(policy_names())
EVERYTHING_TOLD = Circumstances(
    operator="O. Perator",
    sign_offs=frozenset(
        SignOff(role, f"{role} Example")
        for role in (SignerRole.PRINCIPAL, SignerRole.SUPERVISOR, SignerRole.SECOND_ADMINISTRATOR)
    ),
    attested=True,
    registered=True,
    faces=12,
    face_share=0.05,
    published=0,
)


def everything_on(name: str) -> Policy:
    return load_policy(name, {rule.id: True for rule in read_policy(name).policy.rules if rule.optional})


# What the tests hold `decide` against: written anew, in another way, from the words of the promise.


def may_sign(person: Subject, consent: Consent) -> bool:
    if person.role == "staff":
        return consent.signer_role is SignerRole.SELF
    assert consent.signed_on is not None
    signed, born = consent.signed_on, person.birth_date
    of_age = born is not None and (signed.year - 18, signed.month, signed.day) >= (born.year, born.month, born.day)
    wanted = SignerRole.SELF if of_age or person.independent else SignerRole.GUARDIAN
    return consent.signer_role is wanted


def holds(person: Subject, consent: Consent, on: date) -> bool:
    return (
        consent.answer is Answer.YES
        and consent.signed_by != ""
        and consent.signed_on is not None
        and consent.signed_on <= on
        and consent.valid_until is not None
        and on <= consent.valid_until
        and (consent.valid_from or date.min) <= on
        and may_sign(person, consent)
    )


def may_be_shown(person: Subject, purpose: Purpose, aspect: Aspect, on: date) -> bool:
    answers = [c for c in person.consents if (c.purpose, c.aspect) == (purpose, aspect)]
    return (
        purpose is not Purpose.PERSONAL_ACCOUNT
        and not person.holds
        and purpose not in person.withdrawn
        and (person.biometric_ok or aspect is not Aspect.PHOTO)
        and {c.answer for c in answers} == {Answer.YES}
        and any(holds(person, c, on) for c in answers)
    )


# Mostly good, so that what is wrong is often the only thing that is.
DAYS = st.sampled_from([TODAY, TODAY - DAY, TODAY + DAY, TODAY - 90 * DAY, TODAY + 90 * DAY])
PURPOSES = st.sampled_from([PURPOSE] * 4 + list(Purpose))
ASPECTS = st.sampled_from([Aspect.PHOTO] * 4 + list(Aspect))
CONSENTS = st.builds(
    Consent,
    purpose=PURPOSES,
    answer=st.sampled_from([Answer.YES] * 8 + list(Answer)),
    signed_by=st.sampled_from(["A Guardian", "B Guardian", "C. Self", ""]),
    signer_role=st.sampled_from([SignerRole.GUARDIAN] * 5 + [SignerRole.SELF] * 3 + list(SignerRole)),
    signed_on=st.sampled_from([TODAY - 60 * DAY] * 5 + [TODAY, TODAY - DAY, TODAY + DAY, None]),
    valid_until=st.sampled_from([TODAY + 60 * DAY] * 5 + [TODAY, TODAY - DAY, TODAY + DAY, None]),
    form_id=st.sampled_from(["", "MR-1"]),
    source_row=st.integers(2, 9),
    aspect=ASPECTS,
    valid_from=st.sampled_from([None] * 5 + [TODAY, TODAY - DAY, TODAY + DAY]),
)
PEOPLE = st.builds(
    Subject,
    subject_id=st.just("020411"),
    given_name=st.just("Amina"),
    role=st.sampled_from(["student", "student", "", "staff", "no such role"]),
    biometric_ok=st.sampled_from([True, True, True, False]),
    holds=st.sampled_from([frozenset[Hold]()] * 6 + [frozenset({hold}) for hold in Hold] + [frozenset(Hold)]),
    consents=st.lists(CONSENTS, max_size=3).map(tuple),
    birth_date=st.sampled_from(
        [None, date(2015, 5, 5), date(2008, 9, 24), date(2008, 9, 25), date(2008, 11, 23), date(2008, 11, 24),
         date(1980, 2, 29)]
    ),
    independent=st.sampled_from([False, False, True]),
    guardians=st.sampled_from([frozenset[str](), frozenset({"A Guardian"}), frozenset({"A Guardian", "B Guardian"})]),
    withdrawn=st.sampled_from([frozenset[Purpose]()] * 4 + [frozenset({PURPOSE}), frozenset({Purpose.YEARBOOK})]),
)  # fmt: skip
CIRCUMSTANCES = st.builds(
    Circumstances,
    operator=st.sampled_from(["", "O. Perator"]),
    sign_offs=st.frozensets(
        st.builds(SignOff, role=st.sampled_from(SignerRole), name=st.sampled_from(["", "O. Perator", "P. Principal"]))
    ),
    attested=st.booleans(),
    registered=st.booleans(),
    faces=st.none() | st.integers(-1, 40),
    face_share=st.none() | st.floats(),
    published=st.none() | st.integers(-1, 40),
) | st.just(EVERYTHING_TOLD)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    name = draw(st.sampled_from(EVERY_POLICY))
    optional = [rule.id for rule in read_policy(name).policy.rules if rule.optional]
    return load_policy(name, {rule: draw(st.booleans()) for rule in optional})


@given(PEOPLE, PURPOSES, ASPECTS, DAYS, CIRCUMSTANCES)
@settings(max_examples=1500, deadline=None)
def test_keeping_needs_every_condition(
    person: Subject, purpose: Purpose, aspect: Aspect, on: date, told: Circumstances
) -> None:
    decision = decide(person, purpose, on, aspect=aspect, circumstances=told)
    shown = decision.verdict is Verdict.KEEP
    assert shown == may_be_shown(person, purpose, aspect, on)
    assert shown == (decision.reason is Reason.CONSENTED) == bool(decision.relied)
    assert all(holds(person, c, on) and (c.purpose, c.aspect) == (purpose, aspect) for c in decision.relied)
    assert decision.subject_id == person.subject_id


@given(PEOPLE, PURPOSES, ASPECTS, DAYS, CIRCUMSTANCES, policies())
@settings(max_examples=1500, deadline=None)
def test_no_policy_shows_whom_the_default_covers(
    person: Subject, purpose: Purpose, aspect: Aspect, on: date, told: Circumstances, policy: Policy
) -> None:
    default = decide(person, purpose, on, aspect=aspect)
    decision = decide(person, purpose, on, aspect=aspect, policy=policy, circumstances=told)
    if default.verdict is Verdict.COVER:
        assert (decision.verdict, decision.reason) == (Verdict.COVER, default.reason)
    asked = [rule for rule in policy.rules if rule.applies(purpose, aspect) and rule.condition]
    case = case_of(person, purpose, on, aspect, told)
    met = all(rule.condition.broken(case) is None for rule in asked if rule.condition)
    assert (decision.verdict is Verdict.KEEP) == (default.verdict is Verdict.KEEP and met)
    assert decision.clause, "every decision names its clause"


@given(PEOPLE, PURPOSES, ASPECTS, DAYS, CIRCUMSTANCES, policies())
@settings(max_examples=500, deadline=None)
def test_an_explanation_never_differs_from_the_decision(
    person: Subject, purpose: Purpose, aspect: Aspect, on: date, told: Circumstances, policy: Policy
) -> None:
    decision = decide(person, purpose, on, aspect=aspect, policy=policy, circumstances=told)
    lines = checklist(case_of(person, purpose, on, aspect, told), policy)
    assert all(line.holds for line in lines) == (decision.verdict is Verdict.KEEP)
    assert all(bool(line.why) == bool(line.change) == (not line.holds) and line.clause for line in lines)
    if decision.verdict is Verdict.COVER:
        assert decision.reason.words in {line.why for line in lines}


@given(PEOPLE, PURPOSES, ASPECTS, DAYS, CIRCUMSTANCES, policies())
@settings(max_examples=200, deadline=None)
def test_a_decision_is_pure(
    person: Subject, purpose: Purpose, aspect: Aspect, on: date, told: Circumstances, policy: Policy
) -> None:
    before = copy.deepcopy((person, told, policy))
    one = decide(person, purpose, on, aspect=aspect, policy=policy, circumstances=told)
    assert one == decide(person, purpose.value, on, aspect=aspect.value, policy=policy, circumstances=told)  # type: ignore[arg-type]
    assert before == (person, told, policy) or math.isnan(told.face_share or 0)


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_everything_together_is_kept_under_every_policy(name: str) -> None:
    """The control of what follows: each removal is the only thing that is missing."""
    for purpose in set(Purpose) - {Purpose.PERSONAL_ACCOUNT}:
        child = replace(CHILD, consents=(replace(GOOD, purpose=purpose),))
        decision = decide(child, purpose, TODAY, policy=everything_on(name), circumstances=EVERYTHING_TOLD)
        assert decision.verdict is Verdict.KEEP


def removals() -> Iterator[tuple[Subject, Reason]]:
    """One thing taken from what is kept, and the reason that follows."""
    for hold in Hold:
        yield replace(CHILD, holds=frozenset({hold})), Reason(hold.value)
    yield replace(CHILD, withdrawn=frozenset({PURPOSE})), Reason.WITHDRAWN
    yield replace(CHILD, biometric_ok=False), Reason.NO_BIOMETRICS
    yield replace(CHILD, consents=()), Reason.BLANK
    answers = {
        Answer.NO: Reason.REFUSED,
        Answer.BLANK: Reason.BLANK,
        Answer.UNKNOWN: Reason.UNKNOWN_VALUE,
        Answer.CONFLICTING: Reason.CONFLICTING,
    }
    for answer, reason in answers.items():
        yield replace(CHILD, consents=(replace(GOOD, answer=answer),)), reason
        # Any no wins: a second guardian, and a row that only signs off.
        for role in (SignerRole.GUARDIAN, SignerRole.PRINCIPAL, SignerRole.SELF):
            other = replace(GOOD, answer=answer, signed_by="Somebody Else", signer_role=role)
            yield replace(CHILD, consents=(GOOD, other)), reason
            yield replace(CHILD, consents=(other, GOOD)), reason
    changes: list[tuple[dict[str, object], Reason]] = [
        ({"signed_by": ""}, Reason.UNSIGNED),
        ({"signed_on": None}, Reason.UNDATED),
        ({"valid_until": None}, Reason.UNDATED),
        ({"signed_on": TODAY + DAY}, Reason.SIGNED_IN_FUTURE),
        ({"valid_from": TODAY + DAY}, Reason.NOT_YET_VALID),
        ({"valid_until": TODAY - DAY}, Reason.EXPIRED),
        ({"signer_role": SignerRole.UNTOLD}, Reason.SIGNER_UNTOLD),
        ({"signer_role": SignerRole.SELF}, Reason.SIGNER_NOT_ENTITLED),
        ({"signer_role": SignerRole.PRINCIPAL}, Reason.BLANK),
        ({"signer_role": SignerRole.SUPERVISOR}, Reason.BLANK),
        ({"signer_role": SignerRole.SECOND_ADMINISTRATOR}, Reason.BLANK),
        ({"purpose": Purpose.YEARBOOK}, Reason.BLANK),
        ({"aspect": Aspect.WORK}, Reason.BLANK),
    ]
    for change, reason in changes:
        yield replace(CHILD, consents=(replace(GOOD, **change),)), reason  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_removing_any_one_condition_covers(name: str) -> None:
    policy = everything_on(name)
    for person, reason in removals():
        decision = decide(person, PURPOSE, TODAY, policy=policy, circumstances=EVERYTHING_TOLD)
        assert (decision.verdict, decision.reason) == (Verdict.COVER, reason), person
        assert decision.clause == policy.clause_for(reason, PURPOSE) != ""


@pytest.mark.parametrize("change", [{"valid_from": TODAY}, {"valid_until": TODAY}, {"signed_on": TODAY}])
def test_the_first_and_the_last_day_count(change: dict[str, object]) -> None:
    person = replace(CHILD, consents=(replace(GOOD, **change),))  # type: ignore[arg-type]
    assert decide(person, PURPOSE, TODAY).verdict is Verdict.KEEP


def test_what_is_worst_is_named_first() -> None:
    worst = replace(CHILD, holds=frozenset(Hold), withdrawn=frozenset({PURPOSE}), biometric_ok=False, consents=())
    order = []
    for fixed in (
        {"holds": frozenset({Hold.DO_NOT_PUBLISH, Hold.CULTURAL_HOLD})},
        {"holds": frozenset({Hold.CULTURAL_HOLD})},
        {"holds": frozenset[Hold]()},
        {"withdrawn": frozenset[Purpose]()},
        {"biometric_ok": True},
        {"consents": (GOOD,)},
    ):
        order.append(decide(worst, PURPOSE, TODAY).reason)
        worst = replace(worst, **fixed)  # type: ignore[arg-type]
    assert [reason.value for reason in (*order, decide(worst, PURPOSE, TODAY).reason)] == [
        "court_order", "do_not_publish", "cultural_hold", "withdrawn", "no_biometrics", "blank", "consented",
    ]  # fmt: skip


BIRTHDAY = date(2008, 9, 1)


@pytest.mark.parametrize("role", ["student", "staff", "", "whatever"])
@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize(
    ("born", "of_age"),
    [
        (None, False),
        (date(2015, 1, 1), False),
        (BIRTHDAY, True),
        (BIRTHDAY + DAY, False),
        (BIRTHDAY - DAY, True),
        (date(1970, 1, 1), True),
    ],
)
@pytest.mark.parametrize("signer", SignerRole)
def test_who_may_sign_for_whom(
    signer: SignerRole, born: date | None, of_age: bool, independent: bool, role: str
) -> None:
    """Staff for themselves; students' guardians until 18 at signing; students of age or independent for themselves."""
    consents = (replace(GOOD, signer_role=signer, signed_on=date(2026, 9, 1)),)
    person = replace(CHILD, role=role, independent=independent, birth_date=born, consents=consents)
    by_self = role == "staff" or of_age or independent
    expected = signer is (SignerRole.SELF if by_self else SignerRole.GUARDIAN)
    assert (decide(person, PURPOSE, TODAY).verdict is Verdict.KEEP) == expected


@pytest.mark.parametrize(("one", "other"), [p for p in product(Aspect, Aspect) if p[0] is not p[1]])
def test_a_yes_to_one_aspect_says_nothing_about_another(one: Aspect, other: Aspect) -> None:
    person = replace(CHILD, consents=(replace(GOOD, aspect=one),))
    assert decide(person, PURPOSE, TODAY, aspect=one).verdict is Verdict.KEEP
    assert decide(person, PURPOSE, TODAY, aspect=other).reason is Reason.BLANK


def test_a_name_and_a_work_need_no_recognition() -> None:
    for aspect in set(Aspect) - {Aspect.PHOTO}:
        person = replace(CHILD, biometric_ok=False, consents=(replace(GOOD, aspect=aspect),))
        assert decide(person, PURPOSE, TODAY, aspect=aspect).verdict is Verdict.KEEP


@pytest.mark.parametrize("name", EVERY_POLICY)
@pytest.mark.parametrize("aspect", Aspect)
def test_nobody_is_ever_shown_on_a_personal_account(name: str, aspect: Aspect) -> None:
    private = Purpose.PERSONAL_ACCOUNT
    for role in ("student", "staff"):
        forms = tuple(replace(GOOD, purpose=private, aspect=aspect, signer_role=signer) for signer in SignerRole)
        person = replace(CHILD, role=role, consents=forms)
        decision = decide(
            person, private, TODAY, aspect=aspect, policy=load_policy(name), circumstances=EVERYTHING_TOLD
        )
        assert (decision.verdict, decision.reason) == (Verdict.COVER, Reason.PERSONAL_ACCOUNT)
        assert decide(person, "personal_account", TODAY).verdict is Verdict.COVER  # type: ignore[arg-type]


@pytest.mark.parametrize("why", Unidentified)
@pytest.mark.parametrize("name", EVERY_POLICY)
def test_whoever_nobody_can_name_is_covered_under_every_policy(why: Unidentified, name: str) -> None:
    for purpose in Purpose:
        decision = decide(why, purpose, TODAY, policy=load_policy(name), circumstances=EVERYTHING_TOLD)
        assert (decision.verdict, decision.reason, decision.subject_id) == (Verdict.COVER, Reason(why.value), None)
        assert decision.clause and not decision.relied


def test_every_reason_has_words_of_its_own_and_a_clause_under_every_policy() -> None:
    assert len({reason.words for reason in Reason}) == len(Reason)
    # What a person said of a photo is no procedure's, and `decide` never gives it.
    for name, reason, purpose in product(EVERY_POLICY, set(Reason) - BY_OPERATOR, Purpose):
        assert load_policy(name).clause_for(reason, purpose), (name, reason)


def test_the_default_of_decide_is_the_strict_policy_without_its_clauses() -> None:
    strict = load_policy("strict")
    assert (STRICT.name, STRICT.version, STRICT.rules) == (strict.name, strict.version, ())
    assert not [rule for rule in strict.rules if rule.condition or rule.warning or rule.batch]
    assert Circumstances() == UNTOLD

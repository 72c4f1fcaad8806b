from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import Answer, Consent, Hold, Purpose, Reason, SignerRole, Subject, Unidentified, Verdict, decide

TODAY = date(2026, 11, 23)
PURPOSE = Purpose.SCHOOL_WEBSITE
GOOD = Consent(PURPOSE, Answer.YES, "A Guardian", SignerRole.GUARDIAN, date(2026, 9, 1), date(2027, 6, 30), "MR-1", 2)
PERSON = Subject("020411", "Amina", role="student", biometric_ok=True, consents=(GOOD,))


def with_consent(**changes: object) -> Subject:
    return replace(PERSON, consents=(replace(GOOD, **changes),))  # type: ignore[arg-type]


def test_a_signed_dated_valid_yes_is_kept() -> None:
    decision = decide(PERSON, PURPOSE, TODAY)
    assert (decision.verdict, decision.reason, decision.subject_id) == (Verdict.KEEP, Reason.CONSENTED, "020411")


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (with_consent(answer=Answer.NO), Reason.REFUSED),
        (with_consent(answer=Answer.BLANK), Reason.BLANK),
        (with_consent(answer=Answer.UNKNOWN), Reason.UNKNOWN_VALUE),
        (with_consent(answer=Answer.CONFLICTING), Reason.CONFLICTING),
        (with_consent(signed_by=""), Reason.UNSIGNED),
        (with_consent(signed_on=None), Reason.UNDATED),
        (with_consent(valid_until=None), Reason.UNDATED),
        (with_consent(signed_on=TODAY + timedelta(1)), Reason.SIGNED_IN_FUTURE),
        (with_consent(valid_until=TODAY - timedelta(1)), Reason.EXPIRED),
        (replace(PERSON, holds=frozenset({Hold.DO_NOT_PUBLISH})), Reason.DO_NOT_PUBLISH),
        (replace(PERSON, biometric_ok=False), Reason.NO_BIOMETRICS),
        (replace(PERSON, consents=()), Reason.BLANK),
        *((why, Reason(why.value)) for why in Unidentified),
    ],
)
def test_each_weakness_covers_with_a_reason_of_its_own(person: Subject | Unidentified, reason: Reason) -> None:
    decision = decide(person, PURPOSE, TODAY)
    assert (decision.verdict, decision.reason) == (Verdict.COVER, reason)


def test_the_last_day_still_counts() -> None:
    assert decide(with_consent(valid_until=TODAY, signed_on=TODAY), PURPOSE, TODAY).verdict is Verdict.KEEP


def test_consent_for_one_purpose_says_nothing_about_another() -> None:
    assert decide(PERSON, Purpose.YEARBOOK, TODAY).reason is Reason.BLANK


DAYS = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
CONSENTS = st.builds(
    Consent,
    purpose=st.just(PURPOSE),
    answer=st.sampled_from(Answer),
    signed_by=st.sampled_from(["", "A Guardian"]),
    signer_role=st.just(SignerRole.GUARDIAN),
    signed_on=DAYS,
    valid_until=DAYS,
    form_id=st.just(""),
    source_row=st.just(2),
)


@given(CONSENTS, st.booleans(), st.booleans(), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_keeping_needs_every_condition(consent: Consent, biometric: bool, blocked: bool, on: date) -> None:
    person = replace(
        PERSON,
        biometric_ok=biometric,
        holds=frozenset({Hold.DO_NOT_PUBLISH} if blocked else ()),
        consents=(consent,),
    )
    decision = decide(person, PURPOSE, on)
    signed, until = consent.signed_on, consent.valid_until
    every = [
        consent.answer is Answer.YES,
        bool(consent.signed_by),
        signed is not None and signed <= on,
        until is not None and on <= until,
        biometric,
        not blocked,
    ]
    assert (decision.verdict is Verdict.KEEP) == all(every)
    assert (decision.verdict is Verdict.KEEP) == (decision.reason is Reason.CONSENTED)


def test_every_reason_has_words() -> None:
    assert all(reason.words for reason in Reason)

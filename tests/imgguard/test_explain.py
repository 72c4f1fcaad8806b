from __future__ import annotations

from dataclasses import replace

import pytest

from consent.policy import Decision, Reason, Verdict
from imgguard import Candidate, FaceResult, Outcome, Quality
from imgguard.explain import explain
from tests.fakes import detection_at

GOOD = Quality(80.0, 20.0, 0.1, None)


def face(outcome: Outcome | None, reason: Reason, *scores: float, fault: str | None = None) -> FaceResult:
    candidates = tuple(Candidate(number, score) for number, score in zip(("020411", "020448"), scores, strict=False))
    verdict = Verdict.KEEP if reason is Reason.CONSENTED else Verdict.COVER
    quality = replace(GOOD, fault=fault)
    decision = Decision(verdict, reason, None)
    return FaceResult(detection_at(0, 0, 80), quality, candidates, outcome, 0.52, decision, None)


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        (
            face(Outcome.NON_MATCH, Reason.NO_MATCH, 0.41, 0.2),
            "nearest is 020411 with 0.41, 0.52 is needed",
        ),
        (
            face(Outcome.NON_MATCH, Reason.NO_MATCH, 0.5194),
            "nearest is 020411 with 0.519, 0.520 is needed",
        ),
        (face(Outcome.NON_MATCH, Reason.NO_MATCH), "nobody is enrolled to compare with"),
        (
            face(Outcome.AMBIGUOUS, Reason.AMBIGUOUS, 0.61, 0.58),
            "020411 (0.61) and 020448 (0.58) are too near each other to tell",
        ),
        (
            face(Outcome.AMBIGUOUS, Reason.AMBIGUOUS, 0.61, 0.3),
            "020411 (0.61) is nearer to another face in this photo, and nobody is in it twice",
        ),
        (
            face(Outcome.AMBIGUOUS, Reason.AMBIGUOUS, 0.61),
            "020411 (0.61) is nearer to another face in this photo, and nobody is in it twice",
        ),
        (
            face(Outcome.NOT_COMPARABLE, Reason.NOT_COMPARABLE, fault="too blurred"),
            "cannot be compared: too blurred",
        ),
        (face(Outcome.NOT_COMPARABLE, Reason.NOT_COMPARABLE), "too small, blurred or turned to compare"),
        (face(Outcome.MATCH, Reason.CONSENTED, 0.72, 0.3), "020411 (0.72): consent covers this purpose"),
        (face(Outcome.MATCH, Reason.REFUSED, 0.72, 0.3), "020411 (0.72): consent refused for this purpose"),
        (
            face(Outcome.AMBIGUOUS, Reason.AMBIGUOUS, 0.61, 0.45),
            "020411 (0.61) cannot be told from a relative, or is nearer to another face in this photo",
        ),
        (
            replace(face(Outcome.MATCH, Reason.CONSENTED, 0.5, 0.3), photos=3),
            "020411 (0.50), agreed by 3 photos: consent covers this purpose",
        ),
        (
            replace(face(Outcome.CONTRADICTED, Reason.CONTRADICTED, 0.55, 0.3), photos=4),
            "nearest is 020411 (0.55), but 4 photos of this face do not agree on who it is",
        ),
        (
            replace(
                face(Outcome.CONFIRMED, Reason.CONSENTED, 0.4),
                decision=Decision(Verdict.KEEP, Reason.CONSENTED, "020522"),
            ),
            "020522, as the operator says: consent covers this purpose",
        ),
        (face(Outcome.NON_MATCH, Reason.NOBODY_THERE, 0.4, 0.3), "no face: somebody looked and nobody is there"),
        (face(Outcome.MATCH, Reason.COVERED_BY_OPERATOR, 0.6, 0.3), "covered by the operator"),
        (face(None, Reason.NO_RECOGNITION), "recognition is off, everybody is covered"),
        (face(None, Reason.FOUND_BY_CHECK), "found only by the check of the finished picture"),
    ],
)
def test_each_outcome_is_explained_with_its_numbers(judged: FaceResult, words: str) -> None:
    assert explain(judged) == words


def test_every_outcome_and_reason_has_words_and_no_match_is_never_told_as_one() -> None:
    naming = (None, Outcome.MATCH, Outcome.CONFIRMED)
    for outcome in (None, *Outcome):
        for reason in Reason:
            told = explain(face(outcome, reason, 0.4, 0.3, fault="too blurred"))
            assert told
            assert ("consent covers" in told) == (reason is Reason.CONSENTED and outcome in naming)

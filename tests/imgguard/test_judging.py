"""What is decided about the faces of one photo together: groups, distances and limits can only cover."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consent import Purpose, Reason, Subject, Verdict
from consent.model import Aspect
from consent.policy_files import load_policy
from consent.procedures import Condition, GroupOf, Policy, Rule, StudentLimit
from imgguard import Candidate, Identification, Outcome, Probe, Style
from imgguard.judging import Scene, decide_faces, published_on
from imgguard.rules import Covering, Rules
from imgguard.types import Treatment
from tests.consent.test_policy_promise import CHILD, GOOD, TODAY
from tests.fakes import detection_at

SCENE = Scene("a" * 64, 1000)


def person(number: str, **changes: Any) -> Subject:
    return replace(CHILD, subject_id=number, **changes)


PEOPLE = {str(n): person(str(n)) for n in range(1, 10)} | {"no": person("no", consents=())}


def found(*numbers: str, height: float = 80) -> list[Identification]:
    return [
        Identification(
            Probe(detection_at(100 * n, 0, height, height), None, None),
            (Candidate(number, 0.9),),
            Outcome.MATCH if number else Outcome.NON_MATCH,
            0.5,
        )
        for n, number in enumerate(numbers)
    ]


def rules(policy: Policy, treatment: Treatment = Treatment.COVER, **more: Any) -> Rules:
    covering = Covering(treatment=treatment)
    return Rules(
        Purpose.SCHOOL_WEBSITE, PEOPLE, None, TODAY, Style.BLUR, None, policy=policy, covering=covering, **more
    )


def asking(condition: Condition) -> Policy:
    return Policy("p", "", "", (Rule("x", "1", "", condition=condition),))


def decided(faces: list[Identification], under: Rules, scene: Scene = SCENE) -> list[Reason]:
    return [decision.reason for decision in decide_faces(faces, under, scene)]


def test_a_group_that_is_too_small_is_covered() -> None:
    park = load_policy("park-west-ap144", {"in-groups": True})
    assert decided(found("1", "2", "3", "4"), rules(park)) == [Reason.GROUP_TOO_SMALL] * 4
    assert decided(found("1", "2", "3", "4", ""), rules(park)) == [Reason.CONSENTED] * 4 + [Reason.NO_MATCH]
    assert decided(found("1", "2"), rules(load_policy("park-west-ap144"))) == [Reason.CONSENTED] * 2, "switched off"


def test_whoever_is_cropped_out_makes_no_group() -> None:
    small = asking(GroupOf(3))
    faces = found("1", "2", "no")
    assert decided(faces, rules(small)) == [Reason.CONSENTED] * 2 + [Reason.BLANK]
    assert decided(faces, rules(small, Treatment.CROP)) == [Reason.GROUP_TOO_SMALL] * 2 + [Reason.BLANK]
    assert decided(found("1", "2", "3"), rules(small, Treatment.CROP)) == [Reason.CONSENTED] * 3


@pytest.mark.parametrize(
    ("height", "treatment", "shown"),
    [
        (250, Treatment.COVER, True),
        (251, Treatment.COVER, False),
        (150, Treatment.CROP, True),
        (151, Treatment.CROP, False),
    ],
)
def test_a_face_that_is_too_close_is_covered(height: float, treatment: Treatment, shown: bool) -> None:
    """A crop keeps at least 60 % of a photo, so a face may come to be that much larger in it."""
    near = load_policy("park-west-ap144", {"from-a-distance": True})
    told = decided(found("1", height=height), rules(near, treatment))
    assert told == [Reason.CONSENTED if shown else Reason.FACE_TOO_LARGE]


def test_the_photo_itself_is_no_earlier_one() -> None:
    limit = asking(StudentLimit(2, 30))
    here = SCENE.sha256
    seen = {"1": frozenset({"b", here}), "2": frozenset({"b", "c"}), "3": frozenset[str]()}
    told = decided(found("1", "2", "3", "4"), rules(limit, published=seen))
    assert told == [Reason.CONSENTED, Reason.LIMIT_REACHED, Reason.CONSENTED, Reason.CONSENTED]


def test_earlier_photos_of_the_run_count_too() -> None:
    under = rules(asking(StudentLimit(2, 30)), published={"1": frozenset({"b"})})
    assert published_on("1", under, replace(SCENE, earlier={"1": 1})) == 2
    assert decided(found("1"), under, replace(SCENE, earlier={"1": 1})) == [Reason.LIMIT_REACHED]
    assert decided(found("1"), under, replace(SCENE, earlier={"2": 9})) == [Reason.CONSENTED]


def test_nothing_about_the_others_shows_whom_consent_covers() -> None:
    everything = load_policy("park-west-ap144", {"in-groups": True, "from-a-distance": True, "cover-at-limit": True})
    told = decided(found("no", "1", "2", "3", "4", "5"), rules(everything))
    assert told == [Reason.BLANK, *[Reason.CONSENTED] * 5]


def test_without_a_purpose_everybody_is_covered_with_a_clause() -> None:
    covering = replace(rules(load_policy("lloydminster-ap193")), purpose=None)
    (decision,) = decide_faces(found("1"), covering, SCENE)
    assert (decision.verdict, decision.reason, decision.clause) == (
        Verdict.COVER,
        Reason.NO_RECOGNITION,
        "lloydminster-ap193 1.1",
    )


def test_work_and_names_of_the_child_are_no_answer_about_the_face() -> None:
    only = {"1": person("1", consents=(replace(GOOD, aspect=Aspect.FULL_NAME),))}
    assert decided(found("1"), replace(rules(load_policy("strict")), subjects=only)) == [Reason.BLANK]

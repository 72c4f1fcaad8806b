from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.model import Answer, Consent, Purpose, SignerRole, Subject
from consent.procedures import Circumstances, GroupOf, Policy, Rule, SignedOff, SignOff
from consent.reasons import Reason
from imgguard import BoundingBox
from imgguard.identify import Gallery
from imgguard.keys import Keys, digest
from imgguard.marks import Mark, MarkKind
from imgguard.rules import Covering, Rules
from imgguard.scales import Search
from imgguard.types import Extent, Format, Picture, Style, Treatment
from tests.conftest import ROOT, TODAY
from tests.fakes import plain_calibration
from tests.schools import reference

PHOTO = "ab" * 32
MODELS = {"a.onnx": "11" * 32}
END = date(2027, 6, 30)


def consent(answer: Answer = Answer.YES, *, row: int = 1, until: date = END) -> Consent:
    signed = date(2026, 9, 1)
    return Consent(
        Purpose.YEARBOOK, answer, "A Parent", SignerRole.GUARDIAN, signed, until, "form", row, source_sha256="cd" * 32
    )


def person(number: str, *given_: Consent) -> Subject:
    return Subject(number, "Given", "Family", biometric_ok=True, consents=given_ or (consent(),))


def gallery(*numbers: str, fpir: float = 0.001) -> Gallery:
    references = [reference(number)[0] for number in numbers]
    return Gallery.from_references(references, fpir, TODAY, calibration=plain_calibration("model"))


def rules(**changed: object) -> Rules:
    people = {number: person(number) for number in ("1", "2")}
    usual = Rules(Purpose.YEARBOOK, people, gallery("1", "2"), TODAY, Style.BLUR, None)
    return replace(usual, **changed)  # type: ignore[arg-type]


def key(of: Rules, *people: str, models: dict[str, str] = MODELS, version: str = "1") -> str:
    return Keys.of(of, models, version).key(PHOTO, people)


def said() -> Mark:
    return Mark(MarkKind.COVER, BoundingBox(1, 2, 3, 4))


def picture(shade: int) -> Picture:
    return Picture(np.full((2, 2, 3), shade, np.uint8), np.full((2, 2), 255, np.uint8))


BEFORE = key(rules(), "1")
SETTINGS: dict[str, Callable[[], str]] = {
    "style": lambda: key(rules(style=Style.SOLID), "1"),
    "picture": lambda: key(rules(covering=Covering(picture(1))), "1"),
    "another picture": lambda: key(rules(covering=Covering(picture(2))), "1"),
    "cover": lambda: key(rules(covering=Covering(extent=Extent.PERSON)), "1"),
    "covered": lambda: key(rules(covering=Covering(treatment=Treatment.CROP)), "1"),
    "format": lambda: key(rules(format=Format.PNG), "1"),
    "search": lambda: key(rules(search=Search.THOROUGH), "1"),
    "fpir": lambda: key(rules(fpir=0.01), "1"),
    "groups": lambda: key(rules(groups=("4B",)), "1"),
    "credit": lambda: key(rules(credit="Photo: North School"), "1"),
    "orientation": lambda: key(rules(keep_orientation_tag=True), "1"),
    "purpose": lambda: key(rules(purpose=Purpose.SCHOOL_WEBSITE), "1"),
    "destination": lambda: key(rules(destination="the school's page"), "1"),
    "gallery": lambda: key(rules(gallery=gallery("1", "2", "3")), "1"),
    "threshold": lambda: key(rules(gallery=gallery("1", "2", fpir=0.01)), "1"),
    "no recognition": lambda: key(rules(gallery=None), "1"),
    "policy": lambda: key(rules(policy=Policy("own", "Own", "1")), "1"),
    "rule": lambda: key(
        rules(policy=Policy("own", "Own", "1", (Rule("a", "1", "groups", condition=GroupOf(3)),))), "1"
    ),
    "marks": lambda: key(rules(marks={PHOTO: (said(),)}), "1"),
    "models": lambda: key(rules(), "1", models={"a.onnx": "22" * 32}),
    "version": lambda: key(rules(), "1", version="2"),
    "people": lambda: key(rules(), "1", "2"),
    "an answer": lambda: key(rules(subjects={"1": person("1", consent(Answer.NO)), "2": person("2")}), "1"),
    "an expired form": lambda: key(rules(on=END + timedelta(1)), "1"),
    "a withdrawal": lambda: key(
        rules(subjects={"1": replace(person("1"), withdrawn=frozenset({Purpose.YEARBOOK}))}), "1"
    ),
    "somebody gone": lambda: key(rules(subjects={}), "1"),
}


def test_whatever_decides_the_result_changes_the_key() -> None:
    keys = {what: make() for what, make in SETTINGS.items()}
    assert BEFORE not in keys.values()
    assert len(set(keys.values())) == len(keys), "no two changes give the same"


@pytest.mark.parametrize(
    "same",
    [
        rules(),
        rules(on=TODAY + timedelta(7)),
        # The same forms in a new export, and somebody else's form.
        rules(subjects={"1": person("1", consent(row=7)), "2": person("2")}),
        rules(subjects={"1": person("1"), "2": person("2", consent(Answer.NO))}),
        # How often somebody was published, and what was said of another photo.
        rules(published={"1": frozenset({"ee" * 32})}),
        rules(marks={"cd" * 32: (said(),)}),
        rules(circumstances=Circumstances(operator="K. Reyes")),
    ],
)
def test_what_decides_nothing_leaves_the_key(same: Rules) -> None:
    assert key(same, "1") == BEFORE


def test_a_sign_off_counts_where_the_procedure_asks_for_one() -> None:
    asked = Policy("own", "Own", "1", (Rule("a", "1", "x", frozenset({Reason.NO_SIGN_OFF}),
                                            condition=SignedOff((SignerRole.PRINCIPAL,))),))  # fmt: skip
    agreed = Circumstances("K. Reyes", frozenset({SignOff(SignerRole.PRINCIPAL, "A. Example")}))
    assert key(rules(policy=asked), "1") != key(rules(policy=asked, circumstances=agreed), "1")
    assert key(rules(policy=asked)) == key(rules(policy=asked, circumstances=agreed)), "nobody is in the photo"


def test_a_key_is_the_same_in_every_process() -> None:
    """Sets come in another order in each."""
    program = "from tests.imgguard.test_keys import BEFORE; print(BEFORE)"
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}, check=True,
            capture_output=True, text=True, cwd=ROOT,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert told == {BEFORE}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(PLAIN, PLAIN)
def test_values_have_the_same_digest_only_if_they_are_the_same(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return ("mapping", sorted((name, repr(_sorted(one))) for name, one in value.items()))
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def test_what_cannot_be_told_as_plain_values_is_an_error() -> None:
    with pytest.raises(TypeError):
        digest(object())

"""The procedures: every clause is linked, every rule is kept by something, and no file is half understood."""

from __future__ import annotations

import importlib
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import Answer, Purpose, Reason, RecordError, SignerRole, Store, Subject, Verdict, audit, decide
from consent.errors import PolicyError
from consent.model import Aspect
from consent.policy_files import load_policy, overdue, parse_policy, policy_names, read_policy
from consent.procedures import (
    Attested,
    Circumstances,
    EveryGuardian,
    FaceAtMost,
    FirstNameOnly,
    GroupOf,
    Independent,
    Policy,
    Registered,
    Rule,
    SignedOff,
    SignOff,
    StudentLimit,
)
from tests.conftest import ROOT
from tests.consent.test_policy_promise import CHILD, EVERYTHING_TOLD, GOOD, TODAY

# Every clause that the five procedures are asked to be kept by, or to be said not to be.
CLAUSES = {
    "nanaimo-ladysmith-ap107": ("4.3", "5.4", "4.4", "6.6", "5.3", "5.5", "5.7", "5.8", "6.4", "4.6", "2.1"),
    "lloydminster-ap193": ("1.1", "3.3", "2.7", "1.2", "1.7", "3.1", "3.2", "3.4"),
    "park-west-ap144": (
        "Point of emphasis 1",
        "Point of emphasis 2",
        "Point of emphasis 3",
        "Point of emphasis 4",
        "Point of emphasis 5",
        "Point of emphasis 6",
        "Professional use, personal devices",
        "Professional use, cultural sensitivities",
        "Review and updating",
    ),
    "northern-lights-ap151": ("5.2", "6.1", "10", "13", "14.10", "12.2"),
    "ap-2-27": ("2.1", "1.1", "4.1", "3.3"),
}
ALL_RULES = [(name, rule) for name in policy_names() for rule in read_policy(name).policy.rules]
IDS = [f"{name}:{rule.id}" for name, rule in ALL_RULES]


def test_there_is_a_file_for_each_procedure_and_one_for_the_default() -> None:
    assert policy_names() == ("strict", *sorted(CLAUSES))


@pytest.mark.parametrize(("name", "clause"), [(name, one) for name, some in CLAUSES.items() for one in some])
def test_every_clause_is_kept_by_a_rule_or_said_not_to_be(name: str, clause: str) -> None:
    file = read_policy(name)
    told = [rule.clause for rule in file.policy.rules] + [left.clause for left in file.not_done]
    assert any(one == clause or one.startswith((f"{clause} ", f"{clause},")) for one in told)


@pytest.mark.parametrize(("name", "rule"), ALL_RULES, ids=IDS)
def test_what_keeps_a_rule_exists_and_so_do_its_tests(name: str, rule: Rule) -> None:
    assert rule.condition or rule.warning or rule.batch or rule.held_by
    for holder in rule.held_by:
        assert exists(holder), f"{name} {rule.id}: there is no {holder}"
    assert rule.tests, f"{name} {rule.id}: nothing tests it"
    for test in rule.tests:
        path, _, function = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {function or 'test_'}" in text, f"{name} {rule.id}: there is no {test}"


def exists(dotted: str) -> bool:
    """Find a name of a module, or of a class in it."""
    parts = dotted.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_the_control_misses_what_is_not_there() -> None:
    assert exists("consent.procedures.Policy.broken")
    assert not exists("consent.policy.decided") and not exists("consent.nowhere.decide")


# How each kind of condition is broken, with everything else as it should be.
FULL = replace(GOOD, aspect=Aspect.FULL_NAME)
BROKEN: dict[type, tuple[Subject, Aspect, dict[str, Any], Reason]] = {
    SignedOff: (CHILD, Aspect.PHOTO, {"sign_offs": frozenset()}, Reason.NO_SIGN_OFF),
    Attested: (CHILD, Aspect.PHOTO, {"attested": False}, Reason.NOT_ATTESTED),
    Registered: (CHILD, Aspect.PHOTO, {"registered": False}, Reason.NOT_REGISTERED),
    EveryGuardian: (
        replace(CHILD, guardians=frozenset({"Another Guardian"})),
        Aspect.PHOTO,
        {},
        Reason.GUARDIAN_MISSING,
    ),
    Independent: (replace(CHILD, birth_date=date(2008, 10, 10)), Aspect.PHOTO, {}, Reason.NOT_INDEPENDENT),
    StudentLimit: (CHILD, Aspect.PHOTO, {"published": 1000}, Reason.LIMIT_REACHED),
    GroupOf: (CHILD, Aspect.PHOTO, {"faces": 1}, Reason.GROUP_TOO_SMALL),
    FaceAtMost: (CHILD, Aspect.PHOTO, {"face_share": 0.99}, Reason.FACE_TOO_LARGE),
    FirstNameOnly: (replace(CHILD, consents=(GOOD, FULL)), Aspect.FULL_NAME, {}, Reason.FIRST_NAME_ONLY),
}


ASKING = [(name, rule) for name, rule in ALL_RULES if rule.condition]


@pytest.mark.parametrize(("name", "rule"), ASKING, ids=[f"{name}:{rule.id}" for name, rule in ASKING])
def test_a_rule_covers_until_it_is_satisfied(name: str, rule: Rule) -> None:
    person, aspect, change, reason = BROKEN[type(rule.condition)]
    alone = Policy(name, "", "", (rule,))
    for purpose in set(Purpose) - {Purpose.PERSONAL_ACCOUNT}:
        consents = tuple(replace(c, purpose=purpose) for c in person.consents)
        whole = replace(CHILD, consents=(replace(GOOD, purpose=purpose),))
        kept = decide(whole, purpose, TODAY, policy=alone, circumstances=EVERYTHING_TOLD)
        assert kept.verdict is Verdict.KEEP, "the control"
        broken = decide(
            replace(person, consents=consents),
            purpose,
            TODAY,
            aspect=aspect,
            policy=alone,
            circumstances=replace(EVERYTHING_TOLD, **change),
        )
        expected = (Verdict.KEEP, Reason.CONSENTED, "")
        if rule.applies(purpose, aspect):
            expected = (Verdict.COVER, reason, f"{name} {rule.clause}")
        assert (broken.verdict, broken.reason, broken.clause) == expected


@pytest.mark.parametrize(
    "told",
    [
        {"operator": ""},
        {"operator": " "},
        {"operator": "p.  PRINCIPAL"},
        {"operator": "Principal, P."},
        {"operator": "P\u200b Principal"},
        {"operator": "Pat Principal"},
        {"operator": "\uff30. Pri\u0301ncipal"},
        {"sign_offs": frozenset()},
        {"sign_offs": frozenset({SignOff(SignerRole.PRINCIPAL, " ")})},
        {"sign_offs": frozenset({SignOff(SignerRole.SUPERVISOR, "P. Principal")})},
    ],
)
def test_a_sign_off_is_by_somebody_named_and_somebody_else(told: dict[str, Any]) -> None:
    good = Circumstances(operator="O. Perator", sign_offs=frozenset({SignOff(SignerRole.PRINCIPAL, "P. Principal")}))
    rule = Rule("x", "1", "", condition=SignedOff((SignerRole.PRINCIPAL,)))
    policy = Policy("p", "", "", (rule,))
    purpose = Purpose.SCHOOL_WEBSITE
    assert decide(CHILD, purpose, TODAY, policy=policy, circumstances=good).verdict is Verdict.KEEP
    broken = decide(CHILD, purpose, TODAY, policy=policy, circumstances=replace(good, **told))
    assert broken.reason is Reason.NO_SIGN_OFF


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"signed_on": TODAY}, True),
        ({"signed_on": TODAY + timedelta(1)}, False),
        ({"signed_on": None}, False),
        ({"purpose": Purpose.YEARBOOK}, False),
        ({"aspect": Aspect.WORK}, False),
        ({"signer_role": SignerRole.SUPERVISOR}, False),
        ({"signed_by": ""}, False),
        ({"signed_by": "Perator, O."}, False),
        ({"valid_until": TODAY - timedelta(1)}, False),
        ({"valid_from": TODAY + timedelta(1)}, False),
    ],
)
def test_a_sign_off_on_the_form_counts_for_that_student(change: dict[str, Any], kept: bool) -> None:
    row = replace(GOOD, signer_role=SignerRole.PRINCIPAL, signed_by="P. Principal")
    person = replace(CHILD, consents=(GOOD, replace(row, **change)))
    policy = Policy("p", "", "", (Rule("x", "1", "", condition=SignedOff((SignerRole.PRINCIPAL,))),))
    told = Circumstances(operator="O. Perator")
    decision = decide(person, Purpose.SCHOOL_WEBSITE, TODAY, policy=policy, circumstances=told)
    assert (decision.verdict is Verdict.KEEP) == kept


@pytest.mark.parametrize(
    ("supervisor", "kept"), [("S. Uper", True), ("P. Principal", False), ("Principal, Pat", False)]
)
def test_two_sign_offs_are_by_two_people(supervisor: str, kept: bool) -> None:
    rule = Rule("x", "1", "", condition=SignedOff((SignerRole.PRINCIPAL, SignerRole.SUPERVISOR)))
    signed = {SignOff(SignerRole.PRINCIPAL, "P. Principal"), SignOff(SignerRole.SUPERVISOR, supervisor)}
    told = Circumstances(operator="O. Perator", sign_offs=frozenset(signed))
    policy = Policy("p", "", "", (rule,))
    decision = decide(CHILD, Purpose.SCHOOL_WEBSITE, TODAY, policy=policy, circumstances=told)
    assert (decision.verdict is Verdict.KEEP) == kept


@pytest.mark.parametrize("born", [None, date(2015, 1, 1), date(2008, 11, 23), date(2008, 11, 24), date(1990, 1, 1)])
@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("signer", [SignerRole.GUARDIAN, SignerRole.SELF])
def test_the_stricter_reading_is_the_default_and_can_be_switched_off(
    signer: SignerRole, independent: bool, born: date | None
) -> None:
    consents = (replace(GOOD, signer_role=signer, purpose=Purpose.DIVISION_SOCIAL_MEDIA, signed_on=TODAY),)
    student = replace(CHILD, birth_date=born, independent=independent, consents=consents)
    strict, loose = load_policy("ap-2-27"), load_policy("ap-2-27", {"of-age-and-independent": False})
    purpose = Purpose.DIVISION_SOCIAL_MEDIA
    by_consent = decide(student, purpose, TODAY).verdict
    assert decide(student, purpose, TODAY, policy=loose, circumstances=EVERYTHING_TOLD).verdict is by_consent
    of_age = born is not None and (TODAY.year - 18, TODAY.month, TODAY.day) >= (born.year, born.month, born.day)
    guardian = signer is SignerRole.GUARDIAN and not of_age and not independent
    student_self = signer is SignerRole.SELF and of_age and independent
    shown = decide(student, purpose, TODAY, policy=strict, circumstances=EVERYTHING_TOLD).verdict
    assert (shown is Verdict.KEEP) == (guardian or student_self)


@pytest.mark.parametrize(
    ("condition", "field", "good", "bad"),
    [
        (StudentLimit(3, 30), "published", [0, 2], [None, 3, 99]),
        (GroupOf(5), "faces", [5, 40], [None, 0, 4]),
        (FaceAtMost(0.25), "face_share", [0.0, 0.25], [None, 0.2501, 1.0, float("nan"), float("inf")]),
    ],
)
def test_what_a_rule_has_to_know_and_is_not_told_covers(
    condition: Any, field: str, good: list[Any], bad: list[Any]
) -> None:
    policy = Policy("p", "", "", (Rule("x", "1", "", condition=condition),))
    for value in [*good, *bad]:
        told = Circumstances(**{field: value})
        shown = decide(CHILD, Purpose.SCHOOL_WEBSITE, TODAY, policy=policy, circumstances=told).verdict
        assert (shown is Verdict.KEEP) == (value in good)
        first = replace(CHILD, consents=(replace(GOOD, aspect=Aspect.FIRST_NAME),))
        kept = decide(first, Purpose.SCHOOL_WEBSITE, TODAY, aspect=Aspect.FIRST_NAME, policy=policy, circumstances=told)
        assert kept.verdict is Verdict.KEEP, "a caption is no picture"


@pytest.mark.parametrize("operator", ["", " "])
def test_nobody_attests_without_a_name(operator: str) -> None:
    policy = Policy("p", "", "", (Rule("x", "1", "", condition=Attested("I did.")),))
    told = Circumstances(attested=True, operator=operator)
    assert decide(CHILD, Purpose.SCHOOL_WEBSITE, TODAY, policy=policy, circumstances=told).reason is Reason.NOT_ATTESTED
    named = replace(told, operator="O. Perator")
    assert decide(CHILD, Purpose.SCHOOL_WEBSITE, TODAY, policy=policy, circumstances=named).verdict is Verdict.KEEP


@pytest.mark.parametrize("born", [None, date(1980, 1, 1)])
def test_the_stricter_reading_asks_nothing_of_staff(born: date | None) -> None:
    policy = Policy("p", "", "", (Rule("x", "1", "", condition=Independent()),))
    teacher = replace(CHILD, role="staff", birth_date=born, consents=(replace(GOOD, signer_role=SignerRole.SELF),))
    assert decide(teacher, Purpose.SCHOOL_WEBSITE, TODAY, policy=policy).verdict is Verdict.KEEP


def test_every_guardian_has_to_have_signed_a_yes_that_holds() -> None:
    policy = Policy("p", "", "", (Rule("x", "1", "", condition=EveryGuardian()),))
    both = replace(CHILD, guardians=frozenset({"A Guardian", "B Guardian"}))
    second = replace(GOOD, signed_by="b  guardian")
    purpose = Purpose.SCHOOL_WEBSITE
    assert decide(replace(both, consents=(GOOD, second)), purpose, TODAY, policy=policy).verdict is Verdict.KEEP
    for late in (replace(second, valid_until=TODAY - timedelta(1)), replace(second, signed_on=TODAY + timedelta(1))):
        told = decide(replace(both, consents=(GOOD, late)), purpose, TODAY, policy=policy)
        assert told.reason is Reason.GUARDIAN_MISSING
    refused = replace(both, consents=(GOOD, replace(second, answer=Answer.NO)))
    assert decide(refused, purpose, TODAY, policy=policy).reason is Reason.REFUSED


def test_a_policy_past_its_review_is_told_and_never_blocks() -> None:
    for name in CLAUSES:
        policy = load_policy(name)
        assert policy.review_by is not None
        assert overdue(policy, policy.review_by) == ()
        (finding,) = overdue(policy, policy.review_by + timedelta(1))
        assert name in str(finding) and policy.version in str(finding)
        late = replace(policy, review_by=date(2000, 1, 1))
        told = decide(CHILD, Purpose.SCHOOL_WEBSITE, TODAY, policy=late, circumstances=EVERYTHING_TOLD)
        assert told.verdict is Verdict.KEEP
    assert overdue(load_policy("strict"), date.max) == ()


def test_the_trail_can_neither_be_edited_nor_cut(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        with store.atomic():
            audit.append(store, audit.Kind.POLICY_SET, {"policy": "strict"})
        for change in ("UPDATE audit SET body = '{}'", "DELETE FROM audit"):
            with pytest.raises(RecordError, match="append-only"), store.atomic():
                store.change(change)


def told(**changes: Any) -> dict[str, Any]:
    rule = {"id": "a", "clause": "1", "says": "Something.", "condition": {"kind": "registered"}}
    return {"name": "p", "title": "P", "version": "1", "source": "somewhere", "rule": [rule], **changes}


def rule_with(**changes: Any) -> dict[str, Any]:
    return told(rule=[{**told()["rule"][0], **changes}])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (told(name=""), "name is missing"),
        (told(version=1), "version is not a str"),
        (told(review_by="2026-01-01"), "review_by is not a date"),
        (told(rules=[]), "rules is not known"),
        (told(rule={}), "rule is not a list"),
        (told(rule=["x"]), "is not a table"),
        (told(rule=told()["rule"] * 2), "same id"),
        (told(not_done=[{"clause": "1"}]), "says is missing"),
        (rule_with(clause=" "), "clause is missing"),
        (rule_with(reason=["refused"]), "reason is not known"),
        (rule_with(reasons=["refusd"]), "'refusd' in reasons"),
        (rule_with(reasons=[1]), "not a list of texts"),
        (rule_with(purposes=["website"]), "'website' in purposes"),
        (rule_with(condition={"kind": "registred"}), "'registred' is not a kind"),
        (rule_with(condition={"kind": "registered", "count": 1}), "count is not known"),
        (rule_with(condition={"kind": "signed_off", "roles": []}), "names no role"),
        (rule_with(condition={"kind": "signed_off", "roles": ["headmaster"]}), "'headmaster' in roles"),
        (rule_with(condition={"kind": "student_limit", "count": 0, "days": 30}), "count is not above zero"),
        (rule_with(condition={"kind": "student_limit", "count": True, "days": 30}), "count is not a int"),
        (rule_with(condition={"kind": "face_at_most", "share": float("nan")}), "share is not above zero"),
        (rule_with(condition={"kind": "attested"}), "statement is missing"),
        (rule_with(condition="registered"), "condition is not a dict"),
        (rule_with(usual=False), "cannot be switched on"),
        (rule_with(optional="yes"), "optional is not a bool"),
        (told(rule=[{"id": "a", "clause": "1", "says": "Something."}]), "nothing keeps it"),
    ],
)
def test_a_file_that_is_not_wholly_understood_is_refused(values: dict[str, Any], says: str) -> None:
    assert parse_policy(told(), "p.toml").policy.rules[0].condition == Registered(), "the control"
    with pytest.raises(PolicyError) as caught:
        parse_policy(values, "p.toml")
    assert says in caught.value.what and "p.toml" in caught.value.what


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["name", "version", "rule", "not_done", "review_by", "source", "x"]), SCRAPS)
def test_whatever_a_file_holds_it_is_read_or_refused(key: str, value: Any) -> None:
    try:
        read = parse_policy(told(**{key: value}), "p.toml")
    except PolicyError as error:
        assert error.what.startswith("p.toml")
    else:
        assert read.policy.name


def test_unknown_policies_and_switches_are_refused_with_what_there_is() -> None:
    with pytest.raises(PolicyError, match=r"Did you mean park-west-ap144\?"):
        read_policy("park-west")
    with pytest.raises(PolicyError, match="in-groups"):
        load_policy("park-west-ap144", {"in-group": True})
    with pytest.raises(PolicyError, match="non-disclosure"):
        load_policy("park-west-ap144", {"non-disclosure": False})
    with pytest.raises(PolicyError, match="always hold"):
        load_policy("strict", {"consented": False})
    for name in ("../strict", "strict.toml", "", "STRICT"):
        with pytest.raises(PolicyError):
            read_policy(name)


def test_switches_change_only_what_may_be_switched() -> None:
    usual = {rule.id for rule in load_policy("park-west-ap144").rules}
    more = {rule.id for rule in load_policy("park-west-ap144", {"in-groups": True}).rules}
    assert more - usual == {"in-groups"} and usual <= more


def test_limits_of_batches_and_days_are_those_of_the_rules_in_force() -> None:
    north = load_policy("northern-lights-ap151")
    limit = north.batch_limit(Purpose.DIVISION_SOCIAL_MEDIA)
    assert limit is not None and (limit[0], limit[1].clause) == (30, "13")
    assert north.batch_limit(Purpose.SCHOOL_WEBSITE) is None
    two = Policy("p", "", "", (Rule("x", "1", "", batch=9), Rule("y", "2", "", batch=5), Rule("z", "3", "", batch=7)))
    assert two.batch_limit(Purpose.YEARBOOK) == (5, two.rules[1]), "the smallest holds"
    assert load_policy("park-west-ap144").limit_days(Purpose.DIVISION_SOCIAL_MEDIA) == 30
    assert load_policy("park-west-ap144").limit_days(Purpose.YEARBOOK) is None


def test_the_files_are_plain_toml_and_speak_for_themselves() -> None:
    for entry in (resources.files("consent") / "policies").iterdir():
        values = tomllib.loads(entry.read_text(encoding="utf-8"))
        assert f"{values['name']}.toml" == entry.name
        assert all(rule["says"].endswith(".") for rule in values["rule"])

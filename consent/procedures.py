"""What a school division's procedure asks for besides consent. A rule can only cover: none can show anybody.

Each rule names the clause that it keeps. What a rule has to know and is not told covers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable

from consent.model import Answer, Aspect, Consent, Purpose, SignerRole, Subject
from consent.reasons import Reason
from consent.signatures import may_be_one

OF_AGE = 18


@dataclass(frozen=True, slots=True)
class SignOff:
    """Somebody other than the guardians who agreed to a run.

    Attributes:
        role: In what role.
        name: Who; never empty.
    """

    role: SignerRole
    name: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a publication besides who is in it; None and empty where it is not known.

    Attributes:
        operator: Who publishes.
        sign_offs: Who else agreed.
        attested: Whether the operator attested what the procedure asks for.
        registered: Whether it goes to a destination of the registry.
        faces: How many faces are in the photo.
        face_share: Height of this person's face as a share of the photo's height, 0 to 1.
        published: On how many photos the person was published for this purpose within the rule's days.
    """

    operator: str = ""
    sign_offs: frozenset[SignOff] = frozenset()
    attested: bool = False
    registered: bool = False
    faces: int | None = None
    face_share: float | None = None
    published: int | None = None


UNTOLD = Circumstances()


@dataclass(frozen=True, slots=True)
class Case:
    """What a condition judges: a person with a consent that holds, and what is known of the publication.

    Attributes:
        person: Who.
        purpose: What for.
        aspect: What of the person.
        on: The day of publishing.
        relied: The consents that hold, at least one.
        circumstances: The rest.
    """

    person: Subject
    purpose: Purpose
    aspect: Aspect
    on: date
    relied: tuple[Consent, ...]
    circumstances: Circumstances


@runtime_checkable
class Condition(Protocol):
    """What has to hold for somebody to be shown."""

    @abstractmethod
    def broken(self, case: Case) -> Reason | None:
        """Give why it does not hold; None where it holds."""


@dataclass(frozen=True, slots=True)
class SignedOff:
    """People in these roles have agreed, all of them and the operator different people: on the run, or on the form."""

    roles: tuple[SignerRole, ...]

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        return Reason.NO_SIGN_OFF if self.missing(case) else None

    def missing(self, case: Case) -> tuple[SignerRole, ...]:
        """Give the roles in which nobody agreed."""
        counted: list[str] = []
        missing = []
        for role in self.roles:
            names = (n for n in self._names(role, case) if not any(may_be_one(n, other) for other in counted))
            name = next(names, None)
            if name is None:
                missing.append(role)
            else:
                counted.append(name)
        return tuple(missing)

    def _names(self, role: SignerRole, case: Case) -> Iterator[str]:
        """Give who agreed in a role and is not the operator; on a run nobody is, unless the operator is named."""
        known = case.circumstances
        by_run = sorted(s.name for s in known.sign_offs if s.role is role) if known.operator.strip() else []
        forms = case.person.asked(case.purpose, case.aspect)
        by_form = [c.signed_by for c in forms if c.signer_role is role and _holds(c, case.on)]
        return (n for n in (*by_run, *by_form) if n.strip() and not may_be_one(n, known.operator))


def _holds(consent: Consent, on: date) -> bool:
    begun = consent.signed_on is not None and max(consent.signed_on, consent.valid_from or consent.signed_on) <= on
    return consent.answer is Answer.YES and begun and (consent.valid_until is None or consent.valid_until >= on)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


@dataclass(frozen=True, slots=True)
class Attested:
    """The operator attested something of themselves.

    Attributes:
        statement: What is attested.
    """

    statement: str

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        known = case.circumstances
        return None if known.attested and known.operator.strip() else Reason.NOT_ATTESTED


@dataclass(frozen=True, slots=True)
class Registered:
    """The photo goes to a destination of the registry."""

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        return None if case.circumstances.registered else Reason.NOT_REGISTERED


@dataclass(frozen=True, slots=True)
class Independent:
    """Students sign for themselves only if they are both of age and independent; of age, nobody signs for them.

    Who is of age without being independent, or independent without being of age, can be shown by nobody's consent. A
    student whose birth date is not told is taken to be under age, as whoever let a guardian sign did.
    """

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        if case.person.is_staff:
            return None
        age = case.person.age(case.on)
        of_age = age is not None and age >= OF_AGE
        by_self = any(c.signer_role is SignerRole.SELF for c in case.relied)
        both = of_age and by_self and case.person.independent
        return Reason.NOT_INDEPENDENT if (of_age or by_self) and not both else None


@dataclass(frozen=True, slots=True)
class EveryGuardian:
    """Every guardian whom the roster names has said yes, and not only one of them."""

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        if not any(c.signer_role is SignerRole.GUARDIAN for c in case.relied):
            return None
        signed = {_plain(c.signed_by) for c in case.relied}
        missing = {_plain(name) for name in case.person.guardians} - signed
        return Reason.GUARDIAN_MISSING if missing else None


@dataclass(frozen=True, slots=True)
class StudentLimit:
    """Nobody is shown on more than so many photos within so many days, for this purpose.

    Attributes:
        count: Photos.
        days: Days back from the day of publishing, that day included.
    """

    count: int
    days: int

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        if case.aspect is not Aspect.PHOTO:
            return None
        published = case.circumstances.published
        return None if published is not None and published < self.count else Reason.LIMIT_REACHED


@dataclass(frozen=True, slots=True)
class GroupOf:
    """People are shown only in groups.

    Attributes:
        least: The fewest faces that are a group.
    """

    least: int

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        faces = case.circumstances.faces
        if case.aspect is not Aspect.PHOTO:
            return None
        return None if faces is not None and faces >= self.least else Reason.GROUP_TOO_SMALL


@dataclass(frozen=True, slots=True)
class FaceAtMost:
    """People are shown only from a distance.

    Attributes:
        share: The largest height of a face, as a share of the photo's, 0 to 1.
    """

    share: float

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        if case.aspect is not Aspect.PHOTO:
            return None
        share = case.circumstances.face_share
        return None if share is not None and share <= self.share else Reason.FACE_TOO_LARGE


@dataclass(frozen=True, slots=True)
class FirstNameOnly:
    """No full name is printed, whatever the form allows."""

    def broken(self, case: Case) -> Reason | None:
        """See `Condition`."""
        return Reason.FIRST_NAME_ONLY if case.aspect is Aspect.FULL_NAME else None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a procedure.

    Attributes:
        id: Its name within the policy.
        clause: The clause that it keeps, such as "144.2".
        says: What the clause asks for, in short.
        reasons: The reasons to cover that this clause stands behind.
        purposes: What it holds for; empty for every purpose.
        aspects: What of a person it is about; empty for everything.
        condition: What it asks for besides consent; None where the clause is kept by what always holds.
        warning: What is only told where it does not hold.
        batch: More photos than this in one run are asked about; None for any number.
        optional: Whether a school may switch it on and off.
        usual: Whether it is on where a school has not said anything.
        held_by: Where the clause is kept by what always holds: the names of the code that keeps it.
        tests: The tests that show it to be kept.
    """

    id: str
    clause: str
    says: str
    reasons: frozenset[Reason] = frozenset()
    purposes: frozenset[Purpose] = frozenset()
    condition: Condition | None = None
    warning: Condition | None = None
    batch: int | None = None
    optional: bool = False
    usual: bool = True
    held_by: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    aspects: frozenset[Aspect] = frozenset()

    def applies(self, purpose: Purpose, aspect: Aspect) -> bool:
        """Tell whether it holds for a purpose and an aspect."""
        return (not self.purposes or purpose in self.purposes) and (not self.aspects or aspect in self.aspects)


@dataclass(frozen=True, slots=True)
class Policy:
    """A division's procedure.

    Attributes:
        name: Its short name, such as "park-west-ap144".
        title: Its full one.
        version: The procedure's date or number.
        rules: Its rules in force, in the procedure's order.
        review_by: The day by which somebody should look whether it still says the same; None for never.
        template_days: Longest life of a template in days; None for the end of the school year.
        base: The policy that stands behind the reasons for which this one has no clause.
    """

    name: str
    title: str
    version: str
    rules: tuple[Rule, ...] = ()
    review_by: date | None = None
    template_days: int | None = None
    base: Policy | None = None

    def broken(self, case: Case) -> tuple[Reason, Rule] | None:
        """Give the first rule that does not allow somebody to be shown, and why; None where all do."""
        return next(self.all_broken(case), None)

    def all_broken(self, case: Case) -> Iterator[tuple[Reason, Rule]]:
        """Give every rule that does not allow somebody to be shown, and why."""
        for rule in self.rules_for(case.purpose, case.aspect):
            reason = rule.condition.broken(case) if rule.condition else None
            if reason is not None:
                yield reason, rule

    def warnings(self, case: Case) -> Iterator[Rule]:
        """Give the rules that somebody should be told about, though they cover nobody."""
        return (
            rule for rule in self.rules_for(case.purpose, case.aspect) if rule.warning and rule.warning.broken(case)
        )

    def cited(self, rule: Rule) -> str:
        """Give a rule's clause with the policy's name."""
        return f"{self.name} {rule.clause}"

    def clause_for(self, reason: Reason, purpose: Purpose, aspect: Aspect = Aspect.PHOTO) -> str:
        """Give the clause behind a reason, with the policy's name; empty where neither it nor its base names one."""
        rule = next((rule for rule in self.rules_for(purpose, aspect) if reason in rule.reasons), None)
        if rule is not None:
            return self.cited(rule)
        return self.base.clause_for(reason, purpose, aspect) if self.base else ""

    def batch_limit(self, purpose: Purpose) -> tuple[int, Rule] | None:
        """Give how many photos one run may publish for a purpose before it is asked about, and the rule."""
        limits = [(rule.batch, rule) for rule in self.rules_for(purpose) if rule.batch is not None]
        return min(limits, key=lambda limit: limit[0], default=None)

    def limit_days(self, purpose: Purpose) -> int | None:
        """Give over how many days publications are counted for a purpose; None where nothing is counted."""
        asked = [condition for r in self.rules_for(purpose) for condition in (r.condition, r.warning)]
        return max((one.days for one in asked if isinstance(one, StudentLimit)), default=None)

    def rules_for(self, purpose: Purpose, aspect: Aspect = Aspect.PHOTO) -> Iterator[Rule]:
        """Give the rules that hold for a purpose and an aspect."""
        return (rule for rule in self.rules if rule.applies(purpose, aspect))


STRICT = Policy("strict", "The strict default: consent alone, and nothing less", "1")

"""Under what a run publishes: the procedure, the destination, and who agreed. What is missing stops it up front.

`consent.policy.decide` would cover everybody all the same; but a folder full of covers is a poor way of learning that
the principal had to be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from consent.destinations import Destination, find_open, unknown_destination
from consent.errors import PolicyError
from consent.imports import clock_set_back
from consent.limits import published_sources
from consent.model import Aspect, Purpose, SignerRole, Subject
from consent.numbers import ByNumber
from consent.policy_files import load_policy, overdue
from consent.procedures import STRICT, Attested, Case, Circumstances, Policy, Registered, Rule, SignedOff, SignOff
from consent.reasons import Reason
from consent.roster import Finding
from consent.school_policy import policy_of, policy_setting
from consent.store import Store
from imgguard.errors import SetupError

SIGN_OFF_ROLES = (SignerRole.PRINCIPAL, SignerRole.SUPERVISOR, SignerRole.SECOND_ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class Publication:
    """What is told about a publication besides who is in it.

    Attributes:
        policy: The procedure; None for the school's own.
        to: A destination of the registry, which tells the purpose; None where that is given.
        operator: Who publishes.
        sign_offs: Who else agreed.
        attested: Whether the operator attests what the procedure asks for.
        confirm_batch: Whether a large batch is meant.
    """

    policy: str | None = None
    to: str | None = None
    operator: str = ""
    sign_offs: tuple[SignOff, ...] = ()
    attested: bool = False
    confirm_batch: bool = False


@dataclass(frozen=True, slots=True)
class Under:
    """Under what a run publishes.

    Attributes:
        policy: The procedure.
        purpose: What for; None where everybody is covered anyway.
        destination: Where to; None where that is not told.
        circumstances: What the rules have to know.
        published: By number, the sources of photos that showed somebody lately, where the policy counts them.
        findings: What a person should look at.
    """

    policy: Policy = STRICT
    purpose: Purpose | None = None
    destination: Destination | None = None
    circumstances: Circumstances = field(default_factory=Circumstances)
    published: Mapping[str, frozenset[str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def under_policy(
    told: Publication, purpose: Purpose | None, school: Path, on: date, *, explained: bool = False
) -> Under:
    """Find out under what a run publishes.

    Args:
        told: What is told about it.
        purpose: What for, if that is given.
        school: The school file, which need not be there.
        on: The day of publishing.
        explained: Whether nothing is published, so that what could never be published may be asked about.

    Raises:
        PolicyError: if there is no such policy, or it is not the one that the school has made its own.
        DestinationError: if there is no such destination, or it is closed.
        SetupError: if destination and purpose contradict each other, or no form could speak for the purpose.
        RecordError: if the school file cannot be read.
    """
    policy, destination = STRICT, None
    clock: tuple[Finding, ...] = ()
    published: Mapping[str, frozenset[str]] = {}
    if school.is_file():
        with Store(school) as store:
            if not explained:
                _require_own(policy_setting(store)[0], told.policy)
            policy = policy_of(store, told.policy)
            destination = find_open(store, told.to, on) if told.to is not None else None
            purpose = _purpose(purpose, destination)
            published = count_published(store, policy, purpose, on)
            clock = tuple(clock_set_back(store, on))
    else:
        policy = load_policy(told.policy or STRICT.name)
        if told.to is not None:
            raise unknown_destination(told.to)
    if purpose is Purpose.PERSONAL_ACCOUNT and not explained:
        raise SetupError(
            f"{policy.clause_for(Reason.PERSONAL_ACCOUNT, purpose)}: the forms of a school do not speak for personal "
            "accounts",
            "Publish on an account of the school or division.",
        )
    circumstances = Circumstances(
        operator=told.operator,
        sign_offs=frozenset(told.sign_offs),
        attested=told.attested,
        registered=destination is not None,
    )
    return Under(policy, purpose, destination, circumstances, published, (*overdue(policy, on), *clock))


def _require_own(own: str, told: str | None) -> None:
    """A run must not get around what the school decided to keep by naming another procedure."""
    if told not in (None, own) and own != STRICT.name:
        raise PolicyError(
            f"The school's procedure is {own}, and a run under {told} would not keep it",
            f"Leave --policy out, or change the school's own, which is recorded: imgguard policy set {told}.",
        )


def count_published(store: Store, policy: Policy, purpose: Purpose | None, on: date) -> Mapping[str, frozenset[str]]:
    """Give by number the sources of photos that showed somebody lately; nothing where the policy counts nothing."""
    days = policy.limit_days(purpose) if purpose else None
    return {} if purpose is None or days is None else ByNumber(published_sources(store, purpose, on, days))


def _purpose(purpose: Purpose | None, destination: Destination | None) -> Purpose | None:
    if destination is None:
        return purpose
    if purpose not in (None, destination.purpose):
        raise SetupError(
            f"The destination {destination.name!r} is for {destination.purpose.value}, not for {purpose}",
            "Leave --purpose out, or choose another destination (imgguard destination list).",
        )
    return destination.purpose


def require_asked(under: Under, people: Iterable[Subject], on: date) -> None:
    """Make sure that what the procedure asks of the run as a whole is there.

    A sign-off that somebody's form has is not asked for again: whoever's form has none is then covered.

    Raises:
        SetupError: naming each clause, what is missing and the option that gives it.
    """
    purpose = under.purpose
    if purpose is None:
        return
    cases = [Case(person, purpose, Aspect.PHOTO, on, (), under.circumstances) for person in people]
    # Nobody may be in the roster: what is missing is missing all the same.
    cases = cases or [Case(Subject(""), purpose, Aspect.PHOTO, on, (), under.circumstances)]
    missing: dict[str, tuple[str, str]] = {}
    for rule in under.policy.rules_for(purpose):
        for what, remedy in _missing(rule, cases):
            # Two clauses may ask for the same; the first is named.
            missing.setdefault(what, (under.policy.cited(rule), remedy))
    if missing:
        told = "; ".join(f"{clause}: {what}" for what, (clause, _) in missing.items())
        raise SetupError(told, " ".join(remedy for _, remedy in missing.values()))


def _missing(rule: Rule, cases: list[Case]) -> Iterator[tuple[str, str]]:
    condition, known = rule.condition, cases[0].circumstances
    if isinstance(condition, Registered) and condition.broken(cases[0]):
        yield (
            "only registered destinations are published to, and none is named",
            "Name one with --to (imgguard destination list), or register it with imgguard destination add.",
        )
    if isinstance(condition, Attested) and condition.broken(cases[0]):
        named = "" if known.operator.strip() else " and your name with --operator"
        yield f"the operator has to attest: {condition.statement}", f"If so, say so with --attest{named}."
    if isinstance(condition, SignedOff):
        roles = [role for role in condition.roles if all(role in condition.missing(case) for case in cases)]
        if roles:
            options = " ".join(f"--sign-off {role.value}:NAME" for role in roles)
            words = " and ".join(role.value.replace("_", " ") for role in roles)
            yield (
                f"the {words} must have agreed, somebody else than the operator",
                f"Give {options} --operator NAME, once they have.",
            )


def require_small_batch(under: Under, photos: int, *, confirmed: bool) -> None:
    """Make sure that a large batch is meant, where the procedure asks to be conservative.

    Raises:
        SetupError: naming the clause, and the gallery that the photos could go to instead.
    """
    limit = under.policy.batch_limit(under.purpose) if under.purpose else None
    if limit is None or confirmed or photos <= limit[0]:
        return
    count, rule = limit
    raise SetupError(
        f"{under.policy.cited(rule)}: {photos} photos are a large quantity for {under.purpose} (more than {count})",
        "Publish them as a gallery on the school's website (--purpose school_website) and link to it, choose fewer, "
        "or confirm with --confirm-batch.",
    )


def sign_off(told: str) -> SignOff:
    """Read a sign-off such as "principal:A. Example".

    Raises:
        SetupError: if it names no role that can sign off, or nobody.

    >>> sign_off("principal: A. Example").name
    'A. Example'
    """
    role, _, name = told.partition(":")
    plain = role.strip().casefold().replace(" ", "_").replace("-", "_")
    if plain not in SIGN_OFF_ROLES or not name.strip():
        raise SetupError(
            f"{told!r} is no sign-off", f"Write it as ROLE:NAME, the role one of: {', '.join(SIGN_OFF_ROLES)}."
        )
    return SignOff(SignerRole(plain), name.strip())

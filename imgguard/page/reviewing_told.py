"""Keep what was chosen for a folder in the school file, and read it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from consent.model import Aspect, SignerRole, Subject
from consent.procedures import Attested, Case, SignedOff, SignOff
from imgguard.page.desk import Told
from imgguard.publication import Publication
from imgguard.rules import Rules

# Stands for a name that is given when the photos are released; it is never published or recorded with.
_TO_COME = "\N{HORIZONTAL ELLIPSIS} {role}"


def as_row(told: Told) -> dict[str, Any]:
    """Give choices as JSON can keep them."""
    return asdict(told)


def from_row(row: Mapping[str, Any]) -> Told:
    """Give choices as they were kept; what this version does not know is left out."""
    publication = dict(row.get("publication", {}))
    publication["sign_offs"] = tuple(
        SignOff(SignerRole(one["role"]), one["name"]) for one in publication.get("sign_offs", ())
    )
    known: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in row.items() if name in _names(Told)
    }
    told = {name: value for name, value in publication.items() if name in _names(Publication)}
    return Told(**{**known, "publication": Publication(**told)})


def _names(kind: type[Told] | type[Publication]) -> set[str]:
    return {field.name for field in fields(kind)}


def provisional(told: Told) -> Told:
    """Give the choices with which photos are looked at: as if everybody agreed who is asked when they are released.

    Without it everybody would be covered until then. Nothing made with it is published: see `reviewing_release`.
    """
    roles = [role for role in _ROLES if role not in {one.role for one in told.publication.sign_offs}]
    agreed = tuple(SignOff(role, _TO_COME.format(role=role.value)) for role in roles)
    publication = replace(
        told.publication, sign_offs=told.publication.sign_offs + agreed, attested=True, confirm_batch=True
    )
    return replace(told, publication=publication)


_ROLES = (SignerRole.PRINCIPAL, SignerRole.SUPERVISOR, SignerRole.SECOND_ADMINISTRATOR)


def with_operator(told: Told, operator: str) -> Told:
    """Give the choices as somebody publishes by them."""
    return replace(told, publication=replace(told.publication, operator=operator))


def roles_asked(rules: Rules, told: Told) -> tuple[SignerRole, ...]:
    """Give in which roles somebody else than the operator has to agree, and neither a form nor the choices name one."""
    purpose = rules.purpose
    if purpose is None:
        return ()
    agreed = frozenset(told.publication.sign_offs)
    circumstances = replace(rules.circumstances, operator=told.publication.operator, sign_offs=agreed)
    people = tuple(rules.subjects.values()) or (Subject(""),)
    cases = [Case(person, purpose, Aspect.PHOTO, rules.on, (), circumstances) for person in people]
    conditions = (rule.condition for rule in rules.policy.rules_for(purpose))
    signed = (condition for condition in conditions if isinstance(condition, SignedOff))
    asked = (role for one in signed for role in one.roles if all(role in one.missing(case) for case in cases))
    return tuple(dict.fromkeys(asked))


def statements(rules: Rules) -> tuple[str, ...]:
    """Give what the operator has to attest."""
    if rules.purpose is None:
        return ()
    conditions = (rule.condition for rule in rules.policy.rules_for(rules.purpose))
    return tuple(one.statement for one in conditions if isinstance(one, Attested))


def many(rules: Rules, photos: int) -> str:
    """Give the clause that asks whether so many photos are meant; empty where none does."""
    limit = rules.policy.batch_limit(rules.purpose) if rules.purpose else None
    return rules.policy.cited(limit[1]) if limit and photos > limit[0] else ""

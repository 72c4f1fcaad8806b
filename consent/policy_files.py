"""Read the procedures in `consent/policies/`: one TOML file each, every rule with its clause.

A file may only name conditions of `consent.procedures`, none of which can show anybody. Whatever it says that is not
understood is an error: a rule that is misspelt must not be a rule that does not hold.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from consent.errors import PolicyError
from consent.model import Aspect, Purpose, SignerRole
from consent.procedures import (
    STRICT,
    Attested,
    Condition,
    EveryGuardian,
    FaceAtMost,
    FirstNameOnly,
    GroupOf,
    Independent,
    Policy,
    Registered,
    Rule,
    SignedOff,
    StudentLimit,
)
from consent.reasons import Reason
from consent.roster import Finding

_Member = TypeVar("_Member", Reason, Purpose, Aspect, SignerRole)
_FOLDER, _ENDING = "policies", ".toml"
_REMEDY = "Mend the file, or install imgguard anew."


@dataclass(frozen=True, slots=True)
class NotDone:
    """A clause, or a part of one, that the tool does not keep.

    Attributes:
        clause: Which.
        says: What is not done, in one sentence.
    """

    clause: str
    says: str


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A procedure as its file has it, with what is switched off.

    Attributes:
        policy: The policy with all of its rules, in force or not.
        source: Where the text is from.
        not_done: What the tool does not do.
    """

    policy: Policy
    source: str
    not_done: tuple[NotDone, ...]

    def in_force(self, switched: Mapping[str, bool] | None = None) -> Policy:
        """Give the policy with the rules that hold.

        Args:
            switched: What a school has said about rules that may be switched, by id.

        Raises:
            PolicyError: if a rule is not there, or may not be switched.
        """
        switched = switched or {}
        for rule_id in switched:
            self._switchable(rule_id)
        rules = (r for r in self.policy.rules if not r.optional or switched.get(r.id, r.usual))
        return replace(self.policy, rules=tuple(rules))

    def _switchable(self, rule_id: str) -> None:
        choices = [rule.id for rule in self.policy.rules if rule.optional]
        if rule_id not in choices:
            raise PolicyError(
                f"{rule_id!r} is no rule of {self.policy.name} that can be switched",
                f"Choose one of: {', '.join(choices)}." if choices else f"All rules of {self.policy.name} always hold.",
            )


def policy_names() -> tuple[str, ...]:
    """Give the names of all procedures that there are, the default first."""
    names = {entry.name.removesuffix(_ENDING) for entry in _folder().iterdir() if entry.name.endswith(_ENDING)}
    return (STRICT.name, *sorted(names - {STRICT.name}))


@cache
def read_policy(name: str) -> PolicyFile:
    """Read a procedure.

    Raises:
        PolicyError: if there is none of that name, or its file says something that is not understood.
    """
    names = policy_names()
    if name not in names:
        near = get_close_matches(name, names, 1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise PolicyError(f"There is no policy {name!r}", f"{meant}Policies: {', '.join(names)}.")
    told = tomllib.loads((_folder() / f"{name}{_ENDING}").read_text(encoding="utf-8"))
    read = parse_policy(told, f"{name}{_ENDING}")
    if name == STRICT.name:
        return read
    return replace(read, policy=replace(read.policy, base=read_policy(STRICT.name).policy))


def known_policy(name: str) -> Policy | None:
    """Give a procedure with all of its rules; None where another version of imgguard knew it and this one does not."""
    try:
        return read_policy(name).policy
    except PolicyError:
        return None


def load_policy(name: str, switched: Mapping[str, bool] | None = None) -> Policy:
    """Give the rules of a procedure that hold; see `read_policy` and `PolicyFile.in_force`."""
    return read_policy(name).in_force(switched)


def overdue(policy: Policy, on: date) -> tuple[Finding, ...]:
    """Tell that a procedure should be looked at again; nothing is ever stopped by it."""
    if policy.review_by is None or policy.review_by >= on:
        return ()
    what = f"was to be reviewed by {policy.review_by}: see whether the procedure ({policy.version}) still says the same"
    return (Finding(f"policy {policy.name}", None, what),)


def parse_policy(told: Mapping[str, Any], source: str) -> PolicyFile:
    """Make a procedure of the values of its file.

    Raises:
        PolicyError: if something is missing, of the wrong kind, or not known.
    """
    table = _Table(told, source)
    rules = tuple(_rule(_Table(one, f"{source}, rule {n}")) for n, one in enumerate(table.tables("rule"), 1))
    ids = [rule.id for rule in rules]
    if len(set(ids)) < len(ids):
        raise PolicyError(f"{source}: two rules have the same id", _REMEDY)
    not_done = tuple(_not_done(_Table(one, f"{source}, not_done")) for one in table.tables("not_done"))
    policy = Policy(
        name=table.text("name"),
        title=table.text("title"),
        version=table.text("version"),
        rules=rules,
        review_by=table.get("review_by", date, None),
        template_days=table.get("template_days", int, None),
    )
    file = PolicyFile(policy, table.text("source"), not_done)
    table.end()
    return file


def _not_done(table: _Table) -> NotDone:
    made = NotDone(table.text("clause"), table.text("says"))
    table.end()
    return made


def _rule(table: _Table) -> Rule:
    optional = table.get("optional", bool, False)
    rule = Rule(
        id=table.text("id"),
        clause=table.text("clause"),
        says=table.text("says"),
        reasons=frozenset(table.members("reasons", Reason)),
        purposes=frozenset(table.members("purposes", Purpose)),
        aspects=frozenset(table.members("aspects", Aspect)),
        condition=_condition(table, "condition"),
        warning=_condition(table, "warning"),
        batch=table.get("batch", int, None),
        optional=optional,
        usual=table.get("usual", bool, True),
        held_by=tuple(table.texts("held_by")),
        tests=tuple(table.texts("tests")),
    )
    table.end()
    if not optional and not rule.usual:
        raise PolicyError(f"{table.where}: is off and cannot be switched on", _REMEDY)
    if not (rule.condition or rule.warning or rule.batch or rule.held_by):
        raise PolicyError(f"{table.where}: nothing keeps it", _REMEDY)
    return rule


class _Table:
    """A TOML table being read: what nobody asks for is an error in the end."""

    def __init__(self, told: Any, where: str) -> None:
        if not isinstance(told, Mapping):
            raise PolicyError(f"{where}: is not a table", _REMEDY)
        self._left = dict(told)
        self.where = where

    def get(self, key: str, kind: type, otherwise: Any) -> Any:
        value = self._left.pop(key, otherwise)
        # A bool is an int to Python, and true photos are none.
        if value is otherwise or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
            return value
        raise PolicyError(f"{self.where}: {key} is not a {kind.__name__}", _REMEDY)

    def text(self, key: str) -> str:
        value: str = self.get(key, str, "")
        if not value.strip():
            raise PolicyError(f"{self.where}: {key} is missing", _REMEDY)
        return value

    def texts(self, key: str) -> list[str]:
        values: list[Any] = self.get(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise PolicyError(f"{self.where}: {key} is not a list of texts", _REMEDY)
        return values

    def tables(self, key: str) -> list[Any]:
        values: list[Any] = self.get(key, list, [])
        return values

    def members(self, key: str, kind: type[_Member]) -> Iterable[_Member]:
        for value in self.texts(key):
            try:
                yield kind(value)
            except ValueError as error:
                raise PolicyError(f"{self.where}: {value!r} in {key} is not known", _REMEDY) from error

    def end(self) -> None:
        if self._left:
            raise PolicyError(f"{self.where}: {', '.join(sorted(self._left))} is not known", _REMEDY)


def _condition(table: _Table, key: str) -> Condition | None:
    told = table.get(key, dict, None)
    if told is None:
        return None
    own = _Table(told, f"{table.where}, {key}")
    kind = own.text("kind")
    if kind not in _KINDS:
        raise PolicyError(f"{own.where}: {kind!r} is not a kind of condition", _REMEDY)
    made = _KINDS[kind](own)
    own.end()
    return made


def _signed_off(table: _Table) -> Condition:
    roles = tuple(table.members("roles", SignerRole))
    if not roles:
        raise PolicyError(f"{table.where}: names no role", _REMEDY)
    return SignedOff(roles)


def _above_zero(table: _Table, key: str, kind: type) -> Any:
    value = table.get(key, kind, 0)
    if not value > 0:
        raise PolicyError(f"{table.where}: {key} is not above zero", _REMEDY)
    return value


_KINDS: Mapping[str, Callable[[_Table], Condition]] = {
    "signed_off": _signed_off,
    "attested": lambda table: Attested(table.text("statement")),
    "registered": lambda table: Registered(),
    "independent": lambda table: Independent(),
    "every_guardian": lambda table: EveryGuardian(),
    "student_limit": lambda t: StudentLimit(_above_zero(t, "count", int), _above_zero(t, "days", int)),
    "group_of": lambda table: GroupOf(_above_zero(table, "least", int)),
    "face_at_most": lambda table: FaceAtMost(_above_zero(table, "share", float)),
    "first_name_only": lambda table: FirstNameOnly(),
}


def _folder() -> Any:
    return resources.files("consent") / _FOLDER

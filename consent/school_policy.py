"""The procedure that a school follows: the name and the switches in its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consent import audit
from consent.errors import PolicyError
from consent.policy_files import read_policy
from consent.procedures import STRICT, Policy
from consent.store import Store


def policy_of(store: Store, name: str | None = None) -> Policy:
    """Give the policy that holds: the named one, or the school's own with what it switched on and off.

    Raises:
        PolicyError: if there is no such policy.
    """
    own, switched = policy_setting(store)
    return read_policy(name or own).in_force(switched if name in (None, own) else {})


def policy_setting(store: Store) -> tuple[str, Mapping[str, bool]]:
    """Give the name of the school's policy, and which rules were switched on or off."""
    names: Any = store.query("SELECT policy FROM school")
    rows: Any = store.query("SELECT rule_id, switched_on FROM policy_options ORDER BY rule_id")
    return (names[0][0] if names else STRICT.name), {rule_id: bool(on) for rule_id, on in rows}


def set_policy(store: Store, name: str, switched: Mapping[str, bool]) -> Policy:
    """Make a policy the school's own, in one transaction; what was switched before is forgotten.

    Raises:
        PolicyError: if there is no such policy or switch, or the file is no school's yet.
        RecordError: if the school file cannot be written.
    """
    policy = read_policy(name).in_force(switched)
    with store.atomic():
        if not store.change("UPDATE school SET policy = ?", (name,)):
            raise PolicyError(f"{store.path}: is not a school's yet", "Make it one: imgguard init.")
        store.change("DELETE FROM policy_options")
        store.insert_rows("policy_options", ("rule_id", "switched_on"), sorted(switched.items()))
        told = {"policy": name, "version": policy.version, "switched": dict(sorted(switched.items()))}
        audit.append(store, audit.Kind.POLICY_SET, told)
    return policy

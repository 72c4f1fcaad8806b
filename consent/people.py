"""The people of the school file: what its newest roster says, and what was withdrawn since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields
from datetime import date
from typing import Any

from consent import audit
from consent.model import ASKED_PURPOSES, Answer, Aspect, Consent, Hold, Purpose, SignerRole, Subject
from consent.roster import Roster
from consent.store import Store, now
from consent.templates import drop_disallowed

_CONSENT = tuple(field.name for field in fields(Consent))


def import_roster(store: Store, roster: Roster) -> int:
    """Make a roster the one that holds, in one transaction; give its id.

    Who is not in it keeps a row without any consent: whoever vanished from an export is not shown any more. Whoever
    may not be recognised any more loses the templates.

    Raises:
        RecordError: if the school file cannot be written.
    """
    with store.atomic():
        facts = {
            "imported_at": now(),
            "sha256": roster.sha256,
            "layout": roster.layout,
            "purposes": json.dumps(sorted(roster.purposes)),
            "declared": json.dumps(roster.declared, ensure_ascii=False),
            "people": len(roster.subjects),
            "findings": len(roster.findings),
        }
        roster_id = store.insert_row("rosters", facts)
        store.change("UPDATE subjects SET present = 0")
        store.change("DELETE FROM consents")
        _save(store, roster_id, roster.subjects.values())
        dropped = drop_disallowed(store)
        told = {"roster": roster_id, "sha256": roster.sha256, "people": len(roster.subjects), "templates": -dropped}
        audit.append(store, audit.Kind.ROSTER_IMPORTED, told)
    return roster_id


def _save(store: Store, roster_id: int, people: Iterable[Subject]) -> None:
    people = list(people)
    for person in people:
        store.change(
            "INSERT INTO subjects (subject_id, roster_id, present, given_name, family_name, role, group_name,"
            " biometric_ok, holds, birth_date, independent, guardians) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (subject_id) DO UPDATE SET roster_id = excluded.roster_id, present = 1,"
            " given_name = excluded.given_name, family_name = excluded.family_name, role = excluded.role,"
            " group_name = excluded.group_name, biometric_ok = excluded.biometric_ok, holds = excluded.holds,"
            " birth_date = excluded.birth_date, independent = excluded.independent, guardians = excluded.guardians",
            (
                person.subject_id, roster_id, person.given_name, person.family_name, person.role, person.group,
                person.biometric_ok, json.dumps(sorted(person.holds)), _text(person.birth_date), person.independent,
                json.dumps(sorted(person.guardians), ensure_ascii=False),
            ),
        )  # fmt: skip
    rows = ((p.subject_id, *map(_plain, astuple(c))) for p in people for c in p.consents)
    store.insert_rows("consents", ("subject_id", *_CONSENT), rows)


def stored_roster(store: Store) -> Roster | None:
    """Give the people of the school file as a roster, withdrawals included; None where none was imported."""
    rows: Any = store.query("SELECT id, sha256, layout, purposes, declared FROM rosters ORDER BY id DESC LIMIT 1")
    if not rows:
        return None
    ((_, sha256, layout, purposes, declared),) = rows
    subjects = {person.subject_id: person for person in _subjects(store)}
    asked = frozenset(map(Purpose, json.loads(purposes)))
    return Roster(store.path, sha256, asked, subjects, (), layout, tuple(json.loads(declared)))


def withdrawn(store: Store) -> dict[str, frozenset[Purpose]]:
    """Give for each person the purposes for which consent was taken back and not given again."""
    found: dict[str, frozenset[Purpose]] = defaultdict(frozenset)
    rows: Any = store.query("SELECT subject_id, purpose FROM withdrawals WHERE lifted_on IS NULL")
    for subject_id, purpose in rows:
        found[subject_id] |= {Purpose(purpose)} if purpose else frozenset(ASKED_PURPOSES)
    return dict(found)


def _subjects(store: Store) -> Iterator[Subject]:
    consents: dict[str, list[Consent]] = defaultdict(list)
    rows: Any = store.query(f"SELECT subject_id, {', '.join(_CONSENT)} FROM consents ORDER BY id")
    for subject_id, *told in rows:
        consents[subject_id].append(_consent(*told))
    taken_back = withdrawn(store)
    people: Any = store.query(
        "SELECT subject_id, given_name, family_name, role, group_name, biometric_ok, present, holds, birth_date,"
        " independent, guardians FROM subjects ORDER BY subject_id"
    )
    for number, given, family, role, group, biometric, present, holds, born, independent, guardians in people:
        yield Subject(
            subject_id=number,
            given_name=given,
            family_name=family,
            role=role,
            group=group,
            biometric_ok=bool(biometric and present),
            holds=frozenset(map(Hold, json.loads(holds))),
            consents=tuple(consents[number]),
            birth_date=_day(born),
            independent=bool(independent),
            guardians=frozenset(json.loads(guardians)),
            withdrawn=taken_back.get(number, frozenset()),
        )


def _consent(
    purpose: str, answer: str, signed_by: str, signer_role: str, signed_on: str | None, valid_until: str | None,
    form_id: str, source_row: int, aspect: str, valid_from: str | None, source_sha256: str,
) -> Consent:  # fmt: skip
    return Consent(
        Purpose(purpose), Answer(answer), signed_by, SignerRole(signer_role), _day(signed_on), _day(valid_until),
        form_id, source_row, Aspect(aspect), _day(valid_from), source_sha256,
    )  # fmt: skip


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None

"""The people of the school file: what its newest roster says, and what was withdrawn since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from consent import audit
from consent.changes import Difference, Renumbering, aligned, compare
from consent.model import ASKED_PURPOSES, Answer, Aspect, Consent, Hold, Purpose, SignerRole, Subject
from consent.numbers import number_key
from consent.roster import Roster
from consent.store import Store, now
from consent.templates import drop_disallowed

_FORM = (
    "signed_by", "signer_role", "signed_on", "valid_from", "valid_until", "form_id", "source_row", "source_sha256",
)  # fmt: skip
_FORM_OF = attrgetter(*_FORM)
_SUBJECT = (
    "subject_id", "roster_id", "present", "given_name", "family_name", "role", "group_name", "biometric_ok", "holds",
    "birth_date", "independent", "guardians",
)  # fmt: skip


def import_roster(store: Store, roster: Roster, *, on: date | None = None) -> int:
    """Make a roster the one that holds, in one transaction, and keep what it changes; give its id.

    Who is not in it keeps a row without any consent: whoever vanished from an export is not shown any more. Whoever
    may not be recognised any more loses the templates. A number that differs from a known one only in zeros in front is
    taken for it, where that is unique. Somebody who may be a person of another number has that one's withdrawals,
    until somebody lifts them: that only covers.

    Args:
        store: The school file.
        roster: The new roster.
        on: The day on which consents are judged to tell what changes; today if not given.

    Raises:
        RecordError: if the school file cannot be written.
    """
    with store.atomic():
        difference, people, _ = changes_by(store, roster, on)
        facts = {
            "imported_at": now(),
            "sha256": roster.sha256,
            "layout": roster.layout,
            "purposes": json.dumps(sorted(roster.purposes)),
            "declared": json.dumps(roster.declared, ensure_ascii=False),
            "people": len(people),
            "findings": len(roster.findings),
        }
        roster_id = store.insert_row("rosters", facts)
        store.change("UPDATE subjects SET present = 0")
        store.change("DELETE FROM consents")
        _save(store, roster_id, list(people.values()))
        changes = difference.changes
        rows = ((roster_id, c.subject_id, c.kind.value, c.what) for c in changes)
        store.insert_rows("roster_changes", ("roster_id", "subject_id", "kind", "what"), rows)
        _keep_withdrawals(store, difference.renumbered)
        told = {"roster": roster_id, "sha256": roster.sha256, "people": len(people), "changes": len(changes)}
        told["templates_deleted"] = drop_disallowed(store)
        audit.append(store, audit.Kind.ROSTER_IMPORTED, told)
    return roster_id


def changes_by(
    store: Store, roster: Roster, on: date | None = None
) -> tuple[Difference, Mapping[str, Subject], Mapping[str, str]]:
    """Tell what importing a roster would change, without importing it.

    Returns:
        What changes, nothing for the first roster; the people as they would be kept; and for each number that was
        taken for a known one, as which it is written in the roster.
    """
    taken_back = withdrawn(store)
    rows: Any = store.query("SELECT subject_id FROM subjects")
    people, joined = aligned(roster.subjects, (number for (number,) in rows))
    still = {number: replace(people[number], withdrawn=gone) for number, gone in taken_back.items() if number in people}
    people = {**people, **still}
    if not rows:
        return Difference((), ()), people, joined
    return compare(present_people(store), people, on or date.today()), people, joined


def _keep_withdrawals(store: Store, renumbered: Sequence[Renumbering]) -> None:
    for pair in renumbered:
        store.change(
            "INSERT INTO withdrawals (subject_id, purpose, withdrawn_on, because)"
            " SELECT ?, purpose, withdrawn_on, ? FROM withdrawals WHERE subject_id = ? AND lifted_on IS NULL",
            (pair.new, f"the number may have been {pair.old}", pair.old),
        )


def _save(store: Store, roster_id: int, people: Sequence[Subject]) -> None:
    columns = ", ".join(_SUBJECT)
    changed = ", ".join(f"{name} = excluded.{name}" for name in _SUBJECT[1:])
    store.change_many(
        f"INSERT INTO subjects ({columns}) VALUES ({', '.join('?' * len(_SUBJECT))})"
        f" ON CONFLICT (subject_id) DO UPDATE SET {changed}",
        (
            (
                person.subject_id, roster_id, 1, person.given_name, person.family_name, person.role, person.group,
                person.biometric_ok, json.dumps(sorted(person.holds)), _text(person.birth_date), person.independent,
                json.dumps(sorted(person.guardians), ensure_ascii=False),
            )
            for person in people
        ),
    )  # fmt: skip
    rows = (row for person in people for row in _forms(person))
    store.insert_rows("consents", ("subject_id", *_FORM, "answers"), rows)


def _forms(person: Subject) -> Iterator[tuple[object, ...]]:
    """Give the forms of a person, each with all of its answers: most have a dozen, which share everything else."""
    for form, consents in groupby(person.consents, _FORM_OF):
        answers = [(c.purpose.value, c.aspect.value, c.answer.value) for c in consents]
        yield (person.subject_id, *map(_plain, form), json.dumps(answers))


def stored_roster(store: Store) -> Roster | None:
    """Give the people of the school file as a roster, withdrawals included; None where none was imported."""
    rows: Any = store.query("SELECT id, sha256, layout, purposes, declared FROM rosters ORDER BY id DESC LIMIT 1")
    if not rows:
        return None
    ((_, sha256, layout, purposes, declared),) = rows
    subjects = {person.subject_id: person for person in _subjects(store)}
    asked = frozenset(map(Purpose, json.loads(purposes)))
    return Roster(store.path, sha256, asked, subjects, (), layout, tuple(json.loads(declared)))


def present_people(store: Store) -> dict[str, Subject]:
    """Give the people of the newest roster, without those who were in an older one only."""
    rows: Any = store.query("SELECT subject_id FROM subjects WHERE present = 1")
    there = {number for (number,) in rows}
    return {person.subject_id: person for person in _subjects(store) if person.subject_id in there}


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What the school file says against showing somebody, whatever another roster says.

    Attributes:
        holds: What overrides every yes.
        recognisable: Whether the person may be recognised.
    """

    holds: frozenset[Hold]
    recognisable: bool


def held_back(store: Store) -> dict[str, HeldBack]:
    """Give by number whom the school file holds back: by a hold, or because recognition is not allowed."""
    rows: Any = store.query(
        "SELECT subject_id, holds, biometric_ok OR NOT present FROM subjects"
        " WHERE holds != '[]' OR (present AND NOT biometric_ok)"
    )
    return {number: HeldBack(frozenset(map(Hold, json.loads(holds))), bool(ok)) for number, holds, ok in rows}


def withdrawn(store: Store) -> dict[str, frozenset[Purpose]]:
    """Give for each person the purposes for which consent was taken back and not given again."""
    found: dict[str, frozenset[Purpose]] = defaultdict(frozenset)
    rows: Any = store.query("SELECT subject_id, purpose FROM withdrawals WHERE lifted_on IS NULL")
    for subject_id, purpose in rows:
        found[subject_id] |= {Purpose(purpose)} if purpose else frozenset(ASKED_PURPOSES)
    return dict(found)


def _subjects(store: Store) -> Iterator[Subject]:
    consents: dict[str, list[Consent]] = defaultdict(list)
    rows: Any = store.query(f"SELECT subject_id, answers, {', '.join(_FORM)} FROM consents ORDER BY id")
    days, answers = _Days(), _Answers()
    for subject_id, told, *form in rows:
        consents[subject_id] += _consents(answers[told], days, *form)
    # Whoever withdrew as 20411 has withdrawn however the next export writes the number.
    taken_back: dict[str, frozenset[Purpose]] = defaultdict(frozenset)
    for number, purposes in withdrawn(store).items():
        taken_back[number_key(number)] |= purposes
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
            consents=tuple(consents.get(number, ())),
            birth_date=days[born],
            independent=bool(independent),
            guardians=frozenset(json.loads(guardians)),
            withdrawn=taken_back.get(number_key(number), frozenset()),
        )


class _Days(dict[str | None, date | None]):
    """Dates by how they are stored: a school's forms share a few hundred of them."""

    def __missing__(self, text: str | None) -> date | None:
        self[text] = day = date.fromisoformat(text) if text else None
        return day


_Told = tuple[tuple[Purpose, Aspect, Answer], ...]


class _Answers(dict[str, _Told]):
    """Answers of a form by how they are stored: many forms answer alike."""

    def __missing__(self, text: str) -> _Told:
        told = ((Purpose(purpose), Aspect(aspect), Answer(answer)) for purpose, aspect, answer in json.loads(text))
        self[text] = found = tuple(told)
        return found


def _consents(
    told: _Told, days: _Days, by: str, role: str, signed_on: str | None, since: str | None, until: str | None,
    form_id: str, row: int, sha256: str,
) -> list[Consent]:  # fmt: skip
    signer, signed, first, last = SignerRole(role), days[signed_on], days[since], days[until]
    return [
        Consent(purpose, answer, by, signer, signed, last, form_id, row, aspect, first, sha256)
        for purpose, aspect, answer in told
    ]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None

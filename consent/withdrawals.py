"""Take consent back: from now on no, until the school file is told otherwise. No roster ever lifts it.

A form says what a family wanted on one day; a withdrawal is what they want since. It stands beside the roster and not
in it, so that the next export, which still holds the old form, changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from consent import audit
from consent.aliases import alias_of
from consent.errors import ConsentError, RecordError
from consent.model import ASKED_PURPOSES, Answer, Aspect, Purpose
from consent.numbers import NumberIndex, number_key
from consent.people import stored_roster, withdrawn
from consent.store import Store
from consent.templates import drop_templates


class WithdrawalError(ConsentError):
    """A withdrawal cannot be recorded, or lifted, as it was asked for."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of whom the school file has heard.

    Attributes:
        subject_id: The number.
        name: First and last name; empty where no imported roster has the person.
        group: Class, grade or team; empty where not told.
        in_roster: Whether the newest roster has the person.
    """

    subject_id: str
    name: str = ""
    group: str = ""
    in_roster: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What a withdrawal changed.

    Attributes:
        subject_id: Whose consent was taken back.
        purposes: For what it is taken back now and was not before.
        before: For what it had been taken back already.
        templates: How many stored face templates were deleted, since nothing is left that they would serve.
    """

    subject_id: str
    purposes: frozenset[Purpose]
    before: frozenset[Purpose]
    templates: int


def withdraw(store: Store, subject_id: str, purposes: Iterable[Purpose], because: str, on: date) -> Withdrawn:
    """Take consent back, for photo, work and name alike; all in one transaction.

    Where no purpose is left for which the person's photo has a yes, the stored templates go too: whoever asked not to
    be shown is not to be known again (Park West AP 144, point 4).

    Args:
        store: The school file.
        subject_id: Whose consent; a number that is in no roster counts as well.
        purposes: What for; none for every purpose.
        because: Why, in the words of whoever records it; never empty.
        on: The day on which the family said so.

    Raises:
        WithdrawalError: if there is no reason, or the day is still to come.
        RecordError: if the school file cannot be written; then nothing was changed.
    """
    purposes, because = frozenset(map(Purpose, purposes)), _reason(because)
    if on > date.today():
        raise WithdrawalError(f"{on} is still to come", "A withdrawal holds at once: give today or an earlier day.")
    with store.atomic():
        before = withdrawn(store).get(subject_id, frozenset())
        wanted = purposes or frozenset(ASKED_PURPOSES)
        new = wanted - before
        if new:
            # Everything is one row, by which the school file knows who is not to be enrolled again.
            everything = before | wanted == frozenset(ASKED_PURPOSES)
            for purpose in (None,) if everything else sorted(new):
                _add(store, subject_id, purpose, on.isoformat(), because)
        templates = 0 if _serves(store, subject_id, before | wanted) else drop_templates(store, [subject_id])
        if new or templates:
            told = {"subject": alias_of(store, subject_id), "purposes": sorted(new), "on": on.isoformat()}
            audit.append(store, audit.Kind.WITHDRAWN, {**told, "templates": templates})
    if templates:
        # The withdrawal stands already; what is left of encrypted templates in free pages goes with the next purge.
        with suppress(RecordError):
            store.compact()
    return Withdrawn(subject_id, new, before, templates)


def lift(store: Store, subject_id: str, purposes: Iterable[Purpose], because: str, on: date) -> frozenset[Purpose]:
    """Let the forms hold again; give for which purposes. The only way back, and it is recorded like the way there.

    Args:
        store: The school file.
        subject_id: Whose withdrawal.
        purposes: What for; none for every purpose.
        because: Why; never empty.
        on: The day.

    Raises:
        WithdrawalError: if there is no reason, or nothing was withdrawn.
        RecordError: if the school file cannot be written; then nothing was changed.
    """
    because = _reason(because)
    with store.atomic():
        before = withdrawn(store).get(subject_id, frozenset())
        lifted = before & (frozenset(map(Purpose, purposes)) or before)
        if not lifted:
            raise WithdrawalError(f"{subject_id}: nothing of this was withdrawn", "imgguard find tells what was.")
        for row_id, purpose, withdrawn_on, why in _open_rows(store, subject_id):
            covered = frozenset(ASKED_PURPOSES) if purpose is None else frozenset({Purpose(purpose)})
            if not covered & lifted:
                continue
            facts = (on.isoformat(), because, row_id)
            store.change("UPDATE withdrawals SET lifted_on = ?, lifted_because = ? WHERE id = ?", facts)
            # A withdrawal of everything goes on for the purposes that are not lifted.
            for left in sorted(covered - lifted):
                _add(store, subject_id, left, withdrawn_on, why)
        told = {"subject": alias_of(store, subject_id), "purposes": sorted(lifted), "on": on.isoformat()}
        audit.append(store, audit.Kind.WITHDRAWAL_LIFTED, told)
    return lifted


def known_people(store: Store) -> tuple[Known, ...]:
    """List everybody of whom the school file has heard: in a roster, in a published photo, or in a withdrawal."""
    rows: Any = store.query("SELECT subject_id, given_name, family_name, group_name, present FROM subjects")
    people = {number: Known(number, f"{g} {f}".strip(), group, bool(present)) for number, g, f, group, present in rows}
    others: Any = store.query(
        "SELECT subject_id FROM faces WHERE subject_id IS NOT NULL UNION SELECT subject_id FROM withdrawals"
    )
    for (number,) in others:
        people.setdefault(number, Known(number))
    return tuple(people[number] for number in sorted(people))


@dataclass(frozen=True, slots=True)
class Entry:
    """A withdrawal as it was recorded.

    Attributes:
        subject_id: The number under which it was recorded.
        purpose: What for; None for every purpose.
        withdrawn_on: The day on which the family said so.
        because: Why.
        lifted_on: When it was lifted; None while it holds.
        lifted_because: Why it was lifted; empty while it holds.
    """

    subject_id: str
    purpose: Purpose | None
    withdrawn_on: date
    because: str
    lifted_on: date | None
    lifted_because: str


def withdrawals_of(store: Store, subject_id: str) -> tuple[Entry, ...]:
    """List somebody's withdrawals, newest first, lifted ones included; however the number was written then."""
    rows: Any = store.query(
        "SELECT subject_id, purpose, withdrawn_on, because, lifted_on, lifted_because FROM withdrawals ORDER BY id DESC"
    )
    return tuple(
        Entry(number, Purpose(what) if what else None, date.fromisoformat(on), why, _day(lifted), lifted_why or "")
        for number, what, on, why, lifted, lifted_why in rows
        if number_key(number) == number_key(subject_id)
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Meant:
    """Who may be meant by what somebody typed.

    Attributes:
        exact: The person of exactly this number; None where there is none.
        alike: The one person whose number differs in leading zeros alone; None where there is none, or several.
        named: People of this name: proposed, never taken.
    """

    exact: Known | None
    alike: Known | None
    named: tuple[Known, ...]


def who_is_meant(people: Collection[Known], typed: str) -> Meant:
    """Find who may be meant by a number, or by a name that was typed in its place.

    >>> who_is_meant([Known("020411", "Amina Rowe")], "20411").alike.subject_id
    '020411'
    """
    typed = typed.strip()
    by_number = {person.subject_id: person for person in people}
    found = NumberIndex(by_number).find(typed)
    words = _words(typed)
    named = tuple(person for person in people if words and words <= _words(person.name))
    if found is None:
        return Meant(None, None, named)
    person = by_number[found.number]
    return Meant(person, None, ()) if found.exact else Meant(None, person, ())


def gone_since(
    store: Store, run_id: int, shown: Collection[str], known: Collection[str], read_at: int | None = None
) -> bool:
    """Tell whether a run that read its roster earlier may not publish a photo any more.

    Inside `Store.atomic()`, nobody can withdraw between the answer and the record of the photo: whoever withdraws
    afterwards has the photo listed.

    Args:
        store: The school file.
        run_id: The run.
        shown: Who is to be seen in the photo.
        known: Who was recognised in it, covered or not.
        read_at: The last entry of the audit trail when the roster was read; None for when the run began.

    Returns:
        Whether somebody shown has withdrawn for the run's purpose, somebody known may have been forgotten since, or
        the roster that the run stands on is not the newest one of the school file any more.
    """
    ((purpose, roster),) = store.query("SELECT purpose, roster_sha256 FROM runs WHERE id = ?", (run_id,))
    taken_back = {number_key(number) for number, purposes in withdrawn(store).items() if purpose in purposes}
    if any(number_key(number) in taken_back for number in shown):
        return True
    begun = "SELECT max(seq) FROM audit WHERE kind = ? AND json_extract(body, '$.run') = ?"
    values: tuple[object, ...] = (audit.Kind.RUN_BEGUN.value, run_id, read_at)
    rows = store.query(f"SELECT DISTINCT kind FROM audit WHERE seq > min(({begun}), ifnull(?, 9e15))", values)
    since = {kind for (kind,) in rows}
    if shown and audit.Kind.ROSTER_IMPORTED in since:
        rosters = [sha256 for (sha256,) in store.query("SELECT sha256 FROM rosters ORDER BY id")]
        if roster in rosters[:-1] and roster != rosters[-1]:
            return True
    if not known or audit.Kind.FORGOTTEN not in since:
        return False
    there = {number_key(str(number)) for (number,) in store.query("SELECT subject_id FROM subjects")}
    return any(number_key(number) not in there for number in known)


def _words(name: str) -> frozenset[str]:
    return frozenset(name.casefold().replace("-", " ").replace(",", " ").split())


def _reason(because: str) -> str:
    if not because.strip():
        raise WithdrawalError("A withdrawal needs a reason", "Say in a few words who asked for it and how.")
    return because.strip()


def _add(store: Store, subject_id: str, purpose: Purpose | None, on: str, because: str) -> None:
    facts = {"subject_id": subject_id, "purpose": purpose, "withdrawn_on": on, "because": because}
    store.insert_row("withdrawals", facts)


def _open_rows(store: Store, subject_id: str) -> list[Any]:
    return list(
        store.query(
            "SELECT id, purpose, withdrawn_on, because FROM withdrawals WHERE subject_id = ? AND lifted_on IS NULL"
            " ORDER BY id",
            (subject_id,),
        )
    )


def _serves(store: Store, subject_id: str, withdrawn_for: frozenset[Purpose]) -> bool:
    """Tell whether a photo of the person could still be shown for anything."""
    roster = stored_roster(store)
    person = roster.subjects.get(subject_id) if roster else None
    consents = person.consents if person else ()
    yes = {c.purpose for c in consents if c.aspect is Aspect.PHOTO and c.answer is Answer.YES}
    return bool(yes - withdrawn_for)

"""`imgguard roster import`, `diff` and `show`: what the school file holds, and what a new export changes in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, school_option
from cli.reading import how_to_read, read, school_of
from cli.shown import cell, counted, list_findings

if TYPE_CHECKING:
    from rich.console import Console

    from consent.changes import Change, Difference
    from consent.imports import Import
    from consent.mapping import Declared
    from consent.model import Consent, Subject
    from consent.roster import Roster
    from consent.store import Store

_MOST_CHANGES = 200
_HEADINGS = {
    "lost": "Lose consent",
    "vanished": "Not in the new roster, so no consent is left",
    "held": "Are held back from now on",
    "not_recognised": "May not be recognised any more",
    "released": "Are not held back any more",
    "gained": "Gain consent",
    "recognised": "May be recognised now",
    "new": "Are new",
}


@click.command("import")
@click.argument("file", metavar="ROSTER", type=A_PATH)
@how_to_read
@school_option
@click.option("--yes", is_flag=True, help="Import it without asking.")
def import_(file: Path, declared: Declared, school: Path | None, yes: bool) -> int:
    """Make a roster the one of the school file, after showing what it changes.

    Whoever is not in it has no consent left. What was withdrawn stays withdrawn, whatever the new roster says.
    """
    from rich.console import Console

    from cli.roster import show_answers, show_source
    from consent.imports import doubts
    from consent.people import import_roster
    from consent.store import Store
    from imgguard.today import lapses_today

    console = Console()
    roster = read(file, school, declared)
    console.print(cell(f"{file}: {len(roster.subjects)} people"), style="bold")
    show_source(console, roster)
    with Store(school_of(school)) as store:
        doubtful = tuple(doubts(store, roster, date.today()))
        show_answers(console, roster)
        list_findings(console, (*roster.unanswered(), *roster.findings, *doubtful))
        _show_difference(console, store, roster)
        if not yes and not click.confirm("Import it?"):
            console.print("Nothing was changed.")
            return EXIT_INCOMPLETE
        import_roster(store, roster)
        console.print(cell(f"Imported into {store.path}."), soft_wrap=True)
        gone = len({lapse.showing.file.photo_id for lapse in lapses_today(store, date.today())})
    if gone:
        shows = f"{counted(gone, 'published file shows', 'published files show')} somebody without a consent that holds"
        console.print(f"{shows}: see imgguard recheck.", style="bold")
    return EXIT_INCOMPLETE if roster.findings or doubtful or gone else EXIT_OK


@click.command()
@click.argument("file", metavar="[ROSTER]", type=A_PATH, required=False)
@how_to_read
@school_option
def diff(file: Path | None, declared: Declared, school: Path | None) -> int:
    """Show what a new roster would change in the school file; without one, what the last import changed."""
    from rich.console import Console

    from consent.imports import changes_of, doubts, imports
    from consent.people import stored_roster
    from consent.store import Store

    console = Console()
    roster = read(file, school, declared) if file else None
    with Store(_existing(school)) as store:
        if roster is not None:
            doubtful = tuple(doubts(store, roster, date.today()))
            list_findings(console, doubtful)
            _show_difference(console, store, roster)
            return EXIT_INCOMPLETE if doubtful else EXIT_OK
        made = imports(store)
        if len(made) < 2:
            console.print("There is no import before this one to compare with.")
            return EXIT_OK
        console.print(f"Import of {made[0].imported_on}, compared with that of {made[1].imported_on}:", style="bold")
        stored = stored_roster(store)
        _show_changes(console, changes_of(store, made[0].roster_id), stored.subjects if stored else {})
    return EXIT_OK


@click.command()
@click.argument("student", required=False)
@school_option
def show(student: str | None, school: Path | None) -> int:
    """Show the people of the school file; for one student who signed what, when, and in which row of which file."""
    from rich.console import Console

    from consent.errors import RosterError
    from consent.imports import imports
    from consent.numbers import NumberIndex
    from consent.people import stored_roster
    from consent.store import Store

    console = Console()
    with Store(_existing(school)) as store:
        roster, made = stored_roster(store), imports(store)
    if roster is None:
        raise RosterError(f"{store.path}: no roster was imported", "Import one with `imgguard roster import`.")
    if student is None:
        _show_people(console, roster, made[0])
        return EXIT_OK
    found = NumberIndex(roster.subjects).find(student)
    if found is None:
        raise RosterError(f"{store.path}: there is nobody with the number {student}", "See `imgguard roster show`.")
    if not found.exact:
        console.print(cell(f"{student} is taken for {found.number}: no other number differs only in zeros."))
    _show_person(console, roster.subjects[found.number])
    return EXIT_OK


def _existing(school: Path | None) -> Path:
    """Looking must not make a school file where there is none."""
    from consent.errors import RosterError

    path = school_of(school)
    if not path.is_file():
        raise RosterError(f"{path}: there is no such school file", "Import a roster first (`imgguard roster import`).")
    return path


def _show_difference(console: Console, store: Store, roster: Roster) -> None:
    from consent.imports import imports
    from consent.people import changes_by, present_people

    difference, people, joined = changes_by(store, roster)
    for number, written in joined.items():
        told = f"{written} is taken for {number}, which differs only in how it is written"
        console.print(cell(told), soft_wrap=True)
    if not imports(store):
        console.print("It is the first roster of this school file.")
        return
    before = present_people(store)
    _show_changes(console, difference.changes, {**before, **people})
    _show_renumbered(console, difference, {**before, **people})


def _show_renumbered(console: Console, difference: Difference, people: Mapping[str, Subject]) -> None:
    for pair in difference.renumbered:
        told = f"{pair.new} may be {people[pair.old].name}, who was {pair.old}: the name and birth date are the same"
        rest = "Nobody is joined by a name; what was withdrawn under the old number stays so."
        console.print(cell(f"{told}. {rest}"), soft_wrap=True)


def _show_changes(console: Console, changes: Iterable[Change], people: Mapping[str, Subject]) -> None:
    by_kind: dict[str, list[Change]] = {}
    for change in changes:
        by_kind.setdefault(change.kind.value, []).append(change)
    if not by_kind:
        console.print("It changes nothing for anybody.")
    for kind, heading in _HEADINGS.items():
        found = by_kind.get(kind, [])
        if not found:
            continue
        console.print(f"{heading}: {counted(len(found), 'person', 'people')}", style="bold")
        for change in found[:_MOST_CHANGES]:
            name = people[change.subject_id].name if change.subject_id in people else ""
            told = f"  {change.subject_id} {name}".rstrip() + (f": {change.what}" if change.what else "")
            console.print(cell(told), soft_wrap=True)
        if len(found) > _MOST_CHANGES:
            console.print(f"  ... and {len(found) - _MOST_CHANGES} more")


def _show_people(console: Console, roster: Roster, made: Import) -> None:
    from rich.table import Column, Table

    people = counted(len(roster.subjects), "person", "people")
    console.print(cell(f"{people}; imported on {made.imported_on} by the layout {made.layout}"), style="bold")
    for text in made.declared:
        console.print(cell(f"Declared: {text}"), soft_wrap=True)
    headings = ("Number", "Name", "Group", "Yes today, if recognised", "Besides")
    table = Table(*(Column(heading, overflow="fold") for heading in headings))
    for person in roster.subjects.values():
        cells = (person.subject_id, person.name, person.group, ", ".join(_allowed(person)), ", ".join(_besides(person)))
        table.add_row(*map(cell, cells))
    console.print(table)


def _allowed(person: Subject) -> Iterator[str]:
    from dataclasses import replace

    from consent.policy import Verdict, decide

    known = replace(person, biometric_ok=True)
    for purpose in sorted({consent.purpose for consent in person.consents}):
        if decide(known, purpose, date.today()).verdict is Verdict.KEEP:
            yield purpose.value


def _besides(person: Subject) -> Iterator[str]:
    yield from (hold.value.replace("_", " ") for hold in sorted(person.holds))
    if person.withdrawn:
        yield f"withdrawn: {', '.join(sorted(person.withdrawn))}"
    if not person.biometric_ok:
        yield "not to be recognised"
    if not person.consents:
        yield "no consent"


def _show_person(console: Console, person: Subject) -> None:
    from rich.table import Table

    about = ", ".join(filter(None, [f"{person.subject_id} {person.name}".strip(), person.group]))
    console.print(cell(about), style="bold")
    console.print(cell("; ".join(_besides(person)) or "Nothing overrides consent."), soft_wrap=True)
    table = Table("For", "Answer", "Signed", "Until", "Source")
    for consent in person.consents:
        table.add_row(*map(cell, _facts(consent)))
    console.print(table)


def _facts(consent: Consent) -> tuple[object, ...]:
    what = f"{consent.purpose.value} ({consent.aspect.value.replace('_', ' ')})"
    signed = f"{consent.signed_on or 'no date'} {consent.signed_by or 'nobody'}, {consent.signer_role.value}"
    source = f"row {consent.source_row}, {consent.source_sha256[:8]}"
    form = f"form {consent.form_id}, {source}" if consent.form_id else source
    return (what, consent.answer.value, signed, consent.valid_until or "not told", form)

"""Who is meant by the student that somebody typed: a number, never a name by itself."""

from __future__ import annotations

import click

from cli.shown import printable
from consent.errors import ConsentError
from consent.store import Store
from consent.withdrawals import Known, known_people, who_is_meant

_MOST_PROPOSED = 10


class UnknownStudent(ConsentError):
    """Nobody has this number."""


def told(person: Known) -> str:
    """Give a person in a line: number, name and group."""
    group = f" ({person.group})" if person.group else ""
    return printable(f"{person.subject_id} {person.name}".strip() + group)


def student_meant(store: Store, typed: str, *, yes: bool = False) -> Known | None:
    """Find who is meant; None where it looks like a number that nobody has.

    A number that differs in zeros in front alone is asked about. A name only proposes numbers.

    Raises:
        UnknownStudent: if a name was given, or something that is no number.
        click.Abort: if the number that was asked about is not the one.
    """
    meant = who_is_meant(known_people(store), typed)
    if meant.exact is not None:
        return meant.exact
    if meant.alike is not None:
        click.echo(f"Nobody has the number {printable(typed)}; the only one like it: {told(meant.alike)}", err=True)
        if not yes:
            click.confirm("Is this the one? (--yes answers it)", abort=True, err=True)
        return meant.alike
    if meant.named:
        proposed = "; ".join(map(told, meant.named[:_MOST_PROPOSED]))
        more = len(meant.named) - _MOST_PROPOSED
        raise UnknownStudent(
            f"{typed}: is a name, and more than one may have it. People of this name: {proposed}"
            + (f"; and {more} more" if more > 0 else ""),
            "Give the number.",
        )
    if not any(character.isdigit() for character in typed):
        raise UnknownStudent(f"{typed}: nobody has this number or name", "Give the number, as the roster has it.")
    return None


def student_known(store: Store, typed: str, *, yes: bool = False) -> Known:
    """Find who is meant, where it has to be somebody of whom the school file has heard.

    Raises:
        UnknownStudent: if nobody is.
    """
    person = student_meant(store, typed, yes=yes)
    if person is None:
        raise UnknownStudent(
            f"{typed}: this number is in no roster, on no published photo and in no withdrawal",
            "Look the number up (imgguard roster show), or name another school file (--school).",
        )
    return person

"""`imgguard roster`: check a roster before it is used, and make an empty one."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH
from consent.model import Answer, Purpose, Subject
from consent.policy import Verdict, decide


@click.group()
def roster() -> None:
    """Check a consent roster, or make an example of one."""


@roster.command()
@click.argument("file", metavar="ROSTER", type=A_PATH)
def check(file: Path) -> int:
    """Read a roster, list what is unclear with its row, and count the answers for each purpose.

    "May be seen" counts the people whose consent holds today: answered yes, signed, dated, not expired, allowed to be
    recognised, and not marked do-not-publish.
    """
    from rich.console import Console
    from rich.table import Table

    from cli.shown import cell
    from consent.roster import read_roster

    console = Console()
    found = read_roster(file)
    console.print(cell(f"{file}: {len(found.subjects)} people"), style="bold")
    table = Table("Purpose", "Yes", "No", "Blank", "Unclear", "May be seen today")
    for purpose in sorted(found.purposes):
        people = found.subjects.values()
        answers = Counter(_answer(person, purpose) for person in people)
        unclear = answers[Answer.UNKNOWN] + answers[Answer.CONFLICTING]
        seen = sum(decide(person, purpose, date.today()).verdict is Verdict.KEEP for person in people)
        counts = (answers[Answer.YES], answers[Answer.NO], answers[Answer.BLANK], unclear, seen)
        table.add_row(purpose.value, *map(str, counts))
    console.print(table if found.purposes else "It has no column for any purpose: nobody can be seen.")
    console.print(_special(list(found.subjects.values())))
    for finding in found.findings:
        console.print(cell(finding))
    return EXIT_INCOMPLETE if found.findings or not found.purposes else EXIT_OK


def _answer(person: Subject, purpose: Purpose) -> Answer:
    """Several signers may have answered; what is not yes weighs more."""
    given = {consent.answer for consent in person.asked(purpose)}
    weight = (Answer.NO, Answer.CONFLICTING, Answer.UNKNOWN, Answer.BLANK, Answer.YES)
    return next((answer for answer in weight if answer in given), Answer.BLANK)


def _special(people: list[Subject]) -> str:
    blocked = sum(bool(person.holds) for person in people)
    unrecognised = sum(not person.biometric_ok for person in people)
    return f"Never to be published: {blocked}. May not be recognised, so always covered: {unrecognised}."


@roster.command()
@click.option("-o", "--out", type=A_PATH, help="Write it to this file instead of the screen.")
def template(out: Path | None) -> None:
    """Print an example roster in imgguard's own layout, to be filled in."""
    from consent.roster import roster_template

    if out is None:
        click.echo(roster_template(), nl=False)
        return
    from imgguard.output import OutputFolder

    folder = out.resolve().parent
    OutputFolder(folder, overwrite=False).publish(roster_template().encode(), folder / out.name)
    click.echo(f"Wrote {out}.", err=True)

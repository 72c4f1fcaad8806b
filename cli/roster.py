"""`imgguard roster`: check a roster before it is used, and make an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, school_option
from cli.reading import how_to_read, read
from cli.roster_import import diff, import_, show
from cli.roster_map import map_
from cli.roster_match import match
from cli.shown import counted

if TYPE_CHECKING:
    from rich.console import Console

    from consent.mapping import Declared
    from consent.model import Subject
    from consent.roster import Roster


@click.group()
def roster() -> None:
    """Check, map and import a consent roster, or make an example of one."""


@roster.command()
@click.argument("file", metavar="ROSTER", type=A_PATH)
@how_to_read
@school_option
def check(file: Path, declared: Declared, school: Path | None) -> int:
    """Read a roster, list what is unclear with its row, and count the answers for each purpose.

    Says by what the layout was recognised and what was declared. "May be seen" counts the people whose consent holds
    today: answered yes, signed, dated, not expired, allowed to be recognised, and not marked do-not-publish.
    """
    from rich.console import Console

    from cli.shown import cell, list_findings
    from consent.imports import late_signatures, same_names

    console = Console()
    found = read(file, school, declared)
    console.print(cell(f"{file}: {len(found.subjects)} people"), style="bold")
    show_source(console, found)
    show_answers(console, found)
    for line in _not_seen(found):
        console.print(cell(line), soft_wrap=True)
    console.print(_special(list(found.subjects.values())))
    list_findings(console, same_names(found))
    list_findings(console, found.unanswered())
    findings = (*found.findings, *late_signatures(found, date.today()))
    list_findings(console, findings)
    return EXIT_INCOMPLETE if findings or not found.purposes else EXIT_OK


def show_source(console: Console, found: Roster) -> None:
    """Say by which layout a roster was read, and what it does not say itself."""
    from cli.shown import cell

    console.print(cell(found.evidence), soft_wrap=True)
    for told in found.declared:
        console.print(cell(f"Declared: {told}"), soft_wrap=True)
    if found.unused and found.layout != "imgguard":
        console.print(cell(f"Not used: {', '.join(found.unused)}"), soft_wrap=True)


def show_answers(console: Console, found: Roster) -> None:
    """Count the answers for each purpose, and who may be seen today by the forms alone."""
    from rich.table import Table

    from consent.answers import answer_counts

    table = Table("Purpose", "Yes", "No", "Blank", "Unclear", "May be seen today")
    for told in answer_counts(found, date.today()):
        table.add_row(told.purpose.value, *map(str, (told.yes, told.no, told.blank, told.unclear, told.seen)))
    console.print(table if found.purposes else "It has no column for any purpose: nobody can be seen.")


def _not_seen(found: Roster) -> Iterator[str]:
    """Say why people who answered yes may not be seen today."""
    from consent.answers import answer_counts

    for told in answer_counts(found, date.today()):
        for reason, count in told.unseen:
            yield f"{told.purpose.value}: {counted(count, 'yes does', 'yeses do')} not count: {reason.words}"


def _special(people: list[Subject]) -> str:
    blocked = sum(bool(person.holds) for person in people)
    unrecognised = sum(not person.biometric_ok for person in people)
    return f"Never to be published: {blocked}. May not be recognised, so always covered: {unrecognised}."


@roster.command()
@click.option("-o", "--out", type=A_PATH, help="Write it to this file instead of the screen.")
def template(out: Path | None) -> None:
    """Print an example roster in imgguard's own layout, to be filled in."""
    from consent.template import roster_template

    if out is None:
        click.echo(roster_template(), nl=False)
        return
    from imgguard.output import OutputFolder

    folder = out.resolve().parent
    OutputFolder(folder, overwrite=False).publish(roster_template().encode(), folder / out.name)
    click.echo(f"Wrote {out}.", err=True)


for _command in (map_, match, import_, diff, show):
    roster.add_command(_command)

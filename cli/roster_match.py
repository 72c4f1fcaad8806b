"""`imgguard roster match`: propose student numbers for a form that asks for names only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, school_option
from cli.reading import how_to_read, own_mappings, school_of
from cli.shown import cell, counted

if TYPE_CHECKING:
    from consent.mapping import Declared
    from consent.roster import Roster


@click.command()
@click.argument("file", metavar="ROSTER", type=A_PATH)
@how_to_read
@school_option
@click.option("--people", type=A_PATH, help="A file with names and numbers, such as the photographer's data file.")
@click.option(
    "-o", "--out", type=A_PATH, required=True, help="Write the export with proposed numbers to this .csv file."
)
def match(file: Path, declared: Declared, school: Path | None, people: Path | None, out: Path) -> int:
    """Propose student numbers by name, from --people or the school file, for a person to confirm.

    Write yes under "confirmed" for each row that is right, and use the new file as the roster: rows that are not
    confirmed are not used. Nobody is joined by a name alone.
    """
    from rich.console import Console

    from consent.mapping import applied
    from consent.proposing import propose, proposed_table
    from consent.roster import find_table
    from imgguard.output import OutputFolder

    table = find_table(file, declared, mappings=own_mappings(school))
    proposals = propose(table, applied(table.fit.layout, declared), _people(people, school).subjects.values())
    folder = out.resolve().parent
    text = proposed_table(table, proposals).encode("utf-8-sig", "replace")
    OutputFolder(folder, overwrite=False).publish(text, folder / out.name)
    console = Console()
    missing = [proposal for proposal in proposals if not proposal.number]
    for proposal in missing:
        console.print(cell(f"{file.name}, row {proposal.row}: {proposal.because}"), soft_wrap=True)
    found = counted(len(proposals) - len(missing), "number", "numbers")
    console.print(cell(f"{found} proposed in {out}: write yes under 'confirmed' where it is right."), soft_wrap=True)
    return EXIT_INCOMPLETE if missing else EXIT_OK


def _people(people: Path | None, school: Path | None) -> Roster:
    from consent.errors import RosterError
    from consent.people import stored_roster
    from consent.roster import read_roster
    from consent.store import Store

    if people is not None:
        return read_roster(people)
    path = school_of(school)
    found = None
    if path.is_file():
        with Store(path) as store:
            found = stored_roster(store)
    if found is None:
        raise RosterError(f"{path}: nobody's number is known", "Give a file with names and numbers: --people FILE.")
    return found

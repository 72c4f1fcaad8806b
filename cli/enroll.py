"""`imgguard enroll`: who would be known again, and how hard they are to tell apart."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import (
    A_PATH,
    ID_PHOTOS_HELP,
    ROSTER_HELP,
    fpir_option,
    group_option,
    old_id_photos_option,
)


@click.command()
@click.option("--roster", required=True, type=A_PATH, help=ROSTER_HELP)
@click.option("--id-photos", required=True, type=A_PATH, help=ID_PHOTOS_HELP)
@group_option
@fpir_option
@old_id_photos_option
def enroll(roster: Path, id_photos: Path, groups: tuple[str, ...], fpir: float | None, old_id_photos: bool) -> int:
    """Look at the ID photos before they are used: who is enrolled, what is unusable, and who looks alike.

    Stores and writes nothing.
    """
    from rich.console import Console

    from cli.shown import cell, counted, list_findings, show_difficulty
    from consent.groups import families_of, people_of
    from consent.roster import read_roster
    from imgguard.backends import default_backends
    from imgguard.enroll import enroll as enroll_people
    from imgguard.identify import Gallery
    from imgguard.threshold import DEFAULT_FPIR

    console, notes = Console(), Console(stderr=True)
    everybody = read_roster(roster)
    people = people_of(everybody, groups)
    on = date.today()
    with notes.status("Reading the ID photos"):
        found = enroll_people(id_photos, people, everybody, default_backends(), on, old_photos=old_id_photos)
    gallery = Gallery.from_references(found.references, fpir or DEFAULT_FPIR, on, families=families_of(people))
    whose = f" in {', '.join(groups)}" if groups else ""
    console.print(cell(f"Enrolled: {len(gallery)} of {found.wanted} who may be recognised{whose}"), style="bold")
    blocked = len(people) - found.wanted
    photos = counted(len(found.references), "ID photo", "ID photos")
    console.print(f"{photos} used. Never enrolled, so always covered: {counted(blocked, 'person', 'people')}.")
    if len(gallery):
        names = {number: person.name for number, person in people.items()}
        show_difficulty(console, gallery.difficulty, fpir, names)
    else:
        console.print("Nobody is enrolled: everybody would be covered.")
    list_findings(console, (*everybody.findings, *found.findings, *found.remarks))
    good = len(gallery) and not everybody.findings and not found.findings
    return EXIT_OK if good else EXIT_INCOMPLETE

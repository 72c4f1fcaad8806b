"""`imgguard enroll`: who would be known again, and how hard they are to tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import (
    A_PATH,
    ID_PHOTOS_HELP,
    ROSTER_HELP,
    fpir_option,
    group_option,
    old_id_photos_option,
    passphrase_option,
    school_option,
)
from cli.reading import read

if TYPE_CHECKING:
    from consent.model import Subject
    from consent.roster import Roster
    from imgguard.enroll import Enrolment


@click.command()
@click.option("--roster", type=A_PATH, help=f"{ROSTER_HELP} With it, this only looks and stores nothing.")
@click.option("--id-photos", required=True, type=A_PATH, help=ID_PHOTOS_HELP)
@group_option
@fpir_option
@old_id_photos_option
@passphrase_option
@school_option
def enroll(
    roster: Path | None,
    id_photos: Path,
    groups: tuple[str, ...],
    fpir: float | None,
    old_id_photos: bool,
    passphrase_file: Path | None,
    school: Path | None,
) -> int:
    """Enrol the people of the school file from their ID photos, or look at the ID photos of a roster.

    Only people whom the imported roster allows to be recognised are enrolled. A photo that was enrolled before is not
    computed again. Templates are encrypted and have an end. Tells who is enrolled, what is unusable, and who looks
    alike.
    """
    if roster is None:
        return _into_school(id_photos, groups, fpir, old_id_photos, passphrase_file, school)
    from rich.console import Console

    from consent.groups import people_of
    from imgguard.backends import default_backends
    from imgguard.enroll import enroll as enroll_people

    everybody = read(roster, school)
    people = people_of(everybody, groups)
    with Console(stderr=True).status("Reading the ID photos"):
        found = enroll_people(id_photos, people, everybody, default_backends(), date.today(), old_photos=old_id_photos)
    return _show(found, people, everybody, groups, fpir)


def _into_school(
    id_photos: Path,
    groups: tuple[str, ...],
    fpir: float | None,
    old_photos: bool,
    passphrase_file: Path | None,
    school: Path | None,
) -> int:
    from rich.console import Console

    from cli.passphrases import asked
    from cli.schools import opened
    from cli.shown import counted
    from consent.errors import RosterError
    from consent.groups import people_of
    from consent.people import stored_roster
    from consent.school import template_end
    from consent.school_policy import policy_of
    from consent.vault import open_vault
    from imgguard.backends import default_backends
    from imgguard.recall import enroll_into

    on = date.today()
    with opened(school) as store:
        end = template_end(on, policy_of(store).template_days)
        everybody = stored_roster(store)
        if everybody is None:
            raise RosterError(f"{store.path}: no roster was imported", "Import one: imgguard roster import FILE")
        people = people_of(everybody, groups)
        vault = open_vault(store, asked(passphrase_file))
        with Console(stderr=True).status("Reading the ID photos"):
            kept = enroll_into(
                store, vault, id_photos, people, everybody, default_backends(), on, end, old_photos=old_photos
            )
    code = _show(kept.enrolment, people, everybody, groups, fpir)
    photos = counted(kept.computed, "new template", "new templates")
    click.echo(f"Stored: {photos}; {kept.known} known already; {kept.dropped} deleted. They end on {end}.")
    return code


def _show(
    found: Enrolment, people: Mapping[str, Subject], everybody: Roster, groups: tuple[str, ...], fpir: float | None
) -> int:
    from rich.console import Console

    from cli.shown import cell, counted, list_findings, show_difficulty
    from consent.groups import families_of
    from imgguard.identify import Gallery
    from imgguard.threshold import DEFAULT_FPIR

    console = Console()
    gallery = Gallery.from_references(
        found.references, fpir or DEFAULT_FPIR, date.today(), families=families_of(people)
    )
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

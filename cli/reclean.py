"""`imgguard reclean`: new versions of published photos, without those who must not be seen any more."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import (
    A_PATH,
    ID_PHOTOS_HELP,
    ROSTER_HELP,
    old_id_photos_option,
    passphrase_option,
    school_option,
)
from cli.takedowns import yes_option

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from consent.showings import PublishedFile
    from imgguard.reclean import Redone


@click.command()
@click.option("--student", "students", multiple=True, help="Cover this student (a number), whatever the roster says.")
@click.option(
    "--photo", "photos", multiple=True, type=A_PATH,
    help="Only this photo: the original or the published file. Covers everybody on it whose consent is gone.",
)  # fmt: skip
@click.option("--all-open", is_flag=True, help="Every photo that imgguard recheck lists.")
@click.option("--originals", required=True, type=A_PATH, help="Folder with the originals; they are known by content.")
@click.option("-o", "--out", required=True, type=A_PATH, help="Output folder for the new versions.")
@click.option("--roster", type=A_PATH, help=f"{ROSTER_HELP} If not given, the one that was imported.")
@click.option("--id-photos", type=A_PATH, help=f"{ID_PHOTOS_HELP} If not given, the templates of the school file.")
@old_id_photos_option
@passphrase_option
@click.option("--overwrite", is_flag=True, help="Replace files that are in the output folder already.")
@yes_option
@school_option
@click.option("--workers", type=click.IntRange(1), help="Processes to use; one a core if not given.")
def reclean(
    students: tuple[str, ...],
    photos: tuple[Path, ...],
    all_open: bool,
    originals: Path,
    out: Path,
    roster: Path | None,
    id_photos: Path | None,
    old_id_photos: bool,
    passphrase_file: Path | None,
    overwrite: bool,
    yes: bool,
    school: Path | None,
    workers: int | None,
) -> int:
    """Publish new versions of photos on which somebody is visible who must not be, from their originals.

    Under the old names, for the old purpose and with the old settings, by today's roster. Wherever the record has
    somebody as visible who must be covered now, there is a cover, whoever the face is taken for today. Says which
    originals are missing, and where each new file belongs. Ends with exit code 3 if a photo could not be made anew.
    """
    if bool(students) + bool(photos) + all_open != 1:
        raise click.UsageError("Give --student, --photo or --all-open: one of them.")
    from rich.console import Console

    from cli.whose import student_known
    from consent.existing import open_existing
    from consent.showings import showings, writings_of
    from imgguard.guard import default_school
    from imgguard.reclean import Sources, find_originals, versions_to_make
    from imgguard.reclean import reclean as make
    from imgguard.today import people_today, policies_behind

    console, notes = Console(), Console(stderr=True)
    path, on = school or default_school(), date.today()
    with open_existing(path) as store:
        known = [student_known(store, one, yes=yes).subject_id for one in students]
        meant = frozenset(number for one in known for number in writings_of(store, one))
        everything, people = showings(store), people_today(store, roster)
        policies = policies_behind(store, everything)
    digests = [_digest(one) for one in photos]
    versions = versions_to_make(everything, people, on, students=meant, photos=digests, policies=policies)
    if not versions:
        console.print("Nothing to do: no newest version of a published photo shows anybody who must not be seen.")
        return EXIT_OK
    with notes.status("Looking for the originals") as status:
        ask = _once(status, passphrase_file)
        who: dict[str, Any] = {"roster": roster, "id_photos": id_photos, "old_id_photos": old_id_photos}
        sources = Sources(path, originals, out, {**who, "passphrase": ask, "on": on}, meant, overwrite, workers)
        found = find_originals(
            originals, [version.file for version in versions],
            lambda count: status.update(f"Looking for the originals, {count} files"),
        )  # fmt: skip
        results: list[Redone] = []
        try:
            for one in make(versions, found, sources):
                results.append(one)
                status.update(f"Making new versions, {len(results)} of {len(versions)}")
        finally:
            # Whatever stops it, the user is told what was published until then.
            status.stop()
            code = _show(console, results, len(versions), found.unread, out)
    return code


def _once(status: Status, passphrase_file: Path | None) -> Callable[[], str]:
    """Give what gets the passphrase: asked for at most once, with nothing turning on the screen."""
    from cli.passphrases import asked

    @functools.cache
    def ask() -> str:
        status.stop()
        entered = asked(passphrase_file)()
        status.start()
        return entered

    return ask


def _digest(path: Path) -> str:
    import hashlib

    from imgguard.errors import SetupError

    if not path.is_file():
        raise SetupError(f"{path}: there is no such photo", "Give the original, or the file that was published.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _show(console: Console, results: Sequence[Redone], wanted: int, unread: Sequence[Path], out: Path) -> int:
    from cli.shown import cell, show_refusals
    from imgguard.reclean import parted

    published, refused, missing = parted(results)
    console.print(cell(f"{len(published)} of {wanted} photos made anew: {out}"), style="bold", soft_wrap=True)
    for one in published:
        assert one.result is not None
        console.print(cell(f"  {one.result.target}"), soft_wrap=True)
        console.print(cell(f"      in the place of {one.file.file_id}: {_place(one.file)}"), soft_wrap=True)
    show_refusals(console, [one.result for one in refused if one.result])
    if missing:
        console.print("Originals that are missing; take these files down:", style="bold")
    for one in missing:
        console.print(cell(f"  {one.file.file_id}  {one.file.name}: {_place(one.file)}"), soft_wrap=True)
        console.print(cell(f"      original with SHA-256 {one.file.source_sha256}"), soft_wrap=True)
    if missing and unread:
        told = ", ".join(path.name for path in unread[:10])
        console.print(cell(f"Could not be read, and may be among them ({len(unread)}): {told}"), soft_wrap=True)
    if published:
        console.print("The old files stay where they are until somebody replaces them: imgguard recheck lists them.")
    return EXIT_INCOMPLETE if refused or missing else EXIT_OK


def _place(file: PublishedFile) -> str:
    more = ", ".join(filter(None, (file.address, f"manager {file.manager}" if file.manager else "")))
    return " ".join(filter(None, (file.destination or "no destination recorded", f"({more})" if more else "")))

"""`imgguard recheck`: whose consent is gone since a photo was published, before anyone asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, school_option
from cli.takedowns import check_new, day_option, list_option, page_option, show_list, write_lists

if TYPE_CHECKING:
    from rich.console import Console

    from consent.rechecking import Lapse
    from consent.store import Store


@click.command()
@click.argument("roster", required=False, type=A_PATH)
@click.option(
    "--within", type=click.IntRange(0, 3660), default=0, metavar="DAYS",
    help="Also list photos whose consents run out within so many days.",
)  # fmt: skip
@day_option("The day for which consents have to hold, if not today.")
@list_option
@page_option
@click.option(
    "--done", "done", multiple=True, metavar="FILE_ID",
    help="Tick a file off: it is taken down. FILE_ID is what the list shows, or the published file itself; with "
    "@DESTINATION where it went to several; can be given several times.",
)  # fmt: skip
@school_option
def recheck(
    roster: Path | None,
    within: int,
    on: date,
    list_file: Path | None,
    page_file: Path | None,
    done: tuple[str, ...],
    school: Path | None,
) -> int:
    """Hold every published photo against today's consents: the school file's, or those of a ROSTER before its import.

    Lists who is to be seen without a consent that holds: withdrawn, put on hold, vanished from the roster, taken away
    by it, or run out. An old file stays in the list after imgguard reclean, until it is ticked off. Ends with exit code
    3 if anything has to be taken down.
    """
    from rich.console import Console

    from consent.existing import open_existing
    from consent.rechecking import Gone
    from consent.rechecking import recheck as held_against
    from consent.showings import published_files, showings
    from consent.takedown import listed, mark_taken_down
    from imgguard.guard import default_school
    from imgguard.today import people_today, policies_behind

    check_new(list_file, "--list")
    check_new(page_file, "--page")
    console = Console()
    with open_existing(school or default_school()) as store:
        if done:
            marked = mark_taken_down(store, [_file_id(one, store) for one in done], date.today())
            console.print(f"Ticked off as taken down: {len(marked)}.")
        everything = showings(store)
        policies = policies_behind(store, everything)
        lapses = held_against(everything, people_today(store, roster), on, within=within, policies=policies)
        files = published_files(store)
    gone = [lapse for lapse in lapses if lapse.gone is not Gone.EXPIRES_SOON]
    soon = [lapse for lapse in lapses if lapse.gone is Gone.EXPIRES_SOON]
    rows = listed([(lapse.showing, lapse.words) for lapse in gone], everything, files)
    _show_counts(console, gone, len(files))
    show_list(console, rows)
    coming = listed([(lapse.showing, lapse.words) for lapse in soon], everything, files)
    if coming:
        console.print(f"Not yet, but within {within} days:", style="bold")
        show_list(console, coming)
    write_lists((*rows, *coming), on, list_file, page_file)
    return EXIT_INCOMPLETE if rows else EXIT_OK


def _file_id(given: str, store: Store) -> str:
    """Give the digest of a published file, with its place if that is told, or the id as it was typed."""
    import hashlib

    from consent.showings import published_files
    from consent.takedown import TakeDownError

    for name, at, place in ((given, "", ""), given.rpartition("@")):
        if not name or not Path(name).is_file():
            continue
        digest = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        if digest not in {file.output_sha256 for file in published_files(store)}:
            what = f"{name}: is none of the files that imgguard published"
            raise TakeDownError(what, "Give the published file itself, unchanged, or its id as the list shows it.")
        return digest + at + place
    return given


def _show_counts(console: Console, gone: Sequence[Lapse], files: int) -> None:
    from cli.shown import counted

    published = counted(files, "published file", "published files")
    if not gone:
        console.print(f"{published}: everybody on them has a consent that holds.", style="bold")
        return
    photos = len({lapse.showing.file.photo_id for lapse in gone})
    console.print(f"{photos} of {published} to be taken down:", style="bold")
    for kind, count in Counter(lapse.gone for lapse in gone).most_common():
        console.print(f"  {count:>4}  {kind.words}")

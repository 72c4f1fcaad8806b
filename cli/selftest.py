"""`imgguard selftest`: how well a school's own people are known again."""

from __future__ import annotations

from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, ID_PHOTOS_HELP, fpir_option, share


@click.command()
@click.option("--id-photos", required=True, type=A_PATH, help=ID_PHOTOS_HELP)
@fpir_option
def selftest(id_photos: Path, fpir: float | None) -> int:
    """Measure recognition on your own ID photos, where there are two or more of a person.

    The first photo of each person is enrolled, the others are searched for. Then each person is left out once, as a
    stranger would be. Needs no roster; stores and writes nothing.
    """
    from rich.console import Console
    from rich.table import Table

    from cli.shown import counted, list_findings, show_difficulty
    from imgguard.backends import default_backends
    from imgguard.selftest import run_selftest

    console, notes = Console(), Console(stderr=True)
    with notes.status("Reading and comparing the ID photos"):
        found = run_selftest(id_photos, default_backends(), **share(fpir))
    photos = counted(found.photos, "usable ID photo", "usable ID photos")
    console.print(f"{counted(found.people, 'person', 'people')} with {photos}", style="bold")
    again, strangers = found.again, found.strangers
    table = Table(show_header=False, box=None)
    if again.total:
        table.add_row("Known again on another photo", _of(again.known, again.total))
        table.add_row("Not known, so covered", _of(again.missed - again.mistaken, again.total))
        table.add_row("Taken for somebody else", _of(again.mistaken, again.total))
        table.add_row("Missed, both together (FNIR)", _of(again.missed, again.total))
    if strangers.total:
        table.add_row("Strangers taken for somebody (FPIR)", _of(strangers.mistaken, strangers.total))
    if table.row_count:
        console.print(table)
    if not again.total:
        console.print("Nobody has two usable ID photos, so nothing can be told about who is known again.")
    if not strangers.total:
        console.print("There is only one person, so nothing can be told about strangers.")
    show_difficulty(console, found.difficulty, fpir, {})
    list_findings(console, found.findings)
    return EXIT_INCOMPLETE if found.findings else EXIT_OK


def _of(count: int, total: int) -> str:
    return f"{count} of {total} ({count / total:.1%})"

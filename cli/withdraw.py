"""`imgguard withdraw`: from now on no, and what is to be taken down."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import school_option
from cli.takedowns import check_new, day_option, list_option, page_option, show_list, write_lists, yes_option
from consent.model import ASKED_PURPOSES, Purpose

if TYPE_CHECKING:
    from rich.console import Console

    from consent.store import Store
    from consent.takedown import Listed
    from consent.withdrawals import Withdrawn


@click.command()
@click.argument("student")
@click.option(
    "--purpose", "purposes", multiple=True, type=click.Choice([purpose.value for purpose in ASKED_PURPOSES]),
    help="What consent is taken back for; can be given several times. If not given, for everything.",
)  # fmt: skip
@click.option("--reason", required=True, help="Who asked for it and how, such as 'letter of the mother'.")
@day_option("The day on which the family said so, if not today. It holds at once.")
@click.option("--lift", is_flag=True, help="Take the withdrawal back: the forms hold again.")
@list_option
@page_option
@yes_option
@school_option
def withdraw(
    student: str,
    purposes: tuple[str, ...],
    reason: str,
    on: date,
    lift: bool,
    list_file: Path | None,
    page_file: Path | None,
    yes: bool,
    school: Path | None,
) -> int:
    """Record that consent for a student was taken back, and list every published photo that shows the student.

    From now on the answer is no, for photo, work and name alike, whatever a roster says that is imported later; only
    --lift changes that. STUDENT is a number. Where nothing is left that the student may be shown for, stored face
    templates are deleted.
    """
    from rich.console import Console

    from cli.whose import student_meant, told
    from consent import withdrawals
    from consent.takedown import withdrawn_files
    from imgguard.guard import default_school

    if lift and (list_file or page_file):
        raise click.UsageError("--lift lists nothing, and does not go with --list or --page.")
    check_new(list_file, "--list")
    check_new(page_file, "--page")
    console, notes = Console(), Console(stderr=True)
    path = school or default_school()
    if not path.is_file() and not lift:
        notes.print(f"There was no school file yet: {path} is made.", soft_wrap=True, markup=False)
    chosen = tuple(map(Purpose, purposes))
    with _opened(path, making=not lift) as store:
        person = student_meant(store, student, yes=yes)
        number = person.subject_id if person else student.strip()
        name = told(person) if person else number
        unknown = f"{name} is in no roster and on no photo of this school file."
        if person is None and not lift and not (yes or click.confirm(f"{unknown} Record it for this number?")):
            console.print("Nothing was recorded.")
            return EXIT_INCOMPLETE
        if lift:
            lifted = withdrawals.lift(store, number, chosen, reason, on)
            console.print(f"{name}: the forms hold again for {_listed(lifted)}.", soft_wrap=True, markup=False)
            return EXIT_OK
        done = withdrawals.withdraw(store, number, chosen, reason, on)
        rows = withdrawn_files(store, number, done.purposes | done.before)
    _show(console, name, done, rows)
    write_lists(rows, date.today(), list_file, page_file)
    if person is None:
        alone = f"Please check: {unknown} The withdrawal holds for this number alone."
        console.print(alone, style="bold", soft_wrap=True, markup=False)
        return EXIT_INCOMPLETE
    return EXIT_OK


def _opened(path: Path, *, making: bool) -> Store:
    from consent.existing import open_existing
    from consent.store import Store

    return Store(path) if making and not path.is_file() else open_existing(path)


def _show(console: Console, name: str, done: Withdrawn, rows: tuple[Listed, ...]) -> None:
    from cli.shown import counted

    if done.purposes:
        console.print(f"{name}: from now on no, for {_listed(done.purposes)}.", soft_wrap=True, markup=False)
    else:
        console.print(f"{name}: this was withdrawn already; nothing is changed.", soft_wrap=True, markup=False)
    if done.templates:
        console.print(f"Face templates deleted: {done.templates}.")
    if not rows:
        console.print("No published photo shows this student for what was withdrawn.")
        return
    published = counted(len(rows), "published file shows", "published files show")
    console.print(f"{published} this student. To be taken down:")
    show_list(console, rows)
    console.print(
        f"imgguard reclean --student {done.subject_id} --originals FOLDER -o OUT makes versions without the student; "
        "imgguard recheck --done FILE_ID ticks off what is down.", soft_wrap=True, markup=False,
    )  # fmt: skip


def _listed(purposes: frozenset[Purpose]) -> str:
    return "every purpose" if purposes == frozenset(ASKED_PURPOSES) else ", ".join(sorted(purposes))

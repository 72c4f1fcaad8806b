"""`imgguard find`: every published photo that shows a student."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.exits import EXIT_OK
from cli.options import school_option
from cli.takedowns import check_new, list_option, write_new, yes_option

if TYPE_CHECKING:
    from rich.console import Console

    from consent.showings import Showing
    from consent.store import Reliance


@click.command()
@click.argument("student")
@click.option("--covered", is_flag=True, help="Also list the photos on which the student is under a cover.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON, for scripts.")
@list_option
@yes_option
@school_option
def find(student: str, covered: bool, as_json: bool, list_file: Path | None, yes: bool, school: Path | None) -> int:
    """List every published photo that shows a student: where it is, since when, what for and by which consent.

    STUDENT is a number. Photos are known by the bytes that imgguard published; copies that others made of them are not.
    Changes nothing.
    """
    from rich.console import Console

    from cli.whose import student_known, told
    from consent.existing import open_existing
    from consent.showings import showings
    from consent.tables import write_table
    from imgguard.guard import default_school

    check_new(list_file, "--list")
    with open_existing(school or default_school()) as store:
        person = student_known(store, student, yes=yes)
        found = [showing for showing in showings(store, person.subject_id) if covered or showing.visible]
    facts = [_facts(showing) for showing in found]
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _show(Console(), told(person), found)
    if list_file is not None:
        rows = [["; ".join(map(str, cell)) if isinstance(cell, list) else cell for cell in f.values()] for f in facts]
        write_new(list_file, write_table(_COLUMNS, rows), spreadsheet=True)
    return EXIT_OK


_COLUMNS = (
    "file", "file_id", "published_on", "purpose", "destination", "address", "manager", "visible", "reason", "consents",
    "newer_version", "taken_down_on", "source_sha256", "output_sha256",
)  # fmt: skip


def _facts(showing: Showing) -> dict[str, Any]:
    file = showing.file
    values = (
        file.name, file.file_id, file.published_on.isoformat(), file.purpose, file.destination, file.address,
        file.manager, showing.visible, showing.reason, [_consent(one) for one in showing.relied],
        file.newest != file.photo_id, file.taken_down_on and file.taken_down_on.isoformat(), file.source_sha256,
        file.output_sha256,
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


def _consent(one: Reliance) -> str:
    form = f"form {one.form_id}, " if one.form_id else ""
    return f"{form}signed {one.signed_on}, until {one.valid_until}, row {one.source_row} of {one.source_sha256[:12]}"


def _show(console: Console, name: str, found: Sequence[Showing]) -> None:
    from cli.shown import cell, counted

    seen = counted(sum(showing.visible for showing in found), "published file shows", "published files show")
    console.print(cell(f"{name}: {seen} this student."), style="bold", soft_wrap=True)
    for showing in found:
        file = showing.file
        where = ", ".join(filter(None, (file.destination, file.address, file.manager))) or "no destination recorded"
        console.print(cell(f"  {file.file_id}  {file.name or '(name not recorded)'}"), soft_wrap=True)
        console.print(cell(f"      {file.published_on}, {file.purpose or 'no purpose'}, {where}"), soft_wrap=True)
        for line in _states(showing):
            console.print(cell(f"      {line}"), soft_wrap=True)


def _states(showing: Showing) -> list[str]:
    from consent.reasons import Reason

    file = showing.file
    lines = [f"consent: {_consent(one)}" for one in showing.relied]
    if not showing.visible:
        lines.append(f"covered: {Reason(showing.reason).words}")
    if file.taken_down_on is not None:
        lines.append(f"taken down on {file.taken_down_on}")
    elif file.newest != file.photo_id:
        lines.append("there is a newer version; this file may still be where it was put")
    return lines

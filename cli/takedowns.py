"""What the commands that list published photos share: the list on the screen, as CSV, and as a page to print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.options import A_PATH

if TYPE_CHECKING:
    from rich.console import Console

    from consent.takedown import Listed

_Command = TypeVar("_Command", bound=Callable[..., Any])

list_option = click.option("--list", "list_file", type=A_PATH, help="Also write the list to this CSV file.")
page_option = click.option(
    "--page", "page_file", type=A_PATH,
    help="Also write the list as a page to print (.html): a sheet for each manager, with boxes to tick.",
)  # fmt: skip
yes_option = click.option(
    "--yes", is_flag=True,
    help="Do not ask whether a number is meant that differs in zeros in front alone, or that nobody has.",
)  # fmt: skip


def day_option(meaning: str) -> Callable[[_Command], _Command]:
    """Make the option --on."""
    return click.option(
        "--on", metavar="YYYY-MM-DD", help=meaning, type=click.DateTime(["%Y-%m-%d"]),
        callback=lambda context, parameter, value: value.date() if isinstance(value, datetime) else date.today(),
    )  # fmt: skip


def check_new(path: Path | None, option: str) -> None:
    """Make sure, before anything is done, that a list can be written."""
    if path is None:
        return
    if path.exists():
        raise click.UsageError(f"{option}: {path} exists already. Delete it or choose another name.")
    if not path.resolve().parent.is_dir():
        raise click.UsageError(f"{option}: there is no folder {path.resolve().parent}.")


def write_new(path: Path, text: str, *, spreadsheet: bool = False) -> None:
    """Write a list that only the operator may read; a spreadsheet knows UTF-8 by its mark."""
    from imgguard.output import OutputFolder

    content = text.encode("utf-8-sig" if spreadsheet else "utf-8", errors="replace")
    folder = path.resolve().parent
    OutputFolder(folder, overwrite=False, private=True).publish(content, folder / path.name)
    click.echo(f"Wrote {path}.", err=True)


def write_lists(rows: Sequence[Listed], on: date, list_file: Path | None, page_file: Path | None) -> None:
    """Write the take-down list where it was asked for."""
    from consent.takedown import take_down_csv, take_down_page

    if list_file is not None:
        write_new(list_file, take_down_csv(rows), spreadsheet=True)
    if page_file is not None:
        write_new(page_file, take_down_page(rows, on))


def show_list(console: Console, rows: Sequence[Listed]) -> None:
    """Show the take-down list, by destination."""
    from cli.shown import cell
    from consent.takedown import UNTOLD

    place = None
    for row in rows:
        file = row.file
        here = file.destination, file.address, file.manager
        if here != place:
            place = here
            more = ", ".join(filter(None, (file.address, f"manager {file.manager}" if file.manager else "")))
            told = f"{file.destination or UNTOLD}{f': {more}' if more else ''}"
            console.print(cell(told), style="bold", soft_wrap=True)
        name = file.name or "(name not recorded)"
        console.print(cell(f"  {file.file_id}  {name}  {file.published_on}  {file.purpose or ''}"), soft_wrap=True)
        console.print(cell(f"      shows {row.students}: {row.why}; {row.to_do}"), soft_wrap=True)

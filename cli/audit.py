"""`imgguard audit`: check the audit trail, and keep its head where the school file's keeper cannot reach it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, school_option

if TYPE_CHECKING:
    from consent.trail import TrailCheck


@click.group()
def audit() -> None:
    """Check the record of what was done: append-only, each entry chained to the one before; numbers and no names."""


@audit.command()
@click.option("--head", "pinned", metavar="DIGEST", help="A head that was kept elsewhere; its first 32 digits will do.")
@click.option("--exported", type=A_PATH, help="Check a trail that was exported, without the school file.")
@school_option
def verify(pinned: str | None, exported: Path | None, school: Path | None) -> int:
    """Find whatever was edited, removed, moved or inserted in the trail, or changed in the record that it tells of.

    Somebody who can write the file can also cut the end of the trail off, or write all of it anew. That is found with
    a head that was kept elsewhere, on paper or in a letter (see: imgguard audit head), and only with that.
    """
    from cli.schools import opened
    from consent.trail import check_school, check_trail, checked_pin, read_trail

    pin = None if pinned is None else checked_pin(pinned)
    if exported is not None:
        return _show(check_trail(read_trail(exported), pin), pin)
    with opened(school) as store:
        return _show(check_school(store, pin), pin)


@audit.command()
@school_option
def head(school: Path | None) -> int:
    """Print the digest that stands for the whole trail as it is now, to be kept elsewhere."""
    from cli.schools import opened
    from consent.audit import head as newest
    from consent.errors import RecordError

    with opened(school) as store:
        entry = newest(store)
        if entry is None:
            raise RecordError(f"{store.path}: the audit trail is empty", "It begins with the first thing that is done.")
    click.echo(entry.digest)
    click.echo(
        f"The head of {entry.seq} entries, the newest of {entry.at}. Keep it where the school file is not.", err=True
    )
    return EXIT_OK


@audit.command()
@click.option("-o", "--out", required=True, type=A_PATH, help="The file to write; one that is there is not replaced.")
@school_option
def export(out: Path, school: Path | None) -> int:
    """Write every entry as a line of JSON, which `imgguard audit verify --exported` checks without the school file."""
    from cli.school_file import save
    from cli.schools import opened
    from cli.shown import counted, printable
    from consent.audit import entries
    from consent.trail import export_trail

    with opened(school) as store:
        trail = entries(store)
    save(export_trail(trail), out)
    head_is = f" The head is {trail[-1].digest}" if trail else ""
    click.echo(printable(f"{counted(len(trail), 'entry', 'entries')} in {out}.{head_is}"))
    return EXIT_OK


def _show(found: TrailCheck, pin: str | None) -> int:
    from rich.console import Console

    from cli.shown import cell, counted

    console = Console()
    size = counted(found.entries, "entry", "entries")
    told = f"The audit trail is whole: {size}." if found.ok else f"The audit trail is NOT whole ({size}):"
    console.print(told, style="bold")
    for fault in found.faults:
        console.print(cell(f"  {fault}"), soft_wrap=True)
    for remark in found.remarks:
        console.print(cell(f"Note: {remark}."), soft_wrap=True)
    if found.pinned_at is not None:
        console.print(
            f"The head that you gave is entry {found.pinned_at}: nothing up to there was cut or written anew."
        )
    elif pin is None:
        console.print("Not checked against a head kept elsewhere (--head): a trail written anew is not found.")
    console.print(f"Head: {found.head}" if found.head else "It is empty.", soft_wrap=True)
    return EXIT_OK if found.ok else EXIT_INCOMPLETE

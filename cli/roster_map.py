"""`imgguard roster map`: tell once what the columns of an export mean, for next year's export too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.interview import interview
from cli.options import A_PATH, school_option
from cli.reading import how_to_read, own_mappings, school_of
from cli.shown import cell, list_findings
from consent.meanings import MOST_VALUES, values_of

if TYPE_CHECKING:
    from rich.console import Console

    from consent.layout import Layout, Meaning, Question
    from consent.mapping import Declared
    from consent.roster import Table


@click.command("map")
@click.argument("file", metavar="ROSTER", type=A_PATH)
@how_to_read
@school_option
@click.option("--name", help="What to call the mapping; the file's name if not given.")
@click.option("-o", "--out", type=A_PATH, help="Write the mapping to this file, for --mapping.")
@click.option("--save", is_flag=True, help="Keep the mapping in the school file, where the next export finds it.")
def map_(file: Path, declared: Declared, school: Path | None, name: str | None, out: Path | None, save: bool) -> int:
    """Tell what the columns of an export mean, and keep it as a mapping that next year's export is recognised by.

    Without --column and --asks it asks column by column. Shows each value of each answer and what it will mean; a value
    that nobody gave a meaning is no.
    """
    from rich.console import Console

    from consent.layout import written_layout
    from consent.mapping import applied, saved_mapping
    from consent.roster import read_roster

    console = Console()
    table = _table(file, declared, school)
    layout = table.fit.layout
    if not (declared.columns or declared.asks or declared.values):
        layout, declared = interview(console, table, declared)
    mapping = saved_mapping(name or file.stem, applied(layout, declared), table.header)
    _show(console, table, mapping)
    roster = read_roster(file, replace(declared, mapping=mapping, columns={}, asks={}, values={}, permissions=None))
    list_findings(console, roster.findings)
    for told in mapping.declared:
        console.print(cell(f"Declared: {told}"), soft_wrap=True)
    _keep(console, mapping.name, written_layout(mapping), school, out, save=save)
    return EXIT_INCOMPLETE if roster.findings else EXIT_OK


def _table(file: Path, declared: Declared, school: Path | None) -> Table:
    """Find the table; one of no known layout is taken as it is."""
    from consent.errors import RosterError
    from consent.roster import find_table, unknown_table

    try:
        return find_table(file, declared, mappings=own_mappings(school))
    except RosterError:
        if declared.layout or declared.mapping or declared.columns:
            raise
        return unknown_table(file, declared.sheet)


def _keep(console: Console, name: str, text: str, school: Path | None, out: Path | None, *, save: bool) -> None:
    from consent.imports import save_mapping
    from consent.store import Store
    from imgguard.output import OutputFolder

    if out is not None:
        folder = out.resolve().parent
        OutputFolder(folder, overwrite=False).publish(text.encode("utf-8", "replace"), folder / out.name)
        console.print(cell(f"Wrote {out}."), soft_wrap=True)
    if save:
        with Store(school_of(school)) as store:
            save_mapping(store, name, text)
            console.print(cell(f"Kept as {name!r} in {store.path}."), soft_wrap=True)
    if out is None and not save:
        console.print("Nothing was kept: use -o FILE or --save.")


def _show(console: Console, table: Table, mapping: Layout) -> None:
    """Show for each column what it is, and for each of its values what it will mean."""
    for field, headings in mapping.fields.items():
        console.print(cell(f"{field}: {', '.join(headings)}"), soft_wrap=True)
    for question in mapping.questions:
        targets = ", ".join(question.targets) or "nothing yet"
        console.print(cell(f"{question.column}: asks about {targets}"), style="bold")
        heading = mapping.answer or question.column
        known = question.values or mapping.values
        values = values_of(table, heading)
        for value, count in values.most_common(MOST_VALUES):
            console.print(cell(f"  {value or '(blank)':<40} {count:>6}  {_meaning(value, known, question)}"))
        if len(values) > MOST_VALUES:
            console.print(f"  ... and {len(values) - MOST_VALUES} more values; those that nobody gave a meaning are no")


def _meaning(value: str, known: Mapping[str, Meaning], question: Question) -> str:
    from consent.meanings import meaning_of
    from consent.model import Answer

    meant = meaning_of(value, known, question)
    if meant is None:
        return "nothing yet: say with --asks what it is for"
    if isinstance(meant, Answer):
        return {Answer.BLANK: "no (blank)", Answer.UNKNOWN: "no (not known)"}.get(meant, meant.value)
    return "yes to " + ", ".join(meant)

"""`imgguard stats`: how often each student was published, and how near that is to what the procedure allows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, PURPOSES, school_option
from cli.school_file import json_option, with_names_option

if TYPE_CHECKING:
    from rich.console import Console

    from consent.counting import Count, Month
    from consent.store import Store


@click.command()
@click.option("--purpose", type=PURPOSES, help="Only what was published for it.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Only from that day (UTC) on.")
@click.option("--group", "groups", multiple=True, help="Only people of this group, such as 'Grade 4'; several times.")
@click.option("-o", "--out", type=A_PATH, help="Also write the counts to this CSV file; one that is there is kept.")
@json_option
@with_names_option
@school_option
def stats(
    purpose: str | None,
    since: datetime | None,
    groups: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    with_names: bool,
    school: Path | None,
) -> int:
    """Count on how many photos each student was published, and tell who has used up a limit of the school's procedure.

    Several versions of one photo count once. Limits are counted over their own days, whatever --since says. Exit code 3
    where somebody is over a limit.
    """
    from rich.console import Console

    from cli.school_file import save
    from cli.schools import opened
    from cli.shown import printable
    from consent.counting import counts, months
    from consent.model import Purpose
    from consent.run_facts import names_of
    from consent.school_policy import policy_of

    asked = Purpose(purpose) if purpose else None
    begin = since.date() if since else None
    with opened(school) as store:
        policy = policy_of(store)
        people = _people(store, groups)
        found = counts(store, date.today(), policy, purpose=asked, since=begin, people=people)
        by_month = months(store, purpose=asked, since=begin)
        names = names_of(store) if with_names else None
    if out is not None:
        save("\ufeff" + _csv(found, names), out)
        click.echo(printable(f"Counts of {len(found)} people: {out}"), err=True)
    if as_json:
        click.echo(_json(found, by_month, policy.name, names), nl=False)
    else:
        _show(Console(), found, by_month, policy.title, names)
    return EXIT_INCOMPLETE if any(use.exceeded for count in found for use in count.reached) else EXIT_OK


def _people(store: Store, groups: tuple[str, ...]) -> frozenset[str] | None:
    from consent.errors import RosterError
    from consent.groups import people_of
    from consent.people import stored_roster

    if not groups:
        return None
    roster = stored_roster(store)
    if roster is None:
        raise RosterError(f"{store.path}: has no roster, so no groups", "Import one: imgguard roster import.")
    return frozenset(people_of(roster, groups))


def _csv(found: Sequence[Count], names: Mapping[str, str] | None) -> str:
    from consent.tables import write_table

    header = ["student", *(["name"] if names is not None else []), "group", "photos", "first", "last", "limits"]
    rows = [
        [
            count.subject_id, *([names.get(count.subject_id, "")] if names is not None else []), count.group,
            count.photos, count.first_on, count.last_on, "; ".join(map(str, count.reached)),
        ]
        for count in found
    ]  # fmt: skip
    return write_table(header, rows)


def _json(found: Sequence[Count], by_month: Sequence[Month], policy: str, names: Mapping[str, str] | None) -> str:
    people = [
        {**asdict(count), **({"name": names.get(count.subject_id)} if names is not None else {})} for count in found
    ]
    told = {"policy": policy, "people": people, "months": [asdict(month) for month in by_month]}
    return json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"


def _show(
    console: Console, found: Sequence[Count], by_month: Sequence[Month], policy: str, names: Mapping[str, str] | None
) -> None:
    from rich.table import Table

    from cli.shown import cell, counted

    if not by_month:
        console.print("Nothing of this was published.")
        return
    reached = sum(bool(count.reached) for count in found)
    console.print(f"{counted(len(found), 'person was', 'people were')} published.", style="bold")
    header = ["Student", *(["Name"] if names is not None else []), "Group", "Photos", "First", "Last"]
    people = Table(*header, box=None)
    for count in found:
        name = [cell(names.get(count.subject_id, ""))] if names is not None else []
        days = (str(count.first_on), str(count.last_on))
        people.add_row(cell(count.subject_id), *name, cell(count.group), str(count.photos), *days)
    console.print(people)
    console.print(
        cell(f"\nProcedure: {policy}. Limits used up by {counted(reached, 'person', 'people')}."), soft_wrap=True
    )
    for count in found:
        for use in count.reached:
            console.print(cell(f"  {count.subject_id} is {use}"), soft_wrap=True)
    console.print()
    table = Table("Month", "Purpose", "Photos", "People shown", box=None)
    for month in by_month:
        table.add_row(month.month, month.purpose or "(everybody covered)", str(month.photos), str(month.people))
    console.print(table)

"""`imgguard destination`: where the school publishes, and who answers for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_OK
from cli.options import PURPOSES, school_option

if TYPE_CHECKING:
    from consent.destinations import Destination

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def destination() -> None:
    """Register the accounts and addresses where photos are published."""


@destination.command()
@click.argument("name")
@click.option("--purpose", required=True, type=PURPOSES, help="What is published there.")
@click.option("--address", required=True, help="The address of the site, or the name of the account.")
@click.option("--manager", required=True, help="Who answers for what is published there.")
@click.option("--second-administrator", default="", help="Who else has access.")
@click.option("--approved-by", required=True, help="Who approved it.")
@click.option("--approved-on", type=_DAY, help="When it was approved, such as 2026-09-08; today if not given.")
@school_option
def add(
    name: str,
    purpose: str,
    address: str,
    manager: str,
    second_administrator: str,
    approved_by: str,
    approved_on: datetime | None,
    school: Path | None,
) -> int:
    """Register a destination; `imgguard clean --to NAME` then publishes there, for its purpose."""
    from cli.shown import printable
    from consent.destinations import Destination, register
    from consent.model import Purpose
    from consent.store import Store
    from imgguard.guard import default_school

    today = date.today()
    told = Destination(
        name=name.strip(),
        purpose=Purpose(purpose),
        address=address.strip(),
        manager=manager.strip(),
        second_administrator=second_administrator.strip(),
        approved_by=approved_by.strip(),
        approved_on=approved_on.date() if approved_on else today,
    )
    with Store(school or default_school()) as store:
        register(store, told, today)
    click.echo(printable(f"Registered {told.name!r} for {purpose}. Publish there: imgguard clean --to {told.name!r}"))
    return EXIT_OK


@destination.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON, for scripts.")
@school_option
def list_all(as_json: bool, school: Path | None) -> int:
    """List the destinations, closed ones included."""
    from rich.console import Console
    from rich.table import Column, Table

    from cli.shown import cell
    from consent.destinations import all_destinations
    from consent.store import Store
    from imgguard.guard import default_school

    path = school or default_school()
    found: tuple[Destination, ...] = ()
    if path.is_file():
        with Store(path) as store:
            found = all_destinations(store)
    if as_json:
        click.echo(json.dumps([_facts(one) for one in found], indent=2, ensure_ascii=False))
        return EXIT_OK
    whole = (Column(name, overflow="fold") for name in ("Name", "Purpose", "Address", "Managed by", "Approved"))
    table = Table(*whole, show_lines=True)
    for one in found:
        managers = "\n".join(filter(None, (one.manager, one.second_administrator)))
        closed = f"\nclosed {one.closed_on}" if one.closed_on else ""
        told = (one.name, one.purpose.value, one.address, managers, f"{one.approved_by}\n{one.approved_on}{closed}")
        table.add_row(*map(cell, told))
    Console().print(table if found else "None is registered: see imgguard destination add --help.")
    return EXIT_OK


def _facts(one: Destination) -> dict[str, str | None]:
    told = asdict(one).items()
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in told}


@destination.command()
@click.argument("name")
@school_option
def close(name: str, school: Path | None) -> int:
    """Close a destination: nothing is published there any more; what was published there stays known."""
    from cli.shown import printable
    from consent import destinations
    from consent.store import Store
    from imgguard.guard import default_school

    with Store(school or default_school()) as store:
        closed = destinations.close(store, name, date.today())
    click.echo(printable(f"Closed {closed.name!r}. Its manager is {closed.manager}."))
    return EXIT_OK

"""`imgguard policy`: the division's procedures, clause by clause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_OK
from cli.options import A_PATH, PURPOSES, ROSTER_HELP, school_option, under_which_procedure

if TYPE_CHECKING:
    from rich.console import Console

    from consent.checklist import Line
    from consent.policy import Decision
    from consent.procedures import Policy, Rule
    from imgguard.publication import Publication

_ASPECTS = {"photo": "photo", "work": "work", "first-name": "first_name", "full-name": "full_name"}


@click.group()
def policy() -> None:
    """Look at the procedures that imgguard can keep, choose one, and have decisions explained."""


@policy.command("list")
@school_option
def list_all(school: Path | None) -> int:
    """List the procedures; the school's own has a star."""
    from rich.console import Console
    from rich.table import Column, Table

    from cli.shown import cell
    from consent.policy_files import policy_names, read_policy

    own, _ = _setting(school)
    table = Table("", Column("Name", no_wrap=True), "Procedure", "Version", "Review by", box=None)
    for name in policy_names():
        told = read_policy(name).policy
        cells = ("*" if name == own else "", name, told.title, told.version, told.review_by or "")
        table.add_row(*map(cell, cells))
    Console().print(table)
    return EXIT_OK


@policy.command()
@click.argument("name", required=False)
@school_option
def show(name: str | None, school: Path | None) -> int:
    """Show every rule of a procedure with its clause, and what the tool does not do. The school's own if none is named.

    Each rule says whether it asks for something (and what), or is kept by what always holds (and where).
    """
    from rich.console import Console
    from rich.table import Table

    from cli.shown import cell, list_findings
    from consent.policy_files import overdue, read_policy

    own, switched = _setting(school)
    file = read_policy(name or own)
    told, console = file.policy, Console()
    force = {rule.id for rule in file.in_force(switched if told.name == own else {}).rules}
    console.print(cell(f"{told.name}: {told.title}, {told.version}"), style="bold", soft_wrap=True)
    console.print(cell(f"From: {file.source}"), soft_wrap=True)
    table = Table("Clause", "What it asks for", "Rule, and how it is kept", show_lines=True)
    for rule in told.rules:
        table.add_row(cell(rule.clause), cell(_what(rule)), cell(f"{_switch(rule, force)}\n{_how(rule)}"))
    for left in file.not_done:
        table.add_row(cell(left.clause), cell(left.says), cell("not done by the tool"))
    console.print(table)
    list_findings(console, overdue(told, date.today()))
    return EXIT_OK


def _what(rule: Rule) -> str:
    from consent.checklist import purposes_told

    return f"{rule.says}\nFor: {purposes_told(rule)}"


def _switch(rule: Rule, force: set[str]) -> str:
    if not rule.optional:
        return rule.id
    return f"{rule.id} ({'on' if rule.id in force else 'off'}; can be switched)"


def _how(rule: Rule) -> str:
    from consent.checklist import change_for

    if rule.condition is not None:
        return f"covers, unless: {change_for(rule)}"
    if rule.warning is not None:
        return "told after a run, covers nobody"
    if rule.batch is not None:
        return f"more than {rule.batch} photos in a run need --confirm-batch"
    return f"always holds: {', '.join(rule.held_by)}"


@policy.command("set")
@click.argument("name")
@click.option("--with", "on", multiple=True, metavar="RULE", help="Switch an optional rule on; several times.")
@click.option("--without", "off", multiple=True, metavar="RULE", help="Switch an optional rule off; several times.")
@school_option
def set_own(name: str, on: tuple[str, ...], off: tuple[str, ...], school: Path | None) -> int:
    """Make a procedure the school's own, which every run then keeps; rules not named are as the procedure has them."""
    from consent.school_policy import set_policy
    from consent.store import Store
    from imgguard.guard import default_school

    both = set(on) & set(off)
    if both:
        raise click.UsageError(f"{', '.join(sorted(both))} cannot be switched on and off at once.")
    with Store(school or default_school()) as store:
        made = set_policy(store, name, {**dict.fromkeys(on, True), **dict.fromkeys(off, False)})
    switchable = [rule.id for rule in made.rules if rule.optional]
    also = f", with {', '.join(switchable)}" if switchable else ""
    click.echo(f"The school's procedure is {made.name} ({made.version}){also}.")
    return EXIT_OK


@policy.command()
@click.argument("student")
@click.option("--roster", type=A_PATH, help=f"{ROSTER_HELP} If not given, the one in the school file.")
@click.option("--purpose", type=PURPOSES, help="What a photo would be published for.")
@click.option(
    "--aspect", type=click.Choice(list(_ASPECTS)), default="photo", show_default=True, help="What would be published."
)
@under_which_procedure
@school_option
def explain(
    student: str, roster: Path | None, purpose: str | None, aspect: str, publication: Publication, school: Path | None
) -> int:
    """Explain what would be decided about a student (or member of staff) by number, and what would have to change.

    Shows every condition with its clause. Whether a face is theirs is another question: see imgguard inspect.
    """
    from rich.console import Console

    from consent.checklist import case_of, checklist
    from consent.model import Aspect, Purpose
    from consent.numbers import NumberIndex
    from consent.policy import decide
    from imgguard.errors import SetupError
    from imgguard.guard import default_school
    from imgguard.publication import under_policy
    from imgguard.who import roster_of

    path, today = school or default_school(), date.today()
    under = under_policy(publication, Purpose(purpose) if purpose else None, path, today, explained=True)
    if under.purpose is None:
        raise click.UsageError("Missing --purpose (or --to).")
    people = roster_of(path, roster).subjects
    known_as = NumberIndex(people).find(student)
    if known_as is None:
        raise SetupError(f"Nobody has the number {student}", "See who there is: imgguard roster show.")
    student, person = known_as.number, people[known_as.number]
    what = Aspect(_ASPECTS[aspect])
    shown = len(under.published.get(student, ()))
    known = replace(under.circumstances, published=shown if under.policy.limit_days(under.purpose) else None)
    told = decide(person, under.purpose, today, aspect=what, policy=under.policy, circumstances=known)
    lines = checklist(case_of(person, under.purpose, today, what, known), under.policy)
    console = Console()
    _show(console, f"{student} {person.name}, {what.value}, for {under.purpose.value}", under.policy, told, lines)
    return EXIT_OK


def _show(console: Console, whose: str, policy: Policy, told: Decision, lines: tuple[Line, ...]) -> None:
    from rich.table import Table

    from cli.shown import cell

    console.print(cell(f"{whose}, under {policy.name}"), style="bold", soft_wrap=True)
    clause = f" ({told.clause})" if told.clause else ""
    console.print(cell(f"{told.verdict.value}: {told.reason.words}{clause}"), style="bold", soft_wrap=True)
    for consent in told.relied:
        form = f"form {consent.form_id}, " if consent.form_id else ""
        signed = f"signed by {consent.signed_by} ({consent.signer_role.value}) on {consent.signed_on}"
        console.print(cell(f"  {form}{signed}, until {consent.valid_until}"), soft_wrap=True)
    table = Table("", "What has to hold", "Clause", "What would have to change", show_lines=True)
    for line in lines:
        what = line.what if line.holds else f"{line.what}\nbut: {line.why}"
        table.add_row("yes" if line.holds else "NO", cell(what), cell(line.clause), cell(line.change))
    console.print(table)


def _setting(school: Path | None) -> tuple[str, dict[str, bool]]:
    from consent.procedures import STRICT
    from consent.school_policy import policy_setting
    from consent.store import Store
    from imgguard.guard import default_school

    path = school or default_school()
    if not path.is_file():
        return STRICT.name, {}
    with Store(path) as store:
        name, switched = policy_setting(store)
    return name, dict(switched)

"""`imgguard caption`: the names that may be printed below a photo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_OK
from cli.options import A_PATH, Known, how_to_search, school_option, who_may_be_seen
from consent.reasons import Reason

if TYPE_CHECKING:
    from rich.console import Console

    from imgguard.caption_names import CaptionName

# The photo may be shown, so it must not sound as if it had been refused.
_OF_NAMES = {
    Reason.REFUSED: "the form allows no more",
    Reason.BLANK: "the form does not say more",
}


@click.command()
@click.argument("photo", metavar="PHOTO", type=A_PATH)
@who_may_be_seen
@how_to_search
@click.option("--json", "as_json", is_flag=True, help="Print the names as JSON, for scripts.")
@school_option
def caption(photo: Path, known: Known, search: str, as_json: bool, school: Path | None) -> int:
    """Give the names that may be printed below a photo, from left to right.

    Only of people who would be seen, and only as far as their form and the procedure allow: the full name, the first
    name alone, or none. Give the original photo; changes nothing.
    """
    if not known.is_told:
        raise click.UsageError("Missing --purpose (or --to).")
    from rich.console import Console

    from cli.shown import show_findings
    from imgguard.caption_names import caption_for
    from imgguard.guard import Guard
    from imgguard.inspection import inspect_photo

    guard = Guard(**known.for_guard, search=search, school=school)
    names = caption_for(inspect_photo(photo, guard).faces, guard.rules)
    if as_json:
        click.echo(json.dumps([_facts(one) for one in names], indent=2, ensure_ascii=False))
        return EXIT_OK
    show_findings(Console(stderr=True), guard.findings)
    _show(Console(), names)
    return EXIT_OK


def _show(console: Console, names: tuple[CaptionName, ...]) -> None:
    from rich.table import Table

    from cli.shown import cell

    printed = ", ".join(one.text for one in names if one.text)
    console.print(cell(f"Left to right: {printed}" if printed else "No name may be printed."), soft_wrap=True)
    table = Table("", "Number", "May be printed", "Why no more", box=None)
    for place, one in enumerate(names, 1):
        clause = f" ({one.decision.clause})" if one.decision.clause else ""
        reason = one.decision.reason
        why = "" if one.printed == "full" else f"{_OF_NAMES.get(reason, reason.words)}{clause}"
        table.add_row(str(place), *map(cell, (one.subject_id, f"{one.printed.value}: {one.text or '-'}", why)))
    if names:
        console.print(table)


def _facts(one: CaptionName) -> dict[str, str]:
    return {
        "subject_id": one.subject_id,
        "printed": one.printed.value,
        "text": one.text,
        "reason": one.decision.reason.value,
        "clause": one.decision.clause,
    }

"""`imgguard history`: what became of one photo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, school_option
from cli.school_file import json_option, with_names_option

if TYPE_CHECKING:
    from rich.console import Console

    from consent.histories import History, Published, Shown

_DIGITS = 64


@click.command()
@click.argument("photo", metavar="PHOTO", type=A_PATH)
@json_option
@with_names_option
@school_option
def history(photo: Path, as_json: bool, with_names: bool, school: Path | None) -> int:
    """Tell when and where a photo was published, who is to be seen on it, on which consents, and what replaced it.

    PHOTO is an original, a published file, or the SHA-256 of one of them. A photo is known by its bytes: a copy that
    was resized, saved again or taken from a website is not found.
    """
    from rich.console import Console

    from cli.schools import opened
    from consent.histories import history_of
    from consent.run_facts import names_of

    digest = _digest(photo)
    with opened(school) as store:
        found = history_of(store, digest)
        names = names_of(store) if with_names else {}
    if as_json:
        click.echo(json.dumps(_json(found, names if with_names else None), indent=2, ensure_ascii=False, default=str))
    else:
        _show(Console(), found, names)
    return EXIT_OK if found.known else EXIT_INCOMPLETE


def _digest(photo: Path) -> str:
    import hashlib

    from imgguard.photo import read_content

    text = str(photo).lower()
    if not photo.exists() and len(text) == _DIGITS and set(text) <= set("0123456789abcdef"):
        return text
    return hashlib.sha256(read_content(photo)).hexdigest()


def _json(found: History, names: Mapping[str, str] | None) -> dict[str, object]:
    told = asdict(found)
    if names is not None:
        for published in told["published"]:
            for person in published["shown"]:
                person["name"] = names.get(person["subject_id"] or "")
    return {"known": found.known, **told}


def _show(console: Console, found: History, names: Mapping[str, str]) -> None:
    from cli.shown import cell, counted

    if not found.known:
        console.print(
            "Nothing is recorded of this file. A photo is known by its bytes: a copy that was resized, saved again or "
            "taken from a website is not found. Try the original."
        )
        return
    if found.published:
        console.print(f"Published {counted(len(found.published), 'time', 'times')}.", style="bold")
    for published in found.published:
        _show_published(console, found.sha256, published, names)
    for refusal in found.refused:
        why = refusal.refusal.replace("_", " ")
        console.print(cell(f"Refused in run {refusal.run_id}, {refusal.recorded_at}: {why}"), soft_wrap=True)


def _show_published(console: Console, asked: str, published: Published, names: Mapping[str, str]) -> None:
    from rich.table import Table

    from cli.shown import cell

    file = published.file
    this = " (this file)" if file.output_sha256 == asked else ""
    console.print()
    console.print(cell(f"No. {file.photo_id}, run {file.run_id}: {file.name or 'name not recorded'}{this}"))
    told = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    told.add_row("When", cell(published.recorded_at))
    told.add_row("What for", file.purpose.value if file.purpose else "no purpose: everybody was covered")
    told.add_row("Where", cell(", ".join(filter(None, (file.destination, file.address))) or "no destination told"))
    if file.manager:
        told.add_row("Managed by", cell(file.manager))
    told.add_row("Procedure", cell(published.policy))
    told.add_row("Replaced", f"by no. {file.newest}" if file.newest != file.photo_id else "no")
    if file.taken_down_on:
        told.add_row("Taken down", str(file.taken_down_on))
    told.add_row("Faces", f"{len(published.shown)} kept, {published.covered} covered")
    if published.overrides:
        told.add_row("By hand", _by_hand(published))
    console.print(told)
    for person in published.shown:
        for line in _lines(person, names):
            console.print(cell(f"    {line}"), soft_wrap=True)


_SAID = {"cover": "covered", "nobody": "found to be no face", "person": "named"}


def _by_hand(published: Published) -> str:
    said = (f"{count} {_SAID[kind]}" for kind, count in published.overrides.items())
    return ", ".join(said)


def _lines(person: Shown, names: Mapping[str, str]) -> list[str]:
    who = person.subject_id or "somebody who was forgotten since"
    name = names.get(person.subject_id or "", "")
    clause = f" ({person.clause})" if person.clause else ""
    on = [
        f"  form {one.form_id or 'without number'}, signed {one.signed_on}, valid until {one.valid_until}, "
        f"row {one.source_row} of roster {one.source_sha256[:12]}"
        for one in person.relied
    ]
    return [f"{who} {name}".strip() + f", to be seen{clause}", *(on or ["  no consent is recorded"])]

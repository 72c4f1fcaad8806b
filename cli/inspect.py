"""`imgguard inspect`: what is in a photo, who would be seen, and what would be removed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, who_may_be_seen

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from imgguard.guard import Guard
    from imgguard.inspection import Inspection
    from imgguard.types import FaceResult


@click.command()
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, type=A_PATH)
@who_may_be_seen
@click.option("--draw", type=A_PATH, help="Write the photo with boxes and reasons to this .png file (one photo only).")
def inspect(
    photos: tuple[Path, ...], roster: Path | None, id_photos: Path | None, purpose: str | None, draw: Path | None
) -> int:
    """Show a photo's faces, what would be decided about each, and what the file tells.

    With a roster, ID photos and a purpose, says who each face is taken for and why; without them, only where faces
    are. Changes nothing.
    """
    needed = (roster, id_photos, purpose)
    if any(value is not None for value in needed) and None in needed:
        raise click.UsageError("--roster, --id-photos and --purpose go together.")
    if draw is not None and (len(photos) != 1 or draw.suffix.lower() != ".png"):
        raise click.UsageError("--draw takes one photo and writes one .png file.")
    from rich.console import Console

    from cli.shown import show_findings
    from imgguard.errors import PhotoError
    from imgguard.guard import Guard
    from imgguard.inspection import draw_inspection, inspect_photo

    console = Console()
    guard = Guard(roster=roster, id_photos=id_photos, purpose=purpose, recognition=roster is not None)
    show_findings(console, guard.findings)
    failed = False
    for path in photos:
        try:
            found = inspect_photo(path, guard)
        except PhotoError as error:
            failed = True
            click.echo(str(error), err=True)
            continue
        _show(console, found, guard)
        if draw is not None:
            draw_inspection(found, draw)
            click.echo(f"Wrote {draw}. It shows uncovered faces: do not publish it.", err=True)
    return EXIT_INCOMPLETE if failed else EXIT_OK


def _show(console: Console, found: Inspection, guard: Guard) -> None:
    from rich.table import Table

    from cli.shown import cell

    photo = found.photo
    console.print(cell(f"{photo.path}: {photo.format.value}, {photo.size[0]} x {photo.size[1]}"), style="bold")
    console.print(_faces(found, guard) if found.faces else "No face found.")
    told = Table("Place", "What", "Says")
    for item in found.metadata:
        told.add_row(cell(item.place), cell(item.name), cell(item.value))
    console.print(told if found.metadata else "The file tells nothing but its picture.")


def _faces(found: Inspection, guard: Guard) -> Table:
    """List the faces; who they are and what is decided only where there is a roster to ask."""
    from rich.table import Table

    from cli.shown import cell

    table = Table("Face", "Where", "Size")
    asked = guard.rules.gallery is not None
    if asked:
        for heading in ("Decision, and why", "Most like, and next"):
            table.add_column(heading, ratio=1, overflow="fold")
    for number, face in enumerate(found.faces, 1):
        box = face.detection.box
        row = [cell(number), cell(f"{box.x1:.0f}, {box.y1:.0f}"), cell(f"{box.side:.0f} px")]
        if asked:
            row += [cell(f"{face.decision.verdict.value}: {_why(face)}"), cell(_candidates(face, guard))]
        table.add_row(*row)
    return table


def _candidates(face: FaceResult, guard: Guard) -> str:
    lines = []
    for candidate in face.candidates[:2]:
        person = guard.rules.subjects.get(candidate.subject_id)
        lines.append(f"{candidate.score:.2f} {candidate.subject_id} {person.name if person else ''}")
    needed = f"{face.threshold:.2f} needed" if face.threshold is not None and lines else ""
    return "\n".join(filter(None, [*lines, needed]))


def _why(face: FaceResult) -> str:
    fault = face.quality.fault if face.quality else None
    return fault or face.decision.reason.words

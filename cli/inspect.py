"""`imgguard inspect`: what is in a photo, who would be seen, and what would be removed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.options import A_PATH, who_may_be_seen

if TYPE_CHECKING:
    from rich.console import Console

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
    return 3 if failed else 0


def _show(console: Console, found: Inspection, guard: Guard) -> None:
    from rich.table import Table

    from cli.shown import cell

    photo = found.photo
    console.print(cell(f"{photo.path}: {photo.format.value}, {photo.size[0]} x {photo.size[1]}"), style="bold")
    faces = Table("Face", "Where", "Size", "First candidate", "Second", "Needed", "Decision", "Why")
    for number, face in enumerate(found.faces, 1):
        box = face.detection.box
        faces.add_row(
            str(number),
            f"{box.x1:.0f}, {box.y1:.0f}",
            f"{box.side:.0f} px",
            cell(_candidate(face, 0, guard)),
            cell(_candidate(face, 1, guard)),
            f"{face.threshold:.2f}" if face.threshold is not None else "",
            face.decision.verdict.value,
            cell(_why(face)),
        )
    console.print(faces if found.faces else "No face found.")
    told = Table("Place", "What", "Says")
    for item in found.metadata:
        told.add_row(cell(item.place), cell(item.name), cell(item.value))
    console.print(told if found.metadata else "The file tells nothing but its picture.")


def _candidate(face: FaceResult, rank: int, guard: Guard) -> str:
    if rank >= len(face.candidates):
        return ""
    candidate = face.candidates[rank]
    person = guard.rules.subjects.get(candidate.subject_id)
    return f"{candidate.subject_id} {person.name if person else ''} {candidate.score:.2f}"


def _why(face: FaceResult) -> str:
    fault = face.quality.fault if face.quality else None
    return fault or face.decision.reason.words

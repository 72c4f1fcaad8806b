"""`imgguard inspect`: what is in a photo, who would be seen, and what would be removed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, Known, how_to_search, school_option, who_may_be_seen

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from imgguard.guard import Guard
    from imgguard.inspection import Inspection
    from imgguard.types import FaceResult

_QUALITY = "sharp: 0 is flat. turn: 0 looks straight ahead, 0.5 and more is a profile."


@click.command()
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, type=A_PATH)
@who_may_be_seen
@how_to_search
@click.option("--draw", type=A_PATH, help="Write the photo with boxes and reasons to this .png file (one photo only).")
@school_option
def inspect(photos: tuple[Path, ...], known: Known, search: str, draw: Path | None, school: Path | None) -> int:
    """Show a photo's faces, what would be decided about each, and what the file tells.

    With a purpose, says who each face is taken for and why, by the roster and ID photos that are given or those of the
    school file; without one, only where faces are. Changes nothing.
    """
    if known.given and not known.is_told:
        raise click.UsageError(f"--purpose (or --to) is missing beside {', '.join(known.given)}.")
    if draw is not None and (len(photos) != 1 or draw.suffix.lower() != ".png"):
        raise click.UsageError("--draw takes one photo and writes one .png file.")
    from rich.console import Console

    from cli.shown import show_findings
    from imgguard.errors import PhotoError
    from imgguard.guard import Guard
    from imgguard.inspection import draw_inspection, inspect_photo

    console = Console()
    guard = Guard(**known.for_guard, search=search, recognition=known.is_told, school=school)
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
    from cli.shown import cell, show_told

    photo = found.photo
    console.print(cell(f"{photo.path}: {photo.format.value}, {photo.size[0]} x {photo.size[1]}"), style="bold")
    console.print(_faces(found, guard) if found.faces else "No face found.")
    if found.crop is not None and guard.rules.gallery is not None:
        told = f"A crop that keeps {found.crop * 100:.0f} % would leave out everybody who must be covered:"
        console.print(f"{told} imgguard clean --covered crop")
    show_told(console, found.metadata)
    if not found.metadata:
        console.print("The file tells nothing but its picture.")


def _faces(found: Inspection, guard: Guard) -> Table:
    """List the faces; who they are and what is decided only where there is a roster to ask."""
    from rich.table import Table

    from cli.shown import cell
    from imgguard.explain import explain

    asked = guard.rules.gallery is not None
    table = Table("Face", "Where", show_lines=asked, caption=_QUALITY if asked else None, caption_justify="left")
    if asked:
        for heading in ("Most like, and next", "Decision, and why"):
            table.add_column(heading, ratio=1, overflow="fold")
    for number, face in enumerate(found.faces, 1):
        row = [cell(number), cell("\n".join(_place(face)))]
        if asked:
            why = f"{face.decision.verdict.value}: {explain(face)}"
            row += [cell(_candidates(face, guard)), cell(why)]
        table.add_row(*row)
    return table


def _place(face: FaceResult) -> list[str]:
    box, quality = face.detection.box, face.quality
    place = [f"at {box.x1:.0f}, {box.y1:.0f}", f"{box.side:.0f} px"]
    return [*place, f"sharp {quality.sharpness:.0f}", f"turn {quality.turn:.2f}"] if quality else [", ".join(place)]


def _candidates(face: FaceResult, guard: Guard) -> str:
    lines = []
    for candidate in face.candidates[:2]:
        person = guard.rules.subjects.get(candidate.subject_id)
        lines.append(f"{candidate.score:.2f} {candidate.subject_id} {person.name if person else ''}")
    needed = f"{face.threshold:.2f} needed" if face.threshold is not None and lines else ""
    return "\n".join(filter(None, [*lines, needed]))

"""What several commands show on the screen, as rich tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from consent.findings import together

if TYPE_CHECKING:
    from consent.policy import Decision
    from consent.roster import Finding
    from imgguard.identify import Difficulty
    from imgguard.metadata import MetadataItem
    from imgguard.naming import Telling
    from imgguard.planning import Plan
    from imgguard.sidecars import Aside
    from imgguard.types import PhotoResult

_MOST_FINDINGS = 20
_MOST_OTHERS = 10
_THERE_ALREADY = "output_exists"


def is_there(result: PhotoResult) -> bool:
    """Say whether a photo was left alone because there is a file under its name already."""
    return result.refusal is not None and result.refusal.kind == _THERE_ALREADY


def is_done_before(result: PhotoResult) -> bool:
    """Say whether an earlier run has done a photo, so that it was left as it is."""
    return result.status.value == "done_before"


def printable(text: object) -> str:
    """Make a text safe to show: control and direction characters of file names become visible."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in str(text))


def cell(text: object) -> Text:
    """A table cell in which nothing is taken for markup."""
    return Text(printable(text))


def counted(number: int, one: str, many: str) -> str:
    """Give a number with its noun."""
    return f"{number} {one if number == 1 else many}"


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """List what a person should look at in the roster and the ID photos."""
    if not findings:
        return
    table = Table("Where", "What", title="Please look at", title_justify="left", box=None)
    lines = together(findings)
    for line in lines[:_MOST_FINDINGS]:
        table.add_row(cell(line.where), cell(line.what))
    if len(lines) > _MOST_FINDINGS:
        table.add_row("...", f"and {len(lines) - _MOST_FINDINGS} more, all of them in --report")
    console.print(table)


def show_told(console: Console, items: Sequence[MetadataItem], *, compact: bool = False) -> None:
    """List what a file tells besides its picture; compact without lines and headings, one file below the other."""
    if not items:
        return
    told = Table(show_header=False, box=None, padding=(0, 0, 0, 2)) if compact else Table("Place", "What", "Says")
    for item in items:
        told.add_row(cell(item.place), cell(item.name), cell(item.value))
    console.print(told)


def list_findings(console: Console, findings: Iterable[Finding]) -> None:
    """List everything that was found; what is the same of several files or rows in one line."""
    for line in together(findings):
        console.print(cell(line), soft_wrap=True)


def show_difficulty(console: Console, difficulty: Difficulty, fpir: float | None, names: Mapping[str, str]) -> None:
    """Show how hard the enrolled people are to tell apart, the threshold that follows, and who is most alike."""
    from imgguard.identify import MIN_LEAD
    from imgguard.threshold import DEFAULT_FPIR

    table = Table(show_header=False, box=None)
    table.add_row("How alike these people are", difficulty.words)
    table.add_row("Score that a match needs", f"{difficulty.threshold:.2f}, and {MIN_LEAD:g} more than the next person")
    accepted = DEFAULT_FPIR if fpir is None else fpir
    size = f"{difficulty.calibrated:.2f} for {counted(difficulty.people, 'person', 'people')} easy to tell apart, at"
    table.add_row("  by their number", f"{size} one stranger of {1 / accepted:,.0f} left visible by mistake")
    if difficulty.own is not None:
        table.add_row("  by how alike they are", f"{difficulty.own:.2f}; the higher one holds")
    console.print(table)
    if difficulty.closest:
        pairs = Table("Score", "Person", "And", title="Most alike", title_justify="left", box=None)
        for one, other, score in difficulty.closest:
            people = (cell(f"{number} {names.get(number, '')}".strip()) for number in (one, other))
            pairs.add_row(f"{score:.2f}", *people)
        console.print(pairs)


def show_results(console: Console, results: Sequence[PhotoResult], planned: int, place: Path, *, dry_run: bool) -> None:
    """Show what became of the photos and their faces, and every refusal with its remedy."""
    before = sum(map(is_done_before, results))
    done = [result for result in results if result.refusal is None and not is_done_before(result)]
    faces = [face for result in done for face in result.faces]
    hidden = [face.decision for face in faces if face.cover is not None and not face.cropped_out]
    covered = Counter((decision.reason.words, _clause(decision)) for decision in hidden)
    cropped = sum(face.cropped_out for face in faces)
    verb = "would be published" if dry_run else "published"
    earlier = f", {before} done before" if before else ""
    console.print(cell(f"{len(done)} of {planned} photos {verb}{earlier}: {place}"), soft_wrap=True, style="bold")
    table = Table(show_header=False, box=None)
    no_faces = sum(face.is_let_off for face in faces)
    table.add_row("Faces kept", str(sum(face.cover is None for face in faces) - no_faces))
    table.add_row("Faces covered", str(covered.total()))
    for (words, clause), count in covered.most_common():
        table.add_row("", cell(f"{count:>4}  {words}{clause}"))
    if no_faces:
        table.add_row("No face, by hand", str(no_faces))
    if cropped:
        photos = counted(sum(result.window is not None for result in done), "photo", "photos")
        table.add_row("Left out by cropping", f"{cropped}, in {photos}")
    there = sum(map(is_there, results))
    if there:
        table.add_row("There already", str(there))
    table.add_row("Refused", str(len(results) - len(done) - there - before))
    if len(results) < planned:
        table.add_row("Not done", str(planned - len(results)))
    console.print(table)
    _show_contradictions(console, done)
    _show_rebuilt(console, done)
    show_refusals(console, results)


def _clause(decision: Decision) -> str:
    """The clause of a division's procedure; the default's own are not worth a line on the screen."""
    return f" ({decision.clause})" if decision.clause and not decision.clause.startswith("strict ") else ""


def _show_contradictions(console: Console, done: Iterable[PhotoResult]) -> None:
    """List where photos disagree about somebody, for a person to look at."""
    from consent.policy import Reason
    from imgguard.explain import explain

    odd = [(r.source, f) for r in done for f in r.faces if f.decision.reason is Reason.CONTRADICTED]
    if odd:
        console.print("Please look at these faces; all are covered:", style="bold")
    for source, face in odd:
        console.print(cell(f"  {source}: {explain(face)}"), soft_wrap=True)


def _show_rebuilt(console: Console, done: Sequence[PhotoResult]) -> None:
    """Say which pictures could not be kept exactly outside of the covers, and why."""
    for why, count in Counter(result.rebuilt for result in done if result.rebuilt).most_common():
        told = "was compressed anew" if count == 1 else "were compressed anew"
        console.print(cell(f"{counted(count, 'photo', 'photos')} {told}: {why}."), soft_wrap=True)


def show_refusals(console: Console, results: Iterable[PhotoResult]) -> None:
    """List the photos that were not published, each with the reason and what to do."""
    refused = [(result.source, result.refusal) for result in results if result.refusal is not None]
    there = [source for source, refusal in refused if refusal.kind == _THERE_ALREADY]
    if there:
        console.print(cell(f"In the output folder already, left alone ({len(there)}): {_some(there)}"), soft_wrap=True)
        console.print("No earlier run made them in this way as they are now; --overwrite replaces them.")
    refused = [(source, refusal) for source, refusal in refused if refusal.kind != _THERE_ALREADY]
    if not refused:
        return
    console.print("Refused, not published:", style="bold")
    for source, refusal in refused:
        # Not a table: long paths have to stay whole, to be found and copied.
        console.print(cell(f"  {source}"), soft_wrap=True)
        console.print(cell(f"      {refusal.what.removeprefix(f'{source}: ')}. {refusal.remedy}"), soft_wrap=True)


def show_unknown(console: Console, plan: Plan, results: Sequence[PhotoResult]) -> None:
    """List the photos in whose place there is a file that may be another photo's: the record does not know it."""
    there = {result.source for result in results if is_there(result)}
    unknown = [job.source for job in plan.jobs if job.unknown and job.source in there]
    if unknown:
        told = f"Please compare ({len(unknown)}): the record does not know whether these or other photos are there"
        console.print(cell(f"{told} under their names: {_some(unknown)}"), soft_wrap=True, style="bold")


def show_left_over(console: Console, paths: Sequence[Path]) -> None:
    """List what earlier runs published of the same photos under other names, which no run takes care of any more."""
    if paths:
        told = f"Of the same photos, published by earlier runs under other names and still there ({len(paths)})"
        console.print(cell(f"{told}: {_some(paths)}"), soft_wrap=True, style="bold")
        console.print(
            "They stay as they are, whoever must not be seen any more: take away what is not needed.", soft_wrap=True
        )


def show_naming(console: Console, plan: Plan, results: Sequence[PhotoResult]) -> None:
    """Say how many photos got neutral names, and what the name that was chosen for one gives away."""
    replaced = {job.source for job in plan.jobs if job.replaced is not None}
    new = (result for result in results if result.refusal is None and not is_done_before(result))
    count = sum(result.source in replaced for result in new)
    if count:
        told = "whose names tell something; the record knows which is which (--names keep would keep them)"
        console.print(f"Neutral names given to {counted(count, 'photo', 'photos')} {told}.", soft_wrap=True)
    for telling in plan.telling:
        told = f"The name that you chose is kept, and tells {telling.what.value}: {telling.text}"
        console.print(cell(told), soft_wrap=True, style="bold")


def show_credit(console: Console, tellings: Iterable[Telling]) -> None:
    """Say what the line of credit gives away; it is written all the same, since somebody chose it."""
    for telling in tellings:
        told = f"The credit that you chose is kept, and tells {telling.what.value}: {telling.text}"
        console.print(cell(told), soft_wrap=True, style="bold")


def show_others(console: Console, others: Sequence[Aside]) -> None:
    """List the files that are not photos and were left where they are, by what they are."""
    if not others:
        return
    console.print("Not photos, not copied:")
    kinds: dict[str, list[Path]] = {}
    for other in others:
        kinds.setdefault(other.what or "other files", []).append(other.path)
    for what, paths in kinds.items():
        console.print(cell(f"  {what} ({len(paths)})\n      {_some(paths)}"), soft_wrap=True)


def _some(paths: Sequence[Path]) -> str:
    more = f", and {len(paths) - _MOST_OTHERS} more" if len(paths) > _MOST_OTHERS else ""
    return ", ".join(path.name for path in paths[:_MOST_OTHERS]) + more

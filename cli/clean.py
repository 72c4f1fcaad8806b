"""`imgguard clean`: the main job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.clustering import where_to_work
from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import (
    A_PATH,
    A_PLACE,
    Known,
    confirm_batch_option,
    how_to_cover,
    how_to_search,
    no_recognition_option,
    school_option,
    who_may_be_seen,
    workers_option,
)
from cli.progress import Shown, how_to_tell
from cli.writing import how_to_write

if TYPE_CHECKING:
    from consent.roster import Finding
    from imgguard.engines import Engine
    from imgguard.guard import Guard
    from imgguard.planning import Plan
    from imgguard.rules import Rules
    from imgguard.types import PhotoResult


_EXAMPLES = """\b
Examples:
  imgguard clean sports_day/ -o cleaned/ --roster roster.csv --id-photos ids/ --purpose school_website
  imgguard clean photo.jpg -o clean.jpg --no-recognition
"""


@click.command(epilog=_EXAMPLES)
@click.argument("photos", metavar="PHOTO_OR_FOLDER...", nargs=-1, required=True, type=A_PLACE)
@click.option("-o", "--out", required=True, type=A_PLACE, help="Output folder; for a single photo also a file name.")
@who_may_be_seen
@how_to_search
@no_recognition_option
@how_to_cover
@how_to_write
@confirm_batch_option
@click.option("--dry-run", is_flag=True, help="Do everything but publish and record.")
@click.option("--report", type=A_PATH, help="Also write every decision to this JSON file (student numbers, no names).")
@click.option(
    "--overwrite", is_flag=True,
    help="Replace files that are in the output folder already and that no earlier run of yours has made.",
)  # fmt: skip
@click.option(
    "--resume/--no-resume", default=True, show_default=True,
    help="Leave alone what an earlier run has done, and do again what changed since: photos, settings, roster, people "
    "enrolled; or do everything again.",
)  # fmt: skip
@school_option
@workers_option
@where_to_work
@how_to_tell
def clean(
    photos: tuple[Path, ...],
    out: Path,
    known: Known,
    search: str,
    no_recognition: bool,
    covering: dict[str, Any],
    writing: dict[str, Any],
    confirm_batch: bool,
    dry_run: bool,
    report: Path | None,
    overwrite: bool,
    resume: bool,
    school: Path | None,
    workers: int | None,
    engine: Callable[[Rules], Engine] | None,
    shown: Shown,
) -> int:
    """Clean photos: cover who is not known to be allowed, remove everything else, check, publish.

    The tree below a folder is mirrored in the output folder. Nothing of others is overwritten, no original is changed,
    and every file that is not published is listed with the reason. The same command again goes on where it stopped.
    """
    check_options(no_recognition, known)
    from cli.keeping import Kept
    from cli.shown import (
        cell,
        show_credit,
        show_findings,
        show_left_over,
        show_naming,
        show_others,
        show_results,
        show_unknown,
    )  # fmt: skip
    from imgguard.guard import Guard, default_school
    from imgguard.left_over import left_over
    from imgguard.naming import telling_in_credit
    from imgguard.workers import workers_for

    console, notes = shown.console, shown.notes
    known = replace(known, publication=replace(known.publication, confirm_batch=confirm_batch))
    _check_report(report, out)
    _check_format(writing["format"], out)
    with notes.status("Reading the roster and the ID photos") as status:
        guard = Guard(
            **known.for_guard_while(status),
            search=search,
            recognition=not no_recognition,
            **covering,
            **writing,
            school=school,
        )
    plan = guard.plan(list(photos), out)
    for line in guard.told:
        console.print(cell(line), soft_wrap=True)
    show_findings(console, guard.findings)
    if engine is None and (few := workers_for(workers).told):
        notes.print(cell(few), soft_wrap=True)
    results: list[PhotoResult] = []
    kept = Kept()
    stopped: BaseException | None = None
    try:
        shown.begin(plan, guard, results, dry_run=dry_run)
        run = guard.run(
            plan,
            overwrite=overwrite,
            dry_run=dry_run,
            workers=workers,
            examined=shown.examined,
            resume=resume,
            engine=engine,
        )
        for result in run:
            # First kept, then told: whatever stops the run in between, the photo is in the list.
            results.append(result)
            shown.photo(result)
            if report is None:
                results[-1] = kept.small(result)
    except (KeyboardInterrupt, Exception) as error:
        # Whatever stopped the run, the user is told what was done until then.
        stopped = error
    shown.stop()
    planned = len(plan.jobs) + len(plan.refused)
    place = plan.jobs[0].target if plan.names_file and plan.jobs else plan.out
    show_results(console, results, planned, place, dry_run=dry_run)
    show_unknown(console, plan, results)
    show_naming(console, plan, results)
    show_credit(console, telling_in_credit(writing["credit"] or "", guard.known_names))
    show_others(console, plan.others)
    often = guard.shown_often(results)
    show_findings(console, often)
    if report is not None:
        _write_report(report, results, guard, plan, often)
    guard.close(finished=stopped is None)
    if stopped is not None:
        notes.print("What was published is whole and recorded. The same command again goes on from here.")
        raise stopped
    show_left_over(console, left_over(school or default_school(), plan.out, results))
    return EXIT_INCOMPLETE if any(result.refusal for result in results) else EXIT_OK


def check_options(no_recognition: bool, known: Known) -> None:
    """Make sure that it is told who may be seen, or that everybody is covered.

    Raises:
        UsageError: if neither is, or both.
    """
    if no_recognition and known.given:
        raise click.UsageError(f"--no-recognition covers everybody and does not go with {', '.join(known.given)}.")
    if not no_recognition and not known.is_told:
        raise click.UsageError(
            "Missing --purpose (or --to). Without one nobody can be known to be allowed; "
            "to cover everybody, use --no-recognition."
        )


def _check_format(container: str | None, out: Path) -> None:
    from imgguard.planning import format_of_name

    named = format_of_name(out)
    if container is not None and named is not None and named.value != container and not out.is_dir():
        raise click.UsageError(f"--format {container} does not go with the file name {out}.")


def _check_report(report: Path | None, out: Path) -> None:
    if report is None:
        return
    if report.exists():
        raise click.UsageError(f"--report: {report} exists already. Delete it or choose another name.")
    if report.resolve().is_relative_to(out.resolve()):
        raise click.UsageError("--report: inside the output folder it would be published with the photos.")
    if not report.resolve().parent.is_dir():
        raise click.UsageError(f"--report: there is no folder {report.parent}.")


def _write_report(
    report: Path, results: list[PhotoResult], guard: Guard, plan: Plan, often: tuple[Finding, ...]
) -> None:
    from imgguard.output import OutputFolder
    from imgguard.report import build_report

    renamed = {job.source for job in plan.jobs if job.replaced is not None}
    text = build_report(results, guard.rules, (*guard.findings, *often), plan.others, renamed)
    folder = report.resolve().parent
    # File names need not be text; what is none becomes an escape, which JSON understands.
    content = text.encode(errors="backslashreplace")
    OutputFolder(folder, overwrite=False, private=True).publish(content, folder / report.name)

"""`imgguard report`: what a run did, as a page to show, print and keep."""

from __future__ import annotations

from pathlib import Path

import click

from cli.exits import EXIT_OK
from cli.options import A_PATH, school_option
from cli.school_file import json_option, with_names_option


@click.command()
@click.argument("run", metavar="[RUN]", default="last")
@click.option("-o", "--out", type=A_PATH, help="The file to write; if not given imgguard-run-NUMBER.html, here.")
@json_option
@with_names_option
@school_option
def report(run: str, out: Path | None, as_json: bool, with_names: bool, school: Path | None) -> int:
    """Tell what a run did: photos, faces, reasons with their clauses, consents, settings, versions and refusals.

    RUN is the run's number, or "last". The page needs nothing from elsewhere and runs nothing; a browser prints it or
    saves it as PDF. With --json and without --out, JSON is printed.
    """
    from cli.school_file import save
    from cli.schools import opened
    from cli.shown import printable
    from consent.policy_files import known_policy
    from consent.reports import run_html, run_json
    from consent.run_facts import find_run, nameless, names_of, run_facts

    with opened(school) as store:
        facts = run_facts(store, find_run(store, run))
        everybody = names_of(store)
    names = everybody if with_names else None
    if not with_names:
        facts = nameless(facts, everybody.values())
    if as_json and out is None:
        click.echo(run_json(facts, names), nl=False)
        return EXIT_OK
    target = out or Path(f"imgguard-run-{facts.run_id}.html")
    save(run_json(facts, names) if as_json else run_html(facts, names, known_policy(facts.policy)), target)
    click.echo(printable(f"Report of run {facts.run_id}: {target}"))
    return EXIT_OK

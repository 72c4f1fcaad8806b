"""`imgguard privacy-facts`: what is stored where, for how long, under which key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import school_option


@click.command("privacy-facts")
@click.option("--json", "as_json", is_flag=True, help="Give it as JSON instead of Markdown.")
@school_option
def privacy_facts(as_json: bool, school: Path | None) -> int:
    """Tell what is stored where, how much, until when and under which key, and what is never stored.

    Read from the school file as it is: the factual part of a privacy impact assessment. Names nobody but the school.
    """
    from cli.schools import opened
    from cli.shown import printable
    from consent.privacy_facts import privacy_facts as read_facts

    with opened(school) as store:
        facts = read_facts(store, date.today())
    click.echo(printable(facts.as_json() if as_json else facts.as_markdown()), nl=False)
    return EXIT_OK if facts.ok else EXIT_INCOMPLETE

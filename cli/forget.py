"""`imgguard forget`: erase a person from the school file."""

from __future__ import annotations

from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import school_option
from cli.schools import give_receipt, opened, receipt_option


@click.command()
@click.argument("student", metavar="STUDENT")
@click.option("--yes", is_flag=True, help="Do not ask whether to erase.")
@receipt_option
@school_option
def forget(student: str, yes: bool, receipt: Path | None, school: Path | None) -> int:
    """Erase the person with this number everywhere in the school file.

    Entry of the roster, answers, withdrawals, templates, who was seen where, and the name where photos were named by
    it. What was published stays published, and cannot be found by the person any more: withdraw first. Gives a receipt,
    which names nobody.
    """
    from cli.whose import student_meant, told
    from consent.forgetting import forget as forget_person
    from consent.forgetting import shown_on

    with opened(school) as store:
        person = student_meant(store, student, yes=yes)
        number = person.subject_id if person else student.strip()
        count = shown_on(store, number)
        if not yes:
            if count:
                click.echo(
                    f"Shown on published photos: {count}. They stay published, and will not be found by this person "
                    "any more.",
                    err=True,
                )
            click.confirm(f"Erase {told(person) if person else number} from the school file?", abort=True, err=True)
        done = forget_person(store, number)
    give_receipt(done, receipt)
    return EXIT_OK if done.complete else EXIT_INCOMPLETE

"""The group of commands, and the only place where errors become exit codes."""

from __future__ import annotations

import signal
import sys
import traceback

import click

from cli.audit import audit
from cli.backup import backup, restore
from cli.caption import caption
from cli.clean import clean
from cli.destination import destination
from cli.doctor import doctor
from cli.enroll import enroll
from cli.exits import EXIT_BUG, EXIT_IMPOSSIBLE, EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE
from cli.find import find
from cli.forget import forget
from cli.history import history
from cli.init import init
from cli.inspect import inspect
from cli.key import key
from cli.page import page
from cli.policy import policy
from cli.privacy_facts import privacy_facts
from cli.purge import purge
from cli.recheck import recheck
from cli.reclean import reclean
from cli.report import report
from cli.roster import roster
from cli.selftest import selftest
from cli.shown import printable
from cli.stats import stats
from cli.verify import verify
from cli.watch import watch
from cli.withdraw import withdraw
from consent.errors import UserFacingError

EXIT_CODES = {
    EXIT_OK: "everything was done: every photo was published",
    EXIT_BUG: "an internal error: a bug in imgguard",
    EXIT_USAGE: "the command was called with unknown, missing or contradicting options",
    EXIT_INCOMPLETE: "done, but something needs a look: photos were refused or there already, "
    "or a check found something",
    EXIT_IMPOSSIBLE: "nothing could be done: roster, ID photos, folders, record or model files cannot be used",
    EXIT_INTERRUPTED: "stopped with Ctrl-C or SIGTERM; what was published until then is whole and recorded",
}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items()),
)
@click.version_option(package_name="imgguard")
def cli() -> None:
    """Publish a school's event photos without publishing a child whose family has not agreed.

    Finds every face, asks the consent roster about each one, covers everybody who is not known to be allowed for this
    purpose, removes everything else that the file tells, checks the finished bytes, and only then publishes them.
    Nothing leaves this computer.
    """


for _command in (
    init, roster, enroll, policy, destination, clean, watch, page, inspect, caption, verify, selftest, doctor, key,
    forget, purge, backup, restore, withdraw, find, recheck, reclean, report, stats, history, audit, privacy_facts,
):  # fmt: skip
    cli.add_command(_command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = cli.main(arguments, prog_name="imgguard", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return EXIT_INTERRUPTED
    except UserFacingError as error:
        click.echo(f"Error: {printable(error.what)}\n{printable(error.remedy)}", err=True)
        return EXIT_IMPOSSIBLE
    except Exception:
        click.echo(f"{traceback.format_exc()}\nThis is a bug in imgguard; nothing was published for it.", err=True)
        return EXIT_BUG
    return code if isinstance(code, int) else EXIT_OK

"""The options with which `imgguard clean` works on many machines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import A_PATH, A_PLACE, with_options

if TYPE_CHECKING:
    from imgguard.engines import Engine
    from imgguard.rules import Rules

_NEEDS_SCHEDULER = "--staging, --tls-ca, --tls-cert and --tls-key go with --scheduler only."


def where_to_work(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --scheduler and what goes with it; the command gets what makes the engine, or None, as `engine`."""

    @functools.wraps(command)
    def packed(
        *,
        scheduler: str | None,
        staging: Path | None,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        **others: Any,
    ) -> Any:
        files = tls_ca, tls_cert, tls_key
        if scheduler is None:
            if staging or any(files):
                raise click.UsageError(_NEEDS_SCHEDULER)
            return command(engine=None, **others)
        if others.get("workers") is not None:
            raise click.UsageError("--workers does not go with --scheduler: the cluster has its own workers.")
        place = staging or others["out"]
        # Inside of one store photos are given their names without coming here.
        stages = _same_store(place, others["out"]) and not others["dry_run"]
        return command(engine=_engine(scheduler, place, files, stages=stages), **others)

    return with_options(packed, *_OPTIONS)


_OPTIONS = (
    click.option(
        "--scheduler", metavar="ADDRESS",
        help="Work on a Dask cluster (extra cluster): the scheduler's address, tls://HOST:8786; plain tcp:// is taken "
        "on this computer only.",
    ),
    click.option(
        "--staging", type=A_PLACE, metavar="PLACE",
        help="Where the rules and templates of the run lie encrypted while the cluster works: a folder or address "
        "that all workers can read. In the output's own store also cleaned photos, until they are recorded. The output "
        "folder if not given.",
    ),
    click.option("--tls-ca", type=A_PATH, help="Certificate of the cluster's own authority (PEM)."),
    click.option("--tls-cert", type=A_PATH, help="Your certificate, signed by it (PEM)."),
    click.option("--tls-key", type=A_PATH, help="The private key of your certificate (PEM)."),
)  # fmt: skip


def _same_store(one: Path, other: Path) -> bool:
    from imgguard.places import Remote

    return isinstance(one, Remote) and isinstance(other, Remote) and one.system is other.system


def _engine(
    scheduler: str, staging: Path, files: tuple[Path | None, Path | None, Path | None], *, stages: bool
) -> Callable[[Rules], Engine]:
    from imgguard.cluster.security import Tls, check_address
    from imgguard.errors import SetupError

    # Before roster and ID photos are read.
    check_address(scheduler)
    try:
        from imgguard.cluster.engine import Cluster
    except ImportError as error:
        raise SetupError(
            f"A cluster needs packages that are not there ({error})", "pip install 'imgguard[cluster]'"
        ) from error
    return lambda rules: Cluster(rules, scheduler, staging, Tls(*files), stages=stages)

"""What a run needs around it: who works, what is known of files, what was done before, and what was left unfinished."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from consent.errors import RecordError
from consent.existing import open_existing
from imgguard.digests import Digests
from imgguard.engines import Engine, Here, Pool
from imgguard.keys import Keys
from imgguard.parts import remove_left
from imgguard.places import Remote
from imgguard.remote_output import remove_left_there
from imgguard.resuming import Earlier
from imgguard.workers import workers_for

if TYPE_CHECKING:
    from imgguard.recorder import Recorder
    from imgguard.rules import Rules


def engine_here(rules: Rules, asked: int | None, photos: int) -> Engine:
    """Make what does the work on this computer.

    Several photos are worked on in processes of their own, even if there is room for one alone: a photo that ends a
    process must not end the run.

    Args:
        rules: What holds for the run.
        asked: How many processes were asked for; None for one a core, fewer where memory is short; 1 for this one.
        photos: How many photos there are.
    """
    if asked == 1 or photos < 2:
        return Here(rules)
    return pool_here(rules, asked, photos)


def pool_here(rules: Rules, asked: int | None, photos: int) -> Pool:
    """Make worker processes, no more than there are photos; see `engine_here`."""
    return Pool(rules, min(workers_for(asked).count, max(photos, 1)))


def tidy(folders: Collection[Path]) -> None:
    """Remove what killed processes have left unfinished in folders or stores."""
    remove_left(folder for folder in folders if not isinstance(folder, Remote))
    remove_left_there(folder for folder in folders if isinstance(folder, Remote))


def what_was_done(rules: Rules, digests: Digests, resume: bool) -> Earlier | None:
    """Know what earlier runs did; nothing where a person has a hand in how photos come out."""
    return None if rules.required or rules.marks else Earlier(digests.store, digests, Keys.of(rules), resume)


@contextlib.contextmanager
def known_digests(school: Path, recorder: Recorder | None = None) -> Iterator[Digests]:
    """Give digests of files, those that the school file knows without reading; it need not be there."""
    with contextlib.ExitStack() as opened:
        store = recorder.store if recorder else None
        if store is None and school.is_file():
            # Where it cannot be used, whoever has to write to it is told.
            with contextlib.suppress(RecordError):
                store = opened.enter_context(open_existing(school))
        digests = Digests(store)
        try:
            yield digests
        finally:
            with contextlib.suppress(RecordError):
                digests.save()

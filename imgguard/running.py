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

if TYPE_CHECKING:
    from imgguard.recorder import Recorder
    from imgguard.rules import Rules


def engine_here(rules: Rules, workers: int) -> Engine:
    """Make what does the work on this computer."""
    return Pool(rules, workers) if workers > 1 else Here(rules)


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

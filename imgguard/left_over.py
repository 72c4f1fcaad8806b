"""Find what earlier runs published of the same photos under other names, as before a change of format or of names.

No run takes its place, so it goes on showing whoever is covered now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consent.existing import open_existing
from imgguard.digests import place_of
from imgguard.places import Remote

if TYPE_CHECKING:
    from consent.store import Store
    from imgguard.types import PhotoResult


def left_over(school: Path, out: Path, results: Iterable[PhotoResult]) -> tuple[Path, ...]:
    """List files of an output folder that were made of these photos, are not their places now, and are still there.

    Args:
        school: The school file, which need not be there.
        out: The output folder, resolved; in another store nothing is looked for.
        results: What became of the photos.

    Raises:
        RecordError: if the school file cannot be used.
    """
    if isinstance(out, Remote) or not school.is_file():
        return ()
    done = [result for result in results if result.target is not None]
    targets = {result.target for result in done}
    with open_existing(school) as store:
        found = {path for result in done for path in _published(store, out, result) if path not in targets}
    return tuple(sorted(path for path in found if path.is_file()))


def _published(store: Store, out: Path, result: PhotoResult) -> Iterator[Path]:
    """Give where a photo was published below a folder."""
    rows: Any = store.query(
        "SELECT DISTINCT published_name, target_place FROM photos WHERE source_sha256 = ? AND source_place = ?"
        " AND status = 'published'",
        (result.sha256, place_of(result.source)),
    )
    yield from (out / name for name, place in rows if place_of(out / name) == place)

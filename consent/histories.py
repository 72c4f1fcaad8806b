"""What became of one photo: every publication of it, who is to be seen there on which consents, and every refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consent.publications import Publication, Shown, publications_of_photo, shown_on
from consent.store import Store


@dataclass(frozen=True, slots=True)
class Published:
    """A publication of a photo with who is to be seen on it.

    Attributes:
        publication: When, where, what for.
        shown: Who, from left to right.
        covered: How many faces were covered.
    """

    publication: Publication
    shown: tuple[Shown, ...]
    covered: int


@dataclass(frozen=True, slots=True)
class RefusedOnce:
    """A run that did not publish a photo.

    Attributes:
        run_id: Which run.
        recorded_at: When, UTC, ISO 8601.
        refusal: Why, as a kind.
    """

    run_id: int
    recorded_at: str
    refusal: str


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is recorded of a photo.

    Attributes:
        sha256: The digest that was asked about.
        published: Every publication, oldest first.
        refused: Every run that refused it, oldest first.
    """

    sha256: str
    published: tuple[Published, ...]
    refused: tuple[RefusedOnce, ...]

    @property
    def known(self) -> bool:
        """Whether anything is recorded."""
        return bool(self.published or self.refused)


def history_of(store: Store, sha256: str) -> History:
    """Give what is recorded of a photo, by the digest of the original or of a published file."""
    made = publications_of_photo(store, sha256)
    published = tuple(Published(one, shown_on(store, one.photo_id), _covered(store, one.photo_id)) for one in made)
    originals = {sha256.lower(), *(one.source_sha256 for one in made)} - {""}
    refused = sorted({refusal for original in originals for refusal in _refused(store, original)}, key=_in_order)
    return History(sha256.lower(), published, tuple(refused))


def _in_order(refusal: RefusedOnce) -> tuple[int, str]:
    return refusal.run_id, refusal.recorded_at


def _covered(store: Store, photo_id: int) -> int:
    ((count,),) = store.query("SELECT count(*) FROM faces WHERE photo_id = ? AND verdict = 'cover'", (photo_id,))
    assert isinstance(count, int)
    return count


def _refused(store: Store, source_sha256: str) -> list[RefusedOnce]:
    rows: Any = store.query(
        "SELECT run_id, recorded_at, refusal FROM photos WHERE status = 'refused' AND source_sha256 = ?",
        (source_sha256,),
    )
    return [RefusedOnce(*row) for row in rows]

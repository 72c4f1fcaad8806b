"""Find out what earlier runs have done already, so that a run goes on where another stopped.

A photo is done if the record has a publication of these very bytes under this name, decided by the same, and the file
is there as it was published. What was decided by something else is done again, and takes the place of what we published
there. A file that the record does not know is nobody's to replace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgguard.digests import Digests, place_of
from imgguard.types import CleanedPhoto, Identification, PhotoResult, Status

if TYPE_CHECKING:
    from consent.store import Store
    from imgguard.keys import Keys
    from imgguard.pipeline import Examined
    from imgguard.planning import Job


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier runs did with a photo.

    Attributes:
        result: What to tell of it if it is done; None if there is something to do.
        ours: Digests of what may be replaced at its target.
        replaces: Number in the record of the publication whose place it takes; None for none's.
        unknown: Digest of a file at its target of which the record tells nothing. It may be ours all the same, where a
            crash took its record: that shows when the photo is cleaned and comes out as the very same bytes.
    """

    result: PhotoResult | None = None
    ours: frozenset[str] = frozenset()
    replaces: int | None = None
    unknown: str | None = None

    @property
    def passes(self) -> frozenset[str]:
        """Digests of what may be at the target before its own bytes are known."""
        return self.ours | {self.unknown} if self.unknown else self.ours

    def replaceable(self, cleaned: CleanedPhoto) -> frozenset[str]:
        """Give the digests of what a finished photo may replace: of what is unknown, the very same bytes."""
        return self.ours | {cleaned.output_sha256} if self.unknown else self.ours


NOTHING = Before()


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs published, as the record tells and the files bear out.

    Attributes:
        store: The school file; None where there is none.
        digests: Gives digests of files.
        keys: Gives keys under the rules of this run.
        resume: Whether what is done is left alone; otherwise it is done again.
    """

    store: Store | None
    digests: Digests
    keys: Keys
    resume: bool = True

    def look(self, job: Job, root: Path) -> Before:
        """Find out what was done with a photo of a plan.

        Args:
            job: The photo.
            root: What the names of the record are below.
        """
        if self.store is None:
            return NOTHING
        there = self.digests.of(job.target)
        if there is None:
            return Before(replaces=self._gone(job))
        name = job.target.relative_to(root).as_posix().encode(errors="backslashreplace").decode()
        for photo_id, source_sha256, decided_by, source_place in self._published(there, name, place_of(job.target)):
            if decided_by is None:
                # A person had a hand in it, or it is from before keys were kept: it is left alone.
                return NOTHING
            source = self.digests.of(job.source)
            if source is None:
                return NOTHING
            if source_sha256 == source and self.resume and decided_by == self.keys.key(source, self._people(photo_id)):
                result = PhotoResult(job.source, job.target, Status.DONE_BEFORE, source, there, (), (), 0, None)
                return Before(result, frozenset({there}), photo_id)
            if source_sha256 == source or source_place == place_of(job.source):
                return Before(None, frozenset({there}), self._version_of(photo_id))
        # Not as it was published: where it is what the power left of it, it is published again in its place.
        return Before(replaces=self._gone(job), unknown=None if self._is_known(there) else there)

    def _is_known(self, output_sha256: str) -> bool:
        assert self.store is not None
        return bool(self.store.query("SELECT 1 FROM photos WHERE output_sha256 = ? LIMIT 1", (output_sha256,)))

    def agrees(self, before: Before, told: Examined) -> bool:
        """Say whether the photos of an event tell of one that is done what they told when it was.

        Photos that came since may tell more: whoever two of them name, and whoever they disagree about.

        Args:
            before: What was done with it.
            told: What they tell now.
        """
        assert self.store is not None
        rows: Any = self.store.query(
            "SELECT x1, y1, x2, y2, outcome, subject_id FROM faces WHERE photo_id = ?", (before.replaces,)
        )
        known = {(_rounded(box), outcome): number for *box, outcome, number in rows}
        return all(_is_known(face, known) for face in told.found)

    def _published(self, output_sha256: str, name: str, target_place: str) -> list[Any]:
        """Give the publications of a file under a name, those in this very place first and then the newest."""
        assert self.store is not None
        return self.store.query(
            "SELECT id, source_sha256, decided_by, source_place FROM photos WHERE output_sha256 = ?"
            " AND published_name = ? AND status = 'published' ORDER BY target_place IS ? DESC, id DESC",
            (output_sha256, name, target_place),
        )

    def _gone(self, job: Job) -> int | None:
        """Give the publication of a photo whose file is not there any more, or not as it was published."""
        assert self.store is not None
        rows: Any = self.store.query(
            "SELECT id FROM photos WHERE target_place = ? AND source_place = ? AND status = 'published'"
            " ORDER BY id DESC LIMIT 1",
            (place_of(job.target), place_of(job.source)),
        )
        return self._version_of(int(rows[0][0])) if rows else None

    def _version_of(self, photo_id: int) -> int | None:
        """Give a publication if what is published now is its new version.

        What was for something else, or went to another place, stays what it is there, whatever lies in the folder now.
        """
        assert self.store is not None
        purpose, destination = self.keys.rules.purpose, self.keys.rules.destination
        rows = self.store.query(
            "SELECT 1 FROM photos JOIN runs ON runs.id = run_id WHERE photos.id = ? AND purpose IS ?"
            " AND destination = ?",
            (photo_id, purpose.value if purpose else None, destination),
        )
        return photo_id if rows else None

    def _people(self, photo_id: int) -> list[str]:
        assert self.store is not None
        rows: Any = self.store.query(
            "SELECT DISTINCT subject_id FROM faces WHERE photo_id = ? AND subject_id IS NOT NULL", (photo_id,)
        )
        return [number for (number,) in rows]


_Known = dict[tuple[tuple[float, ...], str], str | None]


def _rounded(box: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(value, 1) for value in box)


def _is_known(face: Identification, known: _Known) -> bool:
    """Say whether a face was searched for with the same outcome; its name is not kept where nobody knew it then."""
    box = face.probe.detection.box
    key = _rounded((box.x1, box.y1, box.x2, box.y2)), face.outcome.value if face.outcome else "not_searched"
    return key in known and known[key] in (None, face.subject_id)

"""What a run came to so far, in numbers: for the bar, the lines of a script and the log alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgguard.types import PhotoResult

DONE_BEFORE = "done_before"
_PUBLISHED = {"published", "dry_run"}


@dataclass(slots=True)
class Counts:
    """Photos and faces so far.

    Attributes:
        published: Photos that were published, or would have been in a dry run.
        done_before: Photos that an earlier run had done, and that are as it made them.
        refused: Photos that were not published, with a reason each.
        faces_kept: Faces that stay visible.
        faces_covered: Faces under a cover.
        faces_cropped_out: Faces that the published part of a photo leaves out.
        not_faces: Places of which a person said that nobody is there.
    """

    published: int = 0
    done_before: int = 0
    refused: int = 0
    faces_kept: int = 0
    faces_covered: int = 0
    faces_cropped_out: int = 0
    not_faces: int = 0

    @property
    def photos(self) -> int:
        """How many photos are finished, one way or the other."""
        return self.published + self.done_before + self.refused

    def add(self, result: PhotoResult) -> None:
        """Count one photo."""
        self.published += result.status.value in _PUBLISHED
        self.done_before += result.status.value == DONE_BEFORE
        self.refused += result.refusal is not None
        faces = faces_of(result)
        self.faces_kept += faces["kept"]
        self.faces_covered += faces["covered"]
        self.faces_cropped_out += faces["cropped_out"]
        self.not_faces += faces["not_faces"]

    def as_numbers(self) -> dict[str, int]:
        """Give all of it by name."""
        return asdict(self)

    @property
    def words(self) -> str:
        """All of it in one line of text, what is nought left out beyond faces and refusals."""
        before = f", {self.done_before} done before" if self.done_before else ""
        return f"{self.faces_kept} faces kept, {self.faces_covered} covered, {self.refused} refused{before}"


def faces_of(result: PhotoResult) -> dict[str, int]:
    """Count the faces of one photo by what became of them; none where it was refused."""
    faces = result.faces if result.refusal is None else ()
    return {
        "kept": sum(face.cover is None and not face.is_let_off for face in faces),
        "covered": sum(face.cover is not None and not face.cropped_out for face in faces),
        "cropped_out": sum(face.cropped_out for face in faces),
        "not_faces": sum(face.is_let_off for face in faces),
    }

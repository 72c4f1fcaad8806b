"""What a person said about a photo after looking at it: cover this, nobody is under that, this is somebody.

A mark may cover anything at once. It shows more only where that can be justified: a cover comes off where the tool
itself is not sure that there is a face, and whoever is named by a person is then judged by the roster like anybody
who was recognised. What a mark may not do it does not do, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imgguard.types import BoundingBox


class MarkKind(StrEnum):
    """What was said."""

    COVER = "cover"
    NOBODY = "nobody"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that was said about one place of a photo.

    Attributes:
        kind: Cover it; nobody is under the cover that is there; or this is somebody.
        box: The place, in pixels of the upright source: a face's own box, or what was drawn.
        subject_id: Who it is, for PERSON; None otherwise.
        operator: Who said so.
        at: When, UTC, ISO 8601.
    """

    kind: MarkKind
    box: BoundingBox
    subject_id: str | None = None
    operator: str = ""
    at: str = ""

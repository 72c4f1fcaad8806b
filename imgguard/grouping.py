"""Put together what several searches saw of the same face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgguard.types import BoundingBox, Detection, Source

if TYPE_CHECKING:
    from imgguard.types import Floats, Mask

_SAME_IOU = 0.4
_SAME_INSIDE = 0.7
_SAME_AREA_RATIO = 0.35
# The second detector places small faces coarsely.
_COARSE_AREA_RATIO = 0.15
_COARSE_REACH = 0.12


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A detection in the photo's coordinates, and the search that made it.

    Attributes:
        face: What was seen.
        search: Number of the search; None where its score does not count towards the agreement of the searches.
    """

    face: Detection
    search: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All sightings of one face.

    Attributes:
        primary: Those of the primary detector, the surest first.
        second: Those of the second detector, the surest first.
    """

    primary: tuple[Sighting, ...]
    second: tuple[Sighting, ...]

    @property
    def face(self) -> Detection:
        """The surest sighting; the primary detector's goes first, since it places faces better."""
        return (self.primary or self.second)[0].face

    @property
    def upright(self) -> bool:
        """Whether a search of the upright photo saw it."""
        return any(sighting.search is not None for sighting in self.primary)

    @property
    def scores(self) -> dict[int, float]:
        """What each search that saw it upright gave it."""
        found: dict[int, float] = {}
        for sighting in self.primary:
            if sighting.search is not None:
                found[sighting.search] = max(found.get(sighting.search, 0.0), sighting.face.score)
        return found

    @property
    def second_score(self) -> float:
        """What the second detector gave it; 0 where it did not see it."""
        return max((sighting.face.score for sighting in self.second), default=0.0)


def group_sightings(sightings: Iterable[Sighting]) -> list[Group]:
    """Group the sightings of one photo by face."""
    ordered = sorted(sightings, key=lambda s: -s.face.score)
    primary = [sighting for sighting in ordered if sighting.face.source is not Source.BLAZEFACE]
    second = [sighting for sighting in ordered if sighting.face.source is Source.BLAZEFACE]
    theirs: list[tuple[list[Sighting], list[Sighting]]] = [([primary[i] for i in m], []) for m in _clusters(primary)]
    for sighting in second:
        home = next((g for g in theirs if same_detection((g[0] or g[1])[0].face, sighting.face)), None)
        if home is None:
            theirs.append(([], [sighting]))
        else:
            home[1].append(sighting)
    return [Group(tuple(one), tuple(other)) for one, other in theirs]


def _clusters(sightings: Sequence[Sighting]) -> list[list[int]]:
    """Take the surest, and with it all that mean the same face; then the surest of the rest, and so on."""
    boxes = np.array([(b.x1, b.y1, b.x2, b.y2) for b in (s.face.box for s in sightings)], np.float32).reshape(-1, 4)
    free = np.ones(len(sightings), np.bool_)
    clusters = []
    for index in range(len(sightings)):
        if free[index]:
            members = free & _same_as(boxes[index], boxes)
            members[index] = True
            free &= ~members
            clusters.append(np.flatnonzero(members).tolist())
    return clusters


def _same_as(box: Floats, others: Floats) -> Mask:
    """Say which boxes mean the same face as one: `same_face` for many at once."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    common = np.maximum(width, 0) * np.maximum(height, 0)
    area, areas = (box[2] - box[0]) * (box[3] - box[1]), (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    smaller, larger = np.minimum(area, areas), np.maximum(area, areas)
    inside = (common >= _SAME_INSIDE * smaller) & (smaller >= _SAME_AREA_RATIO * larger)
    return np.asarray((common >= _SAME_IOU * (area + areas - common)) | inside, np.bool_)


def same_face(one: BoundingBox, other: BoundingBox) -> bool:
    """Say whether two boxes mean the same face; a small face in front of a large one is another."""
    return one.iou(other) >= _SAME_IOU or lies_on(one, other, _SAME_INSIDE)


def lies_on(one: BoundingBox, other: BoundingBox, share: float) -> bool:
    """Say whether two boxes of about one size have at least this share of the smaller one in common."""
    smaller, larger = sorted((one.area, other.area))
    return one.overlap(other) >= share * smaller and smaller >= _SAME_AREA_RATIO * larger


def same_detection(one: Detection, other: Detection) -> bool:
    """Say whether two detections mean the same face, knowing how coarsely the second detector places it.

    Its boxes are larger and lie askew, but not so far that their middle leaves the face.
    """
    if same_face(one.box, other.box):
        return True
    for coarse, fine in ((one, other), (other, one)):
        if coarse.source is Source.BLAZEFACE and fine.box.grown(_COARSE_REACH).holds(coarse.box.center):
            smaller, larger = sorted((one.box.area, other.box.area))
            return smaller >= _COARSE_AREA_RATIO * larger
    return False

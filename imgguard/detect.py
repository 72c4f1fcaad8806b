"""Find the faces of a photo.

YuNet searches the whole photo at several scales, since no one scale suits both the face that fills the frame and
the one in the back row; the coarsest search is repeated with the photo on its sides and upside down; BlazeFace looks
once more. Two things tell faces from what resembles them better than one detector's score does: how far the searches
agree, and whether there are people in the photo at all. Where every search was made on a picture smaller than the
photo, a doubtful face is looked at again in the photo itself, which holds more than the searches saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.backends import Backends, default_backends
from imgguard.grouping import Group, Sighting, group_sightings, lies_on, same_face
from imgguard.scales import TILE, TILE_OVERLAP, Level, Look, Search, cut_out, pyramid
from imgguard.types import BoundingBox, Detection, Source
from imgguard.views import View

if TYPE_CHECKING:
    from imgguard.types import Photo, Pixels

_CANDIDATE = 0.1
# Smaller side in pixels of what a search is given, between which the primary detector finds faces.
_REACH = (9.0, 260.0)
# Who is alone in a photo has to be surer than somebody in company, unless the second detector sees them too.
_ALONE, _ALONE_SUPPORTED = ((12.0, 0.75), (24.0, 0.67)), 0.40
_COMPANY, _COMPANY_SUPPORTED = 0.85, 0.50
_CROWD, _CROWD_SIZE = 0.5, 4
# On its side or upside down a face has to be sure, and large enough that a pattern does not pass for it.
_TURNED, _TURNED_SIDE = 0.70, 20.0

# A false cover of more than this share of the photo costs the picture: such a face has to be sure, or seen again.
_LARGE, _LARGE_SURE, _LARGE_CONFIRM = 0.06, 0.8, 0.2
_EDGE = 0.05

_WORTH_A_CROP = 0.15
_SURE_WITHOUT_CROP = 0.60
_CROP = 224
_CROP_FACE = 100.0

_SECOND_CANDIDATE = 0.5
_SECOND_ACCEPT, _SECOND_SURE = 0.65, 0.75
_SECOND_CONFIRM = 0.3
# The second detector sees a picture in 192 px: a face of less than this share of it is placed too coarsely to be
# covered where it is said to be, and counts only if the primary detector confirms it.
_SECOND_PRECISE = 1 / 8

_DOUBTFUL, _SURE = 0.5, 0.7
_GHOST_OVERLAP = 0.3
# Small faces in a crowd do overlap; and none so small is ever kept, so that a ghost does no harm there.
_GHOST_SIDE = 24.0
_GHOST_CONFIRM = 0.3


def detect_faces(
    photo: Photo, backends: Backends | None = None, search: Search | str = Search.NORMAL
) -> tuple[Detection, ...]:
    """Find the faces of a photo, from about 20 px in 12 megapixels up to the whole frame.

    Args:
        photo: A loaded photo.
        backends: The models; the default ones if None.
        search: How much time to take: fast, normal or thorough.

    Returns:
        The faces from top to bottom, each found face once, in the photo's coordinates. The score says how far the
        searches agree, 0 to 1.

    Raises:
        ValueError: if the search is none of these.
    """
    return find_faces(photo.pixels, backends or default_backends(), Search(search).look)


def find_faces(pixels: Pixels, backends: Backends, look: Look, *, in_company: bool = False) -> tuple[Detection, ...]:
    """Find the faces of a picture with a given look; see `detect_faces`.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        backends: The models.
        look: How to search.
        in_company: Whether it is known that there are people in it; otherwise that depends on what is found.
    """
    finder = _Finder(pixels, backends, look)
    groups = finder.search()
    scores = [finder.agreement(group) for group in groups]
    in_company = in_company or _are_company(groups, scores)
    boxes = ((group.face.box, score) for group, score in zip(groups, scores, strict=True))
    sure = [box for box, score in boxes if score >= _SURE and box.side >= _GHOST_SIDE]
    settled = (finder.settle(g, s, sure, in_company=in_company) for g, s in zip(groups, scores, strict=True))
    faces = _merge([face for face in settled if face is not None])
    return tuple(sorted(faces, key=lambda face: (face.box.y1, face.box.x1)))


def _are_company(groups: Sequence[Group], scores: Sequence[float]) -> bool:
    """Say whether there are surely people: a very sure face, one that both detectors see, two sure ones, or more."""
    best = max(scores, default=0.0)
    both = any(group.second and score >= _COMPANY_SUPPORTED for group, score in zip(groups, scores, strict=True))
    several = sum(score >= _SURE for score in scores) > 1 or sum(score >= _CROWD for score in scores) >= _CROWD_SIZE
    return both or several or best >= _COMPANY


@dataclass(frozen=True, slots=True)
class _Search:
    """A search of the upright photo: at which scale, and the sizes of the faces that it should see, in the photo."""

    smallest: float
    largest: float

    @classmethod
    def of(cls, level: Level) -> _Search:
        # A face on the seam of two tiles is whole in one of them only as far as they overlap.
        largest = TILE_OVERLAP if level.tiled else _REACH[1]
        return cls(_REACH[0] / level.scale, largest / level.scale)


class _Finder:
    """One photo's searches, and what they come to."""

    def __init__(self, pixels: Pixels, backends: Backends, look: Look) -> None:
        self.pixels, self.backends, self.look = pixels, backends, look
        self.levels = pyramid(pixels, look)
        self._least = min(score for _, score in look.needed)
        self.searches = [_Search.of(level) for level in self.levels for _ in range(1 + look.mirrored)]

    def search(self) -> list[Group]:
        sightings = list(self._upright())
        if self.look.turned:
            sightings += self._turned()
        if self.look.second_opinion:
            sightings += self._second_opinion()
        return group_sightings(sightings)

    def _upright(self) -> Iterator[Sighting]:
        number = 0
        for level in self.levels:
            for view in level.tiles():
                yield from self._seen(view, number)
                if self.look.mirrored:
                    yield from self._seen(view.mirrored(), number + 1)
            number += 1 + self.look.mirrored

    def _seen(self, view: View, number: int) -> Iterator[Sighting]:
        for face in self.backends.primary.detect(view.pixels, _CANDIDATE):
            yield Sighting(view.back(face), number)

    def _turned(self) -> Iterator[Sighting]:
        whole = self.levels[-1].whole()
        for view in map(whole.turned, (1, 2, 3)):
            for face in self.backends.primary.detect(view.pixels, _TURNED):
                if face.box.side >= _TURNED_SIDE:
                    yield Sighting(view.back(face), None)

    def _second_opinion(self) -> Iterator[Sighting]:
        level = next((level for level in self.levels if max(level.pixels.shape) <= TILE), self.levels[-1])
        view = level.whole()
        for face in self.backends.second.detect(view.pixels, _SECOND_CANDIDATE):
            placed_well = face.box.side >= _SECOND_PRECISE * max(view.pixels.shape)
            score = face.score if placed_well else min(face.score, _SECOND_CANDIDATE)
            yield Sighting(view.back(replace(face, score=score)), None)

    def agreement(self, group: Group, *more: float) -> float:
        """How sure the searches that should see a face of this size are of it together, 0 to 1.

        Half of it is the best score and half the mean: a face is seen by most of them, a pattern by one.
        """
        found = group.scores
        side = group.face.box.side
        reaching = [n for n, search in enumerate(self.searches) if search.smallest <= side <= search.largest]
        scores = [*more, *(found.get(number, 0.0) for number in {*found, *reaching})]
        return (max(scores) + sum(scores) / len(scores)) / 2 if scores else 0.0

    def settle(self, group: Group, score: float, sure: Sequence[BoundingBox], *, in_company: bool) -> Detection | None:
        """Take a group for a face or not."""
        if not group.primary:
            return self._settle_second(group, sure)
        return (
            self._settle_upright(group, score, sure, in_company=in_company)
            or self._settle_turned(group, sure)
            or self._settle_sure_second(group, sure)
        )

    def _settle_upright(
        self, group: Group, score: float, sure: Sequence[BoundingBox], *, in_company: bool
    ) -> Detection | None:
        cropped = self._is_worth_a_crop(group, score)
        if not group.upright or (not cropped and score < self._least):
            return None
        face, supported = group.face, bool(group.second)
        ghostly = score < _DOUBTFUL and _lies_on_any(face.box, sure)
        if ghostly or cropped:
            closer = look_closer(self.pixels, self.backends, face.box)
            if ghostly and (closer is None or closer.score < _GHOST_CONFIRM):
                return None
            if self.levels[0].scale < 1:
                score = self.agreement(group, closer.score if closer else 0.0)
            face = closer if closer is not None and closer.score > face.score else face
        if not score >= self._needed(face.box.side, in_company=in_company, supported=supported):
            return None
        if self._is_doubtful_and_large(face, score, supported=supported):
            closer = look_closer(self.pixels, self.backends, face.box)
            if closer is None or closer.score < _LARGE_CONFIRM:
                return None
        return replace(face, score=score, source=_source(supported=supported))

    def _settle_turned(self, group: Group, sure: Sequence[BoundingBox]) -> Detection | None:
        """Settle what was seen with the photo on its sides or upside down, however it looks upright."""
        turned = next((sighting.face for sighting in group.primary if sighting.search is None), None)
        if turned is None or _lies_on_any(turned.box, sure):
            return None
        if self._is_doubtful_and_large(turned, turned.score, supported=bool(group.second)):
            return None
        return replace(turned, source=_source(supported=bool(group.second)))

    def _needed(self, side: float, *, in_company: bool, supported: bool) -> float:
        needed = _between(side, self.look.needed)
        return needed if in_company else max(needed, _ALONE_SUPPORTED if supported else _between(side, _ALONE))

    def _is_doubtful_and_large(self, face: Detection, score: float, *, supported: bool) -> bool:
        height, width = self.pixels.shape[:2]
        box = face.box
        # What is cut off at the photo's edge does not look like a face in a close-up either.
        inside = min(box.x1, box.y1, width - box.x2, height - box.y2) > _EDGE * box.side
        return inside and not supported and score < _LARGE_SURE and box.area > _LARGE * height * width

    def _is_worth_a_crop(self, group: Group, score: float) -> bool:
        best = max(group.scores.values(), default=0.0)
        return self.levels[0].scale < 1 and best >= _WORTH_A_CROP and score < _SURE_WITHOUT_CROP

    def _settle_sure_second(self, group: Group, sure: Sequence[BoundingBox]) -> Detection | None:
        """Settle what the second detector is sure of and the primary one hardly sees."""
        if group.second_score < _SECOND_SURE or _lies_on_any(group.face.box, sure):
            return None
        return replace(group.face, score=group.second_score, source=Source.BOTH)

    def _settle_second(self, group: Group, sure: Sequence[BoundingBox]) -> Detection | None:
        """Settle what only the second detector saw: it has to be sure, or the primary one sees it too when close."""
        face = group.face
        closer = look_closer(self.pixels, self.backends, face.box)
        if closer is not None and closer.score >= _SECOND_CONFIRM:
            return replace(closer, score=max(closer.score, face.score), source=Source.BOTH)
        return face if face.score >= _SECOND_ACCEPT and not _lies_on_any(face.box, sure) else None


def _between(side: float, curve: tuple[tuple[float, float], ...]) -> float:
    """Read a score off (size, score) pairs."""
    sizes, scores = zip(*curve, strict=True)
    return float(np.interp(side, sizes, scores))


def _lies_on_any(box: BoundingBox, sure: Sequence[BoundingBox]) -> bool:
    """Say whether a face half lies on a sure one of its size: often the same face, seen askew when coarse."""
    return any(lies_on(box, other, _GHOST_OVERLAP) for other in sure)


def _source(*, supported: bool) -> Source:
    return Source.BOTH if supported else Source.YUNET


def look_closer(pixels: Pixels, backends: Backends, box: BoundingBox) -> Detection | None:
    """Search once more around a face, in the photo itself, at the scale that suits its size.

    Returns:
        The surest detection of the face in that box, whatever its score; None where there is none.
    """
    view = cut_out(pixels, box.center, _CROP * max(box.width, box.height, 1.0) / _CROP_FACE, _CROP)
    return surest_in(view, box, backends, _CANDIDATE)


def surest_in(view: View, box: BoundingBox, backends: Backends, min_score: float) -> Detection | None:
    """Give the surest detection that the primary detector makes in a view of the face in a box; None without one."""
    found = (view.back(face) for face in backends.primary.detect(view.pixels, min_score))
    return max((face for face in found if same_face(face.box, box)), key=lambda face: face.score, default=None)


def _merge(faces: list[Detection]) -> list[Detection]:
    """Drop what a second look has moved onto another face."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if not any(same_face(face.box, other.box) for other in kept):
            kept.append(face)
    return kept

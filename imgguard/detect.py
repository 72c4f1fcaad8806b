"""Find the faces of a photo.

YuNet searches the whole photo at several scales, since no one scale suits both the face that fills the frame and
the one in the back row; BlazeFace looks once more. Where a search was made on a picture smaller than the photo,
a doubtful candidate is looked at again in the photo itself, which holds more than the search saw. The same second
look gives landmarks at the scale at which they are precise, which is what embeddings depend on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.backends import Backends, default_backends
from imgguard.scales import FIRST_LOOK, TILE, Level, Look, cut_out, pyramid, quarters, tiles
from imgguard.types import BoundingBox, Detection, Source

if TYPE_CHECKING:
    from imgguard.types import Photo, Pixels

_ACCEPT = 0.4
_CANDIDATE = 0.1
_CONFIRM = 0.5
_CONFIRM_SUPPORTED = 0.3
_DOUBTFUL, _SURE = 0.6, 0.8
_SECOND_CANDIDATE = 0.5
_SECOND_ACCEPT = 0.65
# The second detector sees a picture in 192 px: a face of less than this share of it is placed too coarsely to be
# covered where it is said to be, and counts only if the primary detector confirms it.
_SECOND_PRECISE = 1 / 8

_CROP = 224
_CROP_FACE = 100.0
_GOOD_LANDMARKS = (60.0, 150.0)
_WORTH_A_CROP = 24.0

_SAME_IOU = 0.4
_SAME_INSIDE = 0.7
_SAME_AREA_RATIO = 0.35
# The second detector places small faces coarsely.
_COARSE_AREA_RATIO = 0.15
_COARSE_REACH = 0.12
_GHOST_OVERLAP = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A detection in the photo's coordinates, and at which scale it was made."""

    face: Detection
    scale: float


def _in_photo(face: Detection, level: Level, x: int, y: int) -> _Candidate:
    """Bring a detection of the tile at (x, y) of a level into the photo's coordinates."""
    return _Candidate(moved(face, 1 / level.scale, (x / level.scale, y / level.scale)), level.scale)


def detect_faces(photo: Photo, backends: Backends | None = None) -> tuple[Detection, ...]:
    """Find the faces of a photo, from about 20 px in 12 megapixels up to the whole frame.

    Args:
        photo: A loaded photo.
        backends: The models; the default ones if None.

    Returns:
        The faces from top to bottom, each found face once, in the photo's coordinates.
    """
    return find_faces(photo.pixels, backends or default_backends(), FIRST_LOOK)


def find_faces(pixels: Pixels, backends: Backends, look: Look) -> tuple[Detection, ...]:
    """Find the faces of a picture with a given look; see `detect_faces`."""
    levels = pyramid(pixels, look)
    candidates = [candidate for level in levels for candidate in _search(level, backends)]
    if look.second_opinion:
        fit = next((level for level in levels if max(level.pixels.shape) <= TILE), levels[-1])
        candidates += _second_opinion(fit, backends, look)
    groups = _groups(candidates)
    settled = (_settle(pixels, backends, look, group, ghostly=_may_be_ghost(group, groups)) for group in groups)
    faces = _merge([face for face in settled if face is not None])
    return tuple(sorted(faces, key=lambda face: (face.box.y1, face.box.x1)))


def _search(level: Level, backends: Backends) -> Iterator[_Candidate]:
    floor = _CANDIDATE if level.scale < 1 else _ACCEPT
    for x, y, tile in tiles(level.pixels):
        for face in backends.primary.detect(tile, floor):
            yield _in_photo(face, level, x, y)


def _second_opinion(level: Level, backends: Backends, look: Look) -> Iterator[_Candidate]:
    for x, y, part in [(0, 0, level.pixels), *(quarters(level.pixels) if look.thorough else ())]:
        for face in backends.second.detect(part, _SECOND_CANDIDATE):
            placed_well = face.box.side >= _SECOND_PRECISE * max(part.shape)
            score = face.score if placed_well else min(face.score, _SECOND_CANDIDATE)
            yield _in_photo(replace(face, score=score), level, x, y)


def moved(face: Detection, factor: float, offset: tuple[float, float]) -> Detection:
    """Scale a detection by a factor and then shift it by (x, y)."""
    dx, dy = offset
    box = face.box
    moved = BoundingBox(box.x1 * factor + dx, box.y1 * factor + dy, box.x2 * factor + dx, box.y2 * factor + dy)
    landmarks = (face.landmarks * factor + np.array(offset)).astype(np.float32)
    landmarks.setflags(write=False)
    return replace(face, box=moved, landmarks=landmarks)


def same_face(one: BoundingBox, other: BoundingBox) -> bool:
    """Say whether two boxes mean the same face; a small face in front of a large one is another."""
    if one.iou(other) >= _SAME_IOU:
        return True
    return _lies_on(one, other, _SAME_INSIDE)


def _lies_on(one: BoundingBox, other: BoundingBox, share: float) -> bool:
    """Say whether two boxes of about one size have at least this share of the smaller one in common."""
    smaller, larger = sorted((one.area, other.area))
    return one.overlap(other) >= share * smaller and smaller >= _SAME_AREA_RATIO * larger


def _groups(candidates: Sequence[_Candidate]) -> list[list[_Candidate]]:
    """Put together what means the same face; the surest of a group comes first."""
    groups: list[list[_Candidate]] = []
    for candidate in sorted(candidates, key=lambda c: (c.face.source is Source.BLAZEFACE, -c.face.score)):
        home = next((g for g in groups if same_detection(g[0].face, candidate.face)), None)
        if home is None:
            groups.append([candidate])
        else:
            home.append(candidate)
    return groups


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


def _may_be_ghost(group: list[_Candidate], groups: list[list[_Candidate]]) -> bool:
    """Say whether a doubtful face half lies on a sure one of its size: often the same face, seen askew when coarse."""
    face = group[0].face
    if face.score >= _DOUBTFUL:
        return False
    sure = (g[0].face.box for g in groups if g[0].face.score >= _SURE)
    return any(_lies_on(face.box, box, _GHOST_OVERLAP) for box in sure)


def _settle(
    pixels: Pixels, backends: Backends, look: Look, group: list[_Candidate], *, ghostly: bool
) -> Detection | None:
    """Accept a group as a face or not, with its best landmarks; a ghostly one has to be seen in the photo itself."""
    primary = [c for c in group if c.face.source is Source.YUNET]
    seconds = [c for c in group if c.face.source is Source.BLAZEFACE]
    best = (primary or group)[0]
    sure_of_second = any(c.face.score >= _SECOND_ACCEPT for c in seconds)
    accepted = not ghostly and (best.face.score >= _ACCEPT if primary else sure_of_second)
    closer = None
    imprecise = best.face.box.side >= _WORTH_A_CROP and not _has_good_landmarks(best)
    if not accepted or (look.thorough and imprecise):
        closer = look_closer(pixels, backends, best.face.box)
    confirmed = closer is not None and closer.score >= (_CONFIRM_SUPPORTED if seconds or ghostly else _CONFIRM)
    if not accepted and not confirmed:
        return best.face if sure_of_second and not ghostly else None
    face = closer if closer is not None and closer.score >= _CONFIRM else best.face
    source = _agreement(bool(primary) or confirmed, bool(seconds))
    return replace(face, score=max(face.score, best.face.score), source=source)


def _agreement(primary: bool, second: bool) -> Source:
    if primary and second:
        return Source.BOTH
    return Source.YUNET if primary else Source.BLAZEFACE


def _has_good_landmarks(candidate: _Candidate) -> bool:
    if candidate.face.source is not Source.YUNET or candidate.face.score < _CONFIRM:
        return False
    least, most = _GOOD_LANDMARKS
    return least <= candidate.face.box.side * candidate.scale <= most


def look_closer(pixels: Pixels, backends: Backends, box: BoundingBox) -> Detection | None:
    """Search once more around a face, in the photo itself, at the scale that suits its size.

    Returns:
        The surest detection of the face in that box, whatever its score; None where there is none.
    """
    scale = _CROP_FACE / max(box.width, box.height, 1.0)
    crop, offset = cut_out(pixels, box.center, _CROP / scale, _CROP)
    found = [moved(face, 1 / scale, offset) for face in backends.primary.detect(crop, _CANDIDATE)]
    return max((f for f in found if same_face(f.box, box)), key=lambda f: f.score, default=None)


def _merge(faces: list[Detection]) -> list[Detection]:
    """Drop what a second look has moved onto another face."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if not any(same_face(face.box, other.box) for other in kept):
            kept.append(face)
    return kept

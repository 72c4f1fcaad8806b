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
from imgguard.lazy import cv2
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

_TILE = 1280
_TILE_OVERLAP = 96
_CROP = 224
_CROP_FACE = 100.0
_GOOD_LANDMARKS = (60.0, 150.0)
_WORTH_A_CROP = 24.0

_SAME_IOU = 0.4
_SAME_INSIDE = 0.7
_SAME_AREA_RATIO = 0.35
# The second detector places small faces coarsely.
_COARSE_OVERLAP = 0.25
_COARSE_AREA_RATIO = 0.15
_GHOST_OVERLAP = 0.3


@dataclass(frozen=True, slots=True)
class Look:
    """How a photo is searched: at the finest scale, and then at half of it, and half again.

    Attributes:
        side: The finest search has at least this many pixels on the longer side; smaller photos are enlarged.
        share: And at least this share of the photo's own.
        coarsest: The last search has no more than this many pixels on the longer side.
        second_opinion: Whether the second detector looks too.
    """

    side: int
    share: float
    coarsest: int = 640
    second_opinion: bool = True

    def scales(self, size: tuple[int, int]) -> list[float]:
        """The factors by which a photo of `size` (width, height) is resized for each search, finest first."""
        longest = max(size)
        sides = [max(float(self.side), self.share * longest)]
        while sides[-1] > self.coarsest:
            sides.append(sides[-1] / 2)
        return [side / longest for side in sides]


FIRST_LOOK = Look(1280, 0.5)
# For the check of the output: in between the others, so that a face which fell through there has a new chance.
SECOND_LOOK = Look(960, 0.4)


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A detection in the photo's coordinates, and at which scale it was made."""

    face: Detection
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The photo at the scale of one search."""

    pixels: Pixels
    scale: float

    def candidate(self, face: Detection, x: int, y: int) -> _Candidate:
        """Bring a detection of the tile at (x, y) into the photo's coordinates."""
        return _Candidate(_moved(face, 1 / self.scale, (x / self.scale, y / self.scale)), self.scale)


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
    levels = _pyramid(pixels, look)
    candidates = [candidate for level in levels for candidate in _search(level, backends)]
    if look.second_opinion:
        fit = next((level for level in levels if max(level.pixels.shape) <= _TILE), levels[-1])
        candidates += _second_opinion(fit, backends)
    groups = _groups(candidates)
    settled = (_settle(pixels, backends, group, ghostly=_may_be_ghost(group, groups)) for group in groups)
    faces = _merge([face for face in settled if face is not None])
    return tuple(sorted(faces, key=lambda face: (face.box.y1, face.box.x1)))


def _pyramid(pixels: Pixels, look: Look) -> list[_Level]:
    """Resize a photo for each search, each from the one before, which costs a fraction of doing it from the photo."""
    height, width = pixels.shape[:2]
    levels: list[_Level] = []
    source = pixels
    for scale in look.scales((width, height)):
        source = _resized(source, (max(1, round(width * scale)), max(1, round(height * scale))))
        levels.append(_Level(source, scale))
    return levels


def _search(level: _Level, backends: Backends) -> Iterator[_Candidate]:
    floor = _CANDIDATE if level.scale < 1 else _ACCEPT
    for x, y, tile in _tiles(level.pixels):
        for face in backends.primary.detect(tile, floor):
            yield level.candidate(face, x, y)


def _second_opinion(level: _Level, backends: Backends) -> Iterator[_Candidate]:
    for x, y, part in [(0, 0, level.pixels), *_quarters(level.pixels)]:
        for face in backends.second.detect(part, _SECOND_CANDIDATE):
            placed_well = face.box.side >= _SECOND_PRECISE * max(part.shape)
            score = face.score if placed_well else min(face.score, _SECOND_CANDIDATE)
            yield level.candidate(replace(face, score=score), x, y)


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    # Area interpolation is exact and fast for whole factors, and slow where linear is nearly as good.
    factor = size[0] / pixels.shape[1]
    how = cv2.INTER_AREA if factor < 0.39 or abs(factor - 0.5) < 0.01 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def _tiles(pixels: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    """Cut a picture into overlapping tiles, so that memory does not grow with the photo."""
    height, width = pixels.shape[:2]
    for y1, y2 in _spans(height):
        for x1, x2 in _spans(width):
            yield x1, y1, np.ascontiguousarray(pixels[y1:y2, x1:x2])


def _spans(length: int) -> list[tuple[int, int]]:
    if length <= _TILE:
        return [(0, length)]
    count = -(-(length - _TILE_OVERLAP) // (_TILE - _TILE_OVERLAP))
    size = -(-(length + (count - 1) * _TILE_OVERLAP) // count)
    return [(start, min(length, start + size)) for start in range(0, length - _TILE_OVERLAP, size - _TILE_OVERLAP)]


def _quarters(pixels: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    height, width = pixels.shape[:2]
    tall, wide = -(-height * 3 // 5), -(-width * 3 // 5)
    for y in (0, height - tall):
        for x in (0, width - wide):
            yield x, y, pixels[y : y + tall, x : x + wide]


def _moved(face: Detection, factor: float, offset: tuple[float, float]) -> Detection:
    """Scale a detection and then shift it."""
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
    smaller, larger = sorted((one.area, other.area))
    return one.overlap(other) >= _SAME_INSIDE * smaller and smaller >= _SAME_AREA_RATIO * larger


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
    """Say whether two detections mean the same face, knowing how coarsely the second detector places it."""
    if same_face(one.box, other.box):
        return True
    if Source.BLAZEFACE not in (one.source, other.source):
        return False
    smaller, larger = sorted((one.box.area, other.box.area))
    return one.box.overlap(other.box) >= _COARSE_OVERLAP * smaller and smaller >= _COARSE_AREA_RATIO * larger


def _may_be_ghost(group: list[_Candidate], groups: list[list[_Candidate]]) -> bool:
    """Say whether a doubtful face half lies on a sure one of its size: often the same face, seen askew when coarse."""
    face = group[0].face
    if face.score >= _DOUBTFUL:
        return False
    sure = (g[0].face.box for g in groups if g[0].face.score >= _SURE)
    return any(
        face.box.overlap(box) >= _GHOST_OVERLAP * min(face.box.area, box.area)
        and min(face.box.area, box.area) >= _SAME_AREA_RATIO * max(face.box.area, box.area)
        for box in sure
    )


def _settle(pixels: Pixels, backends: Backends, group: list[_Candidate], *, ghostly: bool) -> Detection | None:
    """Accept a group as a face or not, with its best landmarks; a ghostly one has to be seen in the photo itself."""
    primary = [c for c in group if c.face.source is Source.YUNET]
    seconds = [c for c in group if c.face.source is Source.BLAZEFACE]
    best = (primary or group)[0]
    sure_of_second = any(c.face.score >= _SECOND_ACCEPT for c in seconds)
    accepted = not ghostly and (best.face.score >= _ACCEPT if primary else sure_of_second)
    closer = None
    if not accepted or (best.face.box.side >= _WORTH_A_CROP and not _has_good_landmarks(best)):
        closer = _look_closer(pixels, backends, best.face.box)
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


def _look_closer(pixels: Pixels, backends: Backends, box: BoundingBox) -> Detection | None:
    """Search once more around a face, in the photo itself, at the scale that suits its size."""
    scale = _CROP_FACE / max(box.width, box.height, 1.0)
    crop, offset = cut_out(pixels, box.center, _CROP / scale, _CROP)
    found = [_moved(face, 1 / scale, offset) for face in backends.primary.detect(crop, _CANDIDATE)]
    return max((f for f in found if same_face(f.box, box)), key=lambda f: f.score, default=None)


def cut_out(
    pixels: Pixels, center: tuple[float, float], extent: float, side: int
) -> tuple[Pixels, tuple[float, float]]:
    """Cut a square out of a picture and resize it; beyond the edge the picture's border is repeated.

    Args:
        pixels: (H, W, 3) uint8.
        center: Middle of the square, (x, y).
        extent: Its side in pixels of the picture.
        side: Its side in the result.

    Returns:
        The (side, side, 3) uint8 crop and the place of its top left corner in the picture, (x, y).
    """
    left, top = center[0] - extent / 2, center[1] - extent / 2
    factor = side / extent
    if factor < 0.5:
        # A warp alone would skip pixels; shrink by a whole factor first.
        pixels, left_in, top_in, shrink = _shrunk_region(pixels, (left, top), extent, int(1 / factor))
        factor *= shrink
    else:
        left_in, top_in = left, top
    warp = np.array([[factor, 0, -left_in * factor], [0, factor, -top_in * factor]], np.float32)
    crop = cv2.warpAffine(pixels, warp, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8), (left, top)


def _shrunk_region(
    pixels: Pixels, corner: tuple[float, float], extent: float, shrink: int
) -> tuple[Pixels, float, float, int]:
    height, width = pixels.shape[:2]
    x1, y1 = max(0, min(width - shrink, int(corner[0]) - shrink)), max(0, min(height - shrink, int(corner[1]) - shrink))
    x2 = max(x1 + shrink, min(width, int(corner[0] + extent) + shrink))
    y2 = max(y1 + shrink, min(height, int(corner[1] + extent) + shrink))
    region = pixels[y1:y2, x1:x2]
    size = max(1, region.shape[1] // shrink), max(1, region.shape[0] // shrink)
    region = region[: size[1] * shrink, : size[0] * shrink]
    small = np.asarray(cv2.resize(region, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, (corner[0] - x1) / shrink, (corner[1] - y1) / shrink, shrink


def _merge(faces: list[Detection]) -> list[Detection]:
    """Drop what a second look has moved onto another face."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if not any(same_face(face.box, other.box) for other in kept):
            kept.append(face)
    return kept

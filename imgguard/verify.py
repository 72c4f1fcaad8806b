"""Check the finished bytes before they are published, by other means than those that made them.

Another library decodes them, a scanner that shares no code with the writer lists their parts, both detectors search
them at scales that were not used before, and what lies under each cover is held against what was there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.covers import cover_mask, draw_cover, reach, window_of
from imgguard.detect import find_faces, look_closer
from imgguard.embed import embed_at, embed_nothing
from imgguard.grid import Grid
from imgguard.grouping import same_detection, same_face
from imgguard.lazy import cv2
from imgguard.reread import reread
from imgguard.sanitize import leftovers
from imgguard.scales import SECOND_LOOK, Pass, cut_out
from imgguard.threshold import SAME_PERSON
from imgguard.types import BoundingBox, Detection, Embedding, OutputCheck, Source
from imgguard.views import View

if TYPE_CHECKING:
    from imgguard.backends import Backends
    from imgguard.identify import Gallery
    from imgguard.types import Cover, Floats, Format, Mask, Photo, Pixels, Written

# Nothing under a cover should come as near as SAME_PERSON to the face that was there; nor be nearer to it by this
# much than a flat grey patch is. What resembles that to begin with is no face that could be known again.
_MORE_THAN_NOTHING = 0.15
# Share of the face's structure that is still there. Measured on 331 faces of 3 to 170 px: at most 0.34 under `blur`,
# 0.57 under `solid` (of 3 px), and 0.98 and more under no cover; a mosaic keeps up to half by design.
_STILL_THERE = 0.75
# What was drawn over a plain wall or a long edge goes on below the cover as it does around it, and tells nothing.
_AREA_STILL_THERE = 0.97
# Grey levels.
_FLAT = 0.25
_DETAIL_SIDE = 32
_DETAIL_SIGMA = 4.0
# A face with this share of its box under covers is taken as covered.
_UNDER_COVER = 0.8
# Of a face's smaller side: the soft rim of a cover reaches about as far.
_NEAR_COVER = 0.25
# Margin of the search in the source, of a face's smaller side; and the least it is done with, in pixels.
_AROUND = 3.0
_LEAST_SEARCH = 64
# Compression moves the mean of an 8 x 8 block by less than this.
_BLOCK = 8
_BLOCKS = Grid((_BLOCK, _BLOCK))
_BLOCK_TOLERANCE = 12
# Covers are rounded outwards to a picture's own blocks, of at most 32 pixels; in blocks of 8, and one for the edge.
_ROUNDED = 5
_FADE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class CoveredFace:
    """A face that must not be readable in the output.

    Attributes:
        detection: Where it is.
        cover: What lies over it.
        embedding: What it was before; None where it could not be compared or recognition is off.
        is_area: Whether it is no face, but something that was drawn by hand.
    """

    detection: Detection
    cover: Cover
    embedding: Embedding | None
    is_area: bool = False


def check_output(
    written: Written,
    container: Format,
    photo: Photo,
    covered: Sequence[CoveredFace],
    kept: Sequence[Detection],
    gallery: Gallery | None,
    backends: Backends,
    expected: Sequence[Detection] = (),
) -> OutputCheck:
    """Check finished bytes against the photo they were made from.

    Args:
        written: The finished file.
        container: What it should be.
        photo: The source.
        covered: Faces that must be gone.
        kept: Faces that may be seen.
        gallery: Who could be matched; None where recognition is off, and then nothing is embedded.
        backends: The models.
        expected: What else may look like a face and is to be seen; covers do not make way for it.

    Returns:
        What was found; `.ok` only where nothing was.
    """
    parts = leftovers(written.content, container)
    before, pixels = photo.stored, reread(written.content, container)
    if pixels is None or pixels.shape != before.shape:
        problem = "the finished file does not decode" if pixels is None else "the finished picture has another size"
        return OutputCheck(parts, (), (), 0, (problem,))
    mask = cover_mask([face.cover for face in covered], [face.box for face in kept], photo.size)
    found = find_faces(pixels, backends, SECOND_LOOK, in_company=bool(covered or kept or expected))
    return OutputCheck(
        leftovers=parts,
        readable=tuple(f.detection for f in covered if _is_readable(f, before, pixels, gallery, backends)),
        strays=_strays(found, mask, covered, (*kept, *expected), before, backends),
        changed_outside=_changed_outside(before, pixels, covered, written.tolerance, cut=photo.window is not None),
        problems=(),
    )


def _is_expected(face: Detection, mask: Mask, kept: Sequence[Detection]) -> bool:
    x1, y1, x2, y2 = window_of(face.box, (mask.shape[1], mask.shape[0]))
    area = mask[y1:y2, x1:x2]
    if not area.size or (area.mean() >= _UNDER_COVER and _features_under(mask, face)):
        return True
    return any(_is_kept(face, other) for other in kept)


def _strays(
    found: Sequence[Detection],
    mask: Mask,
    covered: Sequence[CoveredFace],
    kept: Sequence[Detection],
    before: Pixels,
    backends: Backends,
) -> tuple[Detection, ...]:
    """Pick the faces that should not be there; a cover that is taken for a face is none of them.

    A soft cover on a pair of shoulders looks like a far-off head. But whoever is in the output was in the source at
    the same place: if the same search and a closer look find nobody there but who is covered, nobody is left.
    """

    def was_there(face: Detection) -> bool:
        there = _found_around(face, before, backends)
        return not all(any(same_face(other.box, known.detection.box) for known in covered) for other in there)

    suspects = (face for face in found if not _is_expected(face, mask, kept))
    return tuple(face for face in suspects if not _is_near_cover(face, mask) or was_there(face))


def _found_around(face: Detection, before: Pixels, backends: Backends) -> list[Detection]:
    """Search the source where a face was found in the output: at the same scales, and once more closely."""
    size = (before.shape[1], before.shape[0])
    x1, y1, x2, y2 = window_of(face.box.grown(_AROUND), size)
    longest = max(x2 - x1, y2 - y1)
    passes = tuple(Pass(max(_LEAST_SEARCH, round(longest * scale))) for scale in SECOND_LOOK.scales(size))
    view = View.of(np.ascontiguousarray(before[y1:y2, x1:x2]), 1.0, (x1, y1))
    around = find_faces(view.pixels, backends, replace(SECOND_LOOK, passes=passes), in_company=True)
    there = [other for other in map(view.back, around) if same_detection(face, other)]
    closer = look_closer(before, backends, face.box)
    return [*there, closer] if closer else there


def _is_near_cover(face: Detection, mask: Mask) -> bool:
    x1, y1, x2, y2 = window_of(face.box.grown(_NEAR_COVER), (mask.shape[1], mask.shape[0]))
    return bool(mask[y1:y2, x1:x2].any())


def _features_under(mask: Mask, face: Detection) -> bool:
    """Say whether eyes, nose and mouth lie under covers, whatever of the forehead or the neck does not."""
    height, width = mask.shape
    points = np.clip(np.rint(face.landmarks), 0, (width - 1, height - 1)).astype(int)
    return bool(mask[points[:, 1], points[:, 0]].all())


def _is_kept(face: Detection, kept: Detection) -> bool:
    if same_face(face.box, kept.box):
        return True
    coarse = face.source is Source.BLAZEFACE and kept.box.holds(face.box.center)
    return coarse and same_detection(face, kept)


def _is_readable(face: CoveredFace, before: Pixels, after: Pixels, gallery: Gallery | None, backends: Backends) -> bool:
    if face.is_area:
        return area_left(before, after, face.detection.box) >= _AREA_STILL_THERE
    if detail_left(before, after, face.detection) >= _STILL_THERE:
        return True
    if gallery is None or face.embedding is None:
        return False
    left = embed_at(after, face.detection, backends)
    nothing = float(embed_nothing(backends).vector @ face.embedding.vector)
    similar = float(left.vector @ face.embedding.vector)
    if nothing < SAME_PERSON and not similar < max(SAME_PERSON, nothing + _MORE_THAN_NOTHING):
        return True
    return not gallery.similarity(left) < gallery.threshold


def detail_left(before: Pixels, after: Pixels, face: Detection) -> float:
    """Give the share of a face's structure that is still there: 1 is all of it, 0 none.

    The structure is what a band-pass leaves of the face's luma. The share is its correlation before and after, less
    where it has become weaker. Needs no model, so it also holds where recognition is off.
    """
    return _share_left(*(_detail(pixels, face) for pixels in (before, after)))


def area_left(before: Pixels, after: Pixels, box: BoundingBox) -> float:
    """Give the share of the structure inside a rectangle that is still there; see `detail_left`."""
    x1, y1, x2, y2 = window_of(box, (before.shape[1], before.shape[0]))
    if x1 >= x2 or y1 >= y2:
        return 0.0
    sigma = max(1.0, min(x2 - x1, y2 - y1) * _DETAIL_SIGMA / _DETAIL_SIDE)
    return _share_left(*(_band(pixels[y1:y2, x1:x2], sigma) for pixels in (before, after)))


def _share_left(one: Floats, other: Floats) -> float:
    strength, left = float(one.std()), float(other.std())
    if strength < _FLAT or left < _FLAT:
        return 0.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) * min(1.0, left / strength)


def _detail(pixels: Pixels, face: Detection) -> Floats:
    extent = max(face.box.width, face.box.height, 1.0)
    return _band(cut_out(pixels, face.box.center, extent, _DETAIL_SIDE).pixels, _DETAIL_SIGMA)


def _band(pixels: Pixels, sigma: float) -> Floats:
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)


def _changed_outside(
    before: Pixels, after: Pixels, covered: Sequence[CoveredFace], tolerance: int | None, *, cut: bool
) -> int:
    """Count the pixels outside of the covers and their soft rims that differ by more than the encoding explains.

    Where a part was cut out of a photo, the colours of its outermost pixels were mixed with what is no longer there.
    """
    height, width = before.shape[:2]
    near = _near(covered, (width, height))
    if tolerance is not None:
        outside = np.repeat(np.repeat(near == 0, _BLOCK, axis=0), _BLOCK, axis=1)[:height, :width].astype(np.uint8)
        if cut:
            outside[[0, -1]] = outside[:, [0, -1]] = 0
        return _moved(before, after, outside, tolerance)
    means = [_block_means(pixels, near.shape) for pixels in (before, after)]
    return int(((cv2.absdiff(*means).max(axis=2) > _BLOCK_TOLERANCE) & (near == 0)).sum()) * _BLOCK * _BLOCK


def _near(covered: Sequence[CoveredFace], size: tuple[int, int]) -> Pixels:
    """Give the blocks (rows, columns) of 8 x 8 pixels that covers take, each with its own soft rim."""
    near = np.zeros((-(-size[1] // _BLOCK), -(-size[0] // _BLOCK)), np.uint8)
    for face in covered:
        rim = int(min(face.cover.semi_axes) * _FADE) // _BLOCK + _ROUNDED
        beyond = rim * _BLOCK
        box = reach(face.cover)
        window = BoundingBox(box.x1 - beyond, box.y1 - beyond, box.x2 + beyond, box.y2 + beyond)
        x1, y1, x2, y2 = _BLOCKS.outwards(window_of(window, size), size)
        if x1 >= x2 or y1 >= y2:
            continue
        own = np.zeros((y2 - y1, x2 - x1), np.uint8)
        draw_cover(own, face.cover, (x1, y1))
        grown = cv2.dilate(_BLOCKS.touched(own.view(bool)).view(np.uint8), np.ones((2 * rim + 1,) * 2, np.uint8))
        near[y1 // _BLOCK :, x1 // _BLOCK :][: grown.shape[0], : grown.shape[1]] |= np.asarray(grown, np.uint8)
    return near


def _moved(before: Pixels, after: Pixels, where: Pixels, tolerance: int) -> int:
    # One pass tells that nothing moved, which is nearly always so.
    if cv2.norm(before, after, cv2.NORM_INF, mask=where) <= tolerance:
        return 0
    return int(np.count_nonzero((cv2.absdiff(before, after).max(axis=2) > tolerance) & (where > 0)))


def _block_means(pixels: Pixels, blocks: tuple[int, ...]) -> Pixels:
    """Average blocks of 8 x 8 pixels; where the last ones are partial, the edge goes on."""
    height, width = blocks[0] * _BLOCK, blocks[1] * _BLOCK
    missing = height - pixels.shape[0], width - pixels.shape[1]
    if any(missing):
        pixels = np.asarray(cv2.copyMakeBorder(pixels, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE), np.uint8)
    # Halving first has a fast path, and the mean of means is the mean.
    half = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(half, blocks[::-1], interpolation=cv2.INTER_AREA), np.uint8)

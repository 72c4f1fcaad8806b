"""The ways to cover a face that are attacked: imgguard's own styles, and what others do, for comparison."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from imgguard.covers import cover_for, cover_mask, reach, window_of
from imgguard.membrane import coarse_colour
from imgguard.redact import redact
from imgguard.types import BoundingBox, Style

if TYPE_CHECKING:
    from imgguard.types import Detection, Floats, Mask, Pixels

    Way = Callable[[Pixels, Detection], Pixels]

BARE = "no cover"
DEFACE = "deface 1.5, blur"
# A picture file of the user's own says as little as `solid`, and there is none here.
STYLES = tuple(style for style in Style if style.value != "image")
_GAUSSIAN_SIGMA = 0.25
_MOSAIC = 20
_DEFACE_SCALE = 1.3


def ways() -> dict[str, Way]:
    """Every way to cover, by the name of its row."""
    others: dict[str, Way] = {BARE: lambda pixels, face: pixels, "Gaussian, 1/4 of the face": gaussian}
    if (blur := deface_blur()) is not None:
        others[DEFACE] = blur
    others["mosaic of 20 px"] = mosaic
    return {**others, **{style.value: own(style) for style in STYLES}}


def own(style: Style) -> Way:
    """What imgguard does, by the product's own code."""
    return lambda pixels, face: redact(pixels, [cover_for(face, style)], ())


def under_cover(pixels: Pixels, face: Detection) -> Mask:
    """What imgguard's cover takes of a picture in every style, (H, W) bool."""
    size = (pixels.shape[1], pixels.shape[0])
    return np.logical_and.reduce([cover_mask([cover_for(face, style)], (), size) for style in STYLES])


def gaussian(pixels: Pixels, face: Detection) -> Pixels:
    """A Gaussian blur under imgguard's cover, its sigma a quarter of the face's width."""
    sigma = _GAUSSIAN_SIGMA * face.box.width
    box, margin = reach(cover_for(face, Style.SOLID)), 3 * sigma
    near = BoundingBox(box.x1 - margin, box.y1 - margin, box.x2 + margin, box.y2 + margin)
    x1, y1, x2, y2 = window_of(near, (pixels.shape[1], pixels.shape[0]))
    blurred = pixels.copy()
    blurred[y1:y2, x1:x2] = cv2.GaussianBlur(pixels[y1:y2, x1:x2], (0, 0), sigma)
    return np.where(under_cover(pixels, face)[..., None], blurred, pixels)


def mosaic(pixels: Pixels, face: Detection) -> Pixels:
    """Mean colours of blocks of 20 px under imgguard's cover."""
    height, width = pixels.shape[:2]
    blocks = pixels.copy()
    for y in range(0, height, _MOSAIC):
        for x in range(0, width, _MOSAIC):
            block = blocks[y : y + _MOSAIC, x : x + _MOSAIC]
            block[:] = block.mean(axis=(0, 1)).round()
    return np.where(under_cover(pixels, face)[..., None], blocks, pixels)


@cache
def deface_blur() -> Way | None:
    """Deface's own function with what it does if it is told nothing else; None where it cannot be imported."""
    try:
        anonymize = importlib.import_module("deface.deface").anonymize_frame
    except ImportError:
        return None

    def blur(pixels: Pixels, face: Detection) -> Pixels:
        frame = pixels.copy()
        row = np.array([[face.box.x1, face.box.y1, face.box.x2, face.box.y2, face.score]])
        anonymize(row, frame, _DEFACE_SCALE, "blur", True, False, None, _MOSAIC)
        return frame

    return blur


def face_colour(pixels: Pixels, box: BoundingBox) -> Floats:
    """All that `blur` may know of a face, (3,): its mean colour in 9 bits."""
    return coarse_colour(_inside(pixels, box))


def mean_colour(pixels: Pixels, box: BoundingBox) -> Floats:
    """The mean colour of a face that is not covered, (3,)."""
    return np.asarray(_inside(pixels, box).reshape(-1, 3).mean(axis=0), np.float32)


def _inside(pixels: Pixels, box: BoundingBox) -> Pixels:
    x1, y1, x2, y2 = window_of(box, (pixels.shape[1], pixels.shape[0]))
    return pixels[y1:y2, x1:x2]


def without_face(pixels: Pixels, face: Detection) -> Pixels:
    """The same picture with nothing under the cover but the face's 9-bit colour."""
    blank = pixels.copy()
    blank[under_cover(pixels, face)] = face_colour(pixels, face.box).round()
    return blank


def with_face_of(pixels: Pixels, face: Detection, donor: Pixels, theirs: Detection) -> Pixels:
    """The same picture with somebody else's head in the place of the face, eyes on eyes and mouth on mouth."""
    turn = cv2.estimateAffinePartial2D(theirs.landmarks, face.landmarks, method=cv2.LMEDS)[0]
    size = (pixels.shape[1], pixels.shape[0])
    moved = cv2.warpAffine(donor, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.where(under_cover(pixels, face)[..., None], moved, pixels)

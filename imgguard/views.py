"""What a detector is shown (a part of a photo, resized, mirrored, turned) and the way back to the photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from imgguard.lazy import cv2
from imgguard.types import BoundingBox, Detection

if TYPE_CHECKING:
    from imgguard.types import Pixels

# Left and right of a face change places in a mirror.
_MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]

_Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture made of a part of a photo.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        way_back: Rows of the (2, 3) affine matrix from the view's coordinates to the photo's.
        mirrors: Whether left and right have changed places.
    """

    pixels: Pixels
    way_back: _Matrix
    mirrors: bool = False

    @classmethod
    def of(cls, pixels: Pixels, scale: float, corner: tuple[float, float] = (0.0, 0.0)) -> Self:
        """A view that was cut out of the photo at `corner` (x, y) and resized by `scale`."""
        return cls(pixels, ((1 / scale, 0.0, corner[0]), (0.0, 1 / scale, corner[1])))

    def mirrored(self) -> View:
        """The view as a mirror shows it."""
        flip = ((-1.0, 0.0, float(self.pixels.shape[1])), (0.0, 1.0, 0.0))
        pixels = np.asarray(cv2.flip(self.pixels, 1), np.uint8)
        return View(pixels, _after(flip, self.way_back), not self.mirrors)

    def turned(self, quarters: int) -> View:
        """The view turned by so many quarters, 0 to 3, counter-clockwise."""
        if quarters == 0:
            return self
        height, width = (float(length) for length in self.pixels.shape[:2])
        ways: tuple[_Matrix, ...] = (
            ((0.0, -1.0, width), (1.0, 0.0, 0.0)),
            ((-1.0, 0.0, width), (0.0, -1.0, height)),
            ((0.0, 1.0, 0.0), (-1.0, 0.0, height)),
        )
        turns = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)
        pixels = np.asarray(cv2.rotate(self.pixels, turns[quarters - 1]), np.uint8)
        return View(pixels, _after(ways[quarters - 1], self.way_back), self.mirrors)

    def back(self, face: Detection) -> Detection:
        """Bring a detection from the view into the photo."""
        (a, b, left), (c, d, top) = self.way_back
        box = face.box
        xs = sorted((a * box.x1 + b * box.y1 + left, a * box.x2 + b * box.y2 + left))
        ys = sorted((c * box.x1 + d * box.y1 + top, c * box.x2 + d * box.y2 + top))
        x, y = face.landmarks[:, 0], face.landmarks[:, 1]
        landmarks = np.stack([a * x + b * y + left, c * x + d * y + top], axis=1, dtype=np.float32)
        if self.mirrors:
            landmarks = landmarks[_MIRRORED_LANDMARKS]
        landmarks.setflags(write=False)
        return replace(face, box=BoundingBox(xs[0], ys[0], xs[1], ys[1]), landmarks=landmarks)


def _after(first: _Matrix, then: _Matrix) -> _Matrix:
    """The matrix that does one and then the other."""
    square = np.vstack([np.array(first), [0.0, 0.0, 1.0]])
    one, other = (np.array(then) @ square).tolist()
    return (one[0], one[1], one[2]), (other[0], other[1], other[2])

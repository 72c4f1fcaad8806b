"""Large scenes: event pictures put into one photo of 12 to 50 megapixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from common import Labelled

from imgguard.types import BoundingBox

if TYPE_CHECKING:
    from numpy.random import Generator

    from imgguard.types import Pixels

# A face counts from this size on in the scene, if it was not enlarged from less than that.
SMALLEST, SMALLEST_BEFORE = 24.0, 12.0
_ENLARGED = (1.0, 3.0)
_GAP = 12


@dataclass(frozen=True, slots=True)
class Size:
    """A size of scenes.

    Attributes:
        width: In pixels.
        height: In pixels.
        columns: Pictures side by side.
        rows: Pictures above each other.
        count: How many scenes are built.
    """

    width: int
    height: int
    columns: int
    rows: int
    count: int

    @property
    def megapixels(self) -> float:
        """Width by height."""
        return self.width * self.height / 1e6


SIZES = (Size(4000, 3000, 4, 3, 2), Size(6000, 4000, 5, 4, 2), Size(8192, 6144, 6, 5, 1))


def build_scene(size: Size, pictures: Sequence[Labelled], seed: int) -> Labelled:
    """Place pictures that show a face of some size on a drawn ground, each as large as its smallest face wants."""
    rng = np.random.default_rng(seed)
    canvas = ground(size.width, size.height, rng)
    usable = [p for p in pictures if any(face.side >= SMALLEST_BEFORE for face in p.faces)]
    chosen = rng.choice(len(usable), size.columns * size.rows, replace=len(usable) < size.columns * size.rows)
    cell = size.width // size.columns, size.height // size.rows
    faces: list[BoundingBox] = []
    ignore: list[BoundingBox] = []
    for place, index in enumerate(chosen):
        picture = usable[index]
        scale = _scale(picture, cell, rng)
        resized = cv2.resize(picture.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        height, width = resized.shape[:2]
        left = place % size.columns * cell[0] + int(rng.integers(0, cell[0] - width))
        top = place // size.columns * cell[1] + int(rng.integers(0, cell[1] - height))
        canvas[top : top + height, left : left + width] = resized
        for face in picture.faces:
            counts = face.side >= SMALLEST_BEFORE and face.side * scale >= SMALLEST
            (faces if counts else ignore).append(_moved(face, scale, left, top))
        ignore += [_moved(box, scale, left, top) for box in picture.ignore]
    return Labelled(f"{size.megapixels:.0f} megapixels, seed {seed}", canvas, tuple(faces), tuple(ignore))


def ground(width: int, height: int, rng: Generator) -> Pixels:
    """A picture of nothing: colours that run into each other, and a camera's grain."""
    colours = rng.uniform(40, 220, (4, 5, 3)).astype(np.float32)
    smooth = cv2.resize(colours, (width, height), interpolation=cv2.INTER_LINEAR)
    grain = cv2.resize(rng.normal(0, 4, (1024, 1024)).astype(np.float32), (1024, 1024))
    tiled = np.tile(grain, (-(-height // 1024), -(-width // 1024)))[:height, :width, None]
    return np.clip(smooth + tiled, 0, 255).astype(np.uint8)


def _scale(picture: Labelled, cell: tuple[int, int], rng: Generator) -> float:
    """At random, but so that the smallest face that counts becomes large enough where the place allows it."""
    height, width = picture.pixels.shape[:2]
    smallest = min(face.side for face in picture.faces if face.side >= SMALLEST_BEFORE)
    wanted = max(float(rng.uniform(*_ENLARGED)), SMALLEST / smallest)
    return min(wanted, _ENLARGED[1], (cell[0] - _GAP) / width, (cell[1] - _GAP) / height)


def _moved(box: BoundingBox, scale: float, left: float, top: float) -> BoundingBox:
    return BoundingBox(left + box.x1 * scale, top + box.y1 * scale, left + box.x2 * scale, top + box.y2 * scale)

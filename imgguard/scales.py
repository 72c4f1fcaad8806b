"""The photo at the scales at which it is searched, in tiles that bound the memory, and crops of single faces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgguard.lazy import cv2

if TYPE_CHECKING:
    from imgguard.types import Pixels

TILE = 1280
_TILE_OVERLAP = 80


@dataclass(frozen=True, slots=True)
class Look:
    """How a photo is searched: once finely and once coarsely.

    The primary detector finds faces of 10 to 300 px in what it is given, so that two searches meet each other over
    the whole range from the smallest face to one that fills the frame.

    Attributes:
        side: The fine search has at least this many pixels on the longer side; smaller photos are enlarged.
        share: And at least this share of the photo's own.
        coarse: The coarse search has this many.
        second_opinion: Whether the second detector looks too.
        thorough: Whether it also looks at quarters of the photo, and landmarks are made precise for embedding.
    """

    side: int
    share: float
    coarse: int
    second_opinion: bool = True
    thorough: bool = True

    def scales(self, size: tuple[int, int]) -> tuple[float, float]:
        """The factors by which a photo of `size` (width, height) is resized for the fine and the coarse search."""
        longest = max(size)
        return max(self.side / longest, self.share), self.coarse / longest


FIRST_LOOK = Look(1280, 0.5, coarse=640)
# For the check of the output: in between the others, so that a face which fell through there has a new chance.
SECOND_LOOK = Look(960, 0.32, coarse=480, thorough=False)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The photo at the scale of one search."""

    pixels: Pixels
    scale: float


def pyramid(pixels: Pixels, look: Look) -> list[Level]:
    """Resize a photo for each search, each from the one before, which costs a fraction of doing it from the photo."""
    height, width = pixels.shape[:2]
    levels: list[Level] = []
    source = pixels
    for scale in look.scales((width, height)):
        source = _resized(source, (max(1, round(width * scale)), max(1, round(height * scale))))
        levels.append(Level(source, scale))
    return levels


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    # Area interpolation is exact and fast for whole factors, and slow where linear is nearly as good.
    factor = size[0] / pixels.shape[1]
    how = cv2.INTER_AREA if factor < 0.3 or abs(factor - 0.5) < 0.01 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def tiles(pixels: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    """Cut a picture into overlapping tiles, so that memory does not grow with the photo."""
    height, width = pixels.shape[:2]
    for y1, y2 in _spans(height):
        for x1, x2 in _spans(width):
            yield x1, y1, np.ascontiguousarray(pixels[y1:y2, x1:x2])


def _spans(length: int) -> list[tuple[int, int]]:
    if length <= TILE:
        return [(0, length)]
    count = -(-(length - _TILE_OVERLAP) // (TILE - _TILE_OVERLAP))
    size = -(-(length + (count - 1) * _TILE_OVERLAP) // count)
    return [(start, min(length, start + size)) for start in range(0, length - _TILE_OVERLAP, size - _TILE_OVERLAP)]


def quarters(pixels: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    """Cut a picture into four overlapping parts, each three fifths of its width and height."""
    height, width = pixels.shape[:2]
    tall, wide = -(-height * 3 // 5), -(-width * 3 // 5)
    for y in (0, height - tall):
        for x in (0, width - wide):
            yield x, y, pixels[y : y + tall, x : x + wide]


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

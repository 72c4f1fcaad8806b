"""The photo at the scales at which it is searched, in tiles that bound the memory, and crops of single faces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from imgguard.lazy import cv2
from imgguard.views import View

if TYPE_CHECKING:
    from imgguard.types import Pixels

TILE = 1280
TILE_OVERLAP = 80

# Measured on event photos, see docs/accuracy.md. Small faces are hard to find, and a small cover too many costs
# little; what is smaller still can hardly be recognised by anybody; a large false cover costs the picture.
_NEEDED = ((8.0, 0.55), (12.0, 0.18), (18.0, 0.24), (40.0, 0.28), (80.0, 0.40))
_NEEDED_BY_MANY = ((8.0, 0.40), (12.0, 0.15), (18.0, 0.18), (40.0, 0.25), (80.0, 0.40))
_NEEDED_BY_CHECK = ((8.0, 0.55), (12.0, 0.32), (40.0, 0.32), (80.0, 0.40))


@dataclass(frozen=True, slots=True)
class Pass:
    """One search of the whole photo.

    Attributes:
        side: The photo is resized to at least this many pixels on its longer side; smaller ones are enlarged.
        share: And to at least this share of its own size.
    """

    side: int
    share: float = 0.0

    def scale(self, size: tuple[int, int]) -> float:
        """The factor by which a photo of `size` (width, height) is resized."""
        return max(self.side / max(size), self.share)


@dataclass(frozen=True, slots=True)
class Look:
    """How a photo is searched.

    The primary detector finds faces of 10 to 300 px in what it is given, so that the passes meet each other over
    the whole range from the smallest face to one that fills the frame. What several of them see is surer than what
    one of them sees.

    Attributes:
        passes: From fine to coarse.
        needed: What the passes together have to score where the photo shows people, as (size, score) pairs; size is
            the smaller side of the face in pixels of the photo, and between the pairs it is interpolated.
        mirrored: Whether each pass is made in the mirror too.
        turned: Whether the coarsest pass is also made of the photo on its sides and upside down.
        second_opinion: Whether the second detector looks too.
    """

    passes: tuple[Pass, ...]
    needed: tuple[tuple[float, float], ...] = _NEEDED
    mirrored: bool = False
    turned: bool = True
    second_opinion: bool = True

    def scales(self, size: tuple[int, int]) -> tuple[float, ...]:
        """The factors by which a photo of `size` (width, height) is resized, from fine to coarse."""
        return tuple(sorted({one.scale(size) for one in self.passes}, reverse=True))


class Search(StrEnum):
    """How much time is taken to find faces."""

    FAST = "fast"
    NORMAL = "normal"
    THOROUGH = "thorough"

    @property
    def look(self) -> Look:
        """What it means."""
        return _LOOKS[self]


_LOOKS = {
    Search.FAST: Look((Pass(960, 0.35), Pass(640)), turned=False),
    Search.NORMAL: Look((Pass(1280, 0.5), Pass(960), Pass(640))),
    Search.THOROUGH: Look((Pass(1600, 0.75), Pass(1280, 0.35), Pass(960), Pass(640)), _NEEDED_BY_MANY, mirrored=True),
}
# For the check of the output: in between the others, so that a face which fell through there has a new chance.
SECOND_LOOK = Look((Pass(840, 0.32), Pass(480)), _NEEDED_BY_CHECK, turned=False)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The photo at the scale of one pass."""

    pixels: Pixels
    scale: float

    @property
    def tiled(self) -> bool:
        """Whether it is larger than what is searched at once."""
        return bool(max(self.pixels.shape) > TILE)

    def whole(self) -> View:
        """All of it in one view."""
        return View.of(self.pixels, self.scale)

    def tiles(self) -> Iterator[View]:
        """Cut it into overlapping tiles, so that memory does not grow with the photo."""
        height, width = self.pixels.shape[:2]
        for y1, y2 in spans(height):
            for x1, x2 in spans(width):
                tile = np.ascontiguousarray(self.pixels[y1:y2, x1:x2])
                yield View.of(tile, self.scale, (x1 / self.scale, y1 / self.scale))


def pyramid(pixels: Pixels, look: Look) -> list[Level]:
    """Resize a photo for each pass, each from the one before, which costs a fraction of doing it from the photo."""
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


def spans(length: int) -> list[tuple[int, int]]:
    """Where the tiles of a length begin and end; each overlaps the next."""
    if length <= TILE:
        return [(0, length)]
    count = -(-(length - TILE_OVERLAP) // (TILE - TILE_OVERLAP))
    size = -(-(length + (count - 1) * TILE_OVERLAP) // count)
    return [(start, min(length, start + size)) for start in range(0, length - TILE_OVERLAP, size - TILE_OVERLAP)]


def cut_out(pixels: Pixels, center: tuple[float, float], extent: float, side: int) -> View:
    """Cut a square out of a picture and resize it; beyond the edge the picture's border is repeated.

    Args:
        pixels: (H, W, 3) uint8.
        center: Middle of the square, (x, y).
        extent: Its side in pixels of the picture.
        side: Its side in the result.

    Returns:
        The (side, side, 3) crop, as a view of the picture.
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
    return View.of(np.asarray(crop, np.uint8), side / extent, (left, top))


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

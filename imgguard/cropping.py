"""Leave out people instead of covering them, where they stand at the edge and enough of the photo is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.covers import bounds, head_around, reach, shifted
from imgguard.grid import PIXELS, Grid
from imgguard.types import BoundingBox, Cover, Detection, Oval, Photo

if TYPE_CHECKING:
    from imgguard.types import Pixels

    Window = tuple[int, int, int, int]

# Of the photo's area; less would no longer be the photo that somebody took.
LEAST_SHARE = 0.6


def crop_around(
    covers: Iterable[Cover], kept: Iterable[BoundingBox], size: tuple[int, int], grid: Grid = PIXELS
) -> Window | None:
    """Find the largest part of a photo that leaves out whoever must be covered and shows the heads of all others.

    Args:
        covers: What covers would take.
        kept: Boxes of the faces that stay visible.
        size: Width and height of the photo.
        grid: The blocks of which it is made; the part is cut between them.

    Returns:
        Half-open (x1, y1, x2, y2), at least 60 % of the photo; None where there is no such part, or nobody to leave
        out.
    """
    avoided = [reach(cover).clipped(size) for cover in covers]
    heads = [bounds(head_around(box)).clipped(size) for box in kept]
    window = largest_crop(avoided, heads, size, grid) if avoided else None
    if window is None or _area(window) < LEAST_SHARE * size[0] * size[1]:
        return None
    return window


def largest_crop(
    avoided: Sequence[BoundingBox], held: Sequence[BoundingBox], size: tuple[int, int], grid: Grid = PIXELS
) -> Window | None:
    """Find the largest window that meets none of some boxes and holds all of some others.

    Its sides lie between blocks, or at the edges of the picture. Each side of a largest window touches a box or an
    edge, so trying those is enough.

    Args:
        avoided: Boxes inside the picture that the window may not meet.
        held: Boxes inside the picture that it must hold.
        size: Width and height of the picture.
        grid: The blocks of which it is made.

    Returns:
        Half-open (x1, y1, x2, y2); None where there is none.
    """
    width, height = size
    solid = [box for box in avoided if box.area > 0]
    lefts = {_up(x, grid, 0, width) for x in (0.0, *(box.x2 for box in solid))}
    rights = {_down(x, grid, 0, width) for x in (float(width), *(box.x1 for box in solid))}
    first, last = min((box.x1 for box in held), default=width), max((box.x2 for box in held), default=0)
    top, bottom = min((box.y1 for box in held), default=height), max((box.y2 for box in held), default=0)
    best: Window | None = None
    for x1 in (x for x in lefts if x <= first):
        for x2 in (x for x in rights if x >= max(last, x1 + 1)):
            between = [box for box in solid if box.x1 < x2 and box.x2 > x1]
            for y1, y2 in _gaps(between, height, grid):
                window = x1, y1, x2, y2
                if y1 <= top and y2 >= bottom and y1 < y2 and (best is None or _rank(window) > _rank(best)):
                    best = window
    return best


def crop_photo(photo: Photo, window: Window) -> Photo:
    """Cut a photo; what is cut from it says so in `window`."""
    x1, y1, x2, y2 = window
    part = slice(y1, y2), slice(x1, x2)
    pixels = _cut(photo.pixels, part)
    stored = pixels if photo.stored is photo.pixels else _cut(photo.stored, part)
    raster = replace(photo.raster, samples=photo.raster.samples[part]) if photo.raster else None
    x, y = photo.window[:2] if photo.window else (0, 0)
    inside = x + x1, y + y1, x + x2, y + y2
    return replace(photo, pixels=pixels, stored=stored, raster=raster, window=inside)


def moved_detection(detection: Detection, corner: tuple[int, int]) -> Detection:
    """Give a face in the coordinates of a window whose top left is at `corner`."""
    return replace(
        detection,
        box=shifted(detection.box, corner),
        landmarks=np.asarray(detection.landmarks - np.array(corner, np.float32), np.float32),
    )


def moved_cover(cover: Cover, corner: tuple[int, int]) -> Cover:
    """Give a cover in the coordinates of a window whose top left is at `corner`."""
    body = cover.body and Oval(_moved(cover.body.center, corner), cover.body.semi_axes, cover.body.angle)
    return replace(cover, face=shifted(cover.face, corner), center=_moved(cover.center, corner), body=body)


def is_outside(cover: Cover, window: Window) -> bool:
    """Say whether nothing of a cover lies in a window."""
    return reach(cover).overlap(BoundingBox(*window)) == 0


def _moved(point: tuple[float, float], corner: tuple[int, int]) -> tuple[float, float]:
    return point[0] - corner[0], point[1] - corner[1]


def _cut(array: Pixels, part: tuple[slice, slice]) -> Pixels:
    whole = np.ascontiguousarray(array[part])
    whole.setflags(write=False)
    return whole


def _gaps(boxes: Sequence[BoundingBox], height: int, grid: Grid) -> Iterator[tuple[int, int]]:
    """Give the stretches from top to bottom that no box takes."""
    begin = 0.0
    for box in sorted(boxes, key=lambda box: box.y1):
        if box.y1 > begin:
            yield _up(begin, grid, 1, height), _down(box.y1, grid, 1, height)
        begin = max(begin, box.y2)
    yield _up(begin, grid, 1, height), height


def _up(value: float, grid: Grid, axis: int, length: int) -> int:
    """The next boundary between blocks at or after a value; the edges of the picture are boundaries."""
    if value <= 0:
        return 0
    step, offset = grid.step[axis], grid.offset[axis]
    return min(length, int(-((offset - value) // step)) * step + offset)


def _down(value: float, grid: Grid, axis: int, length: int) -> int:
    if value >= length:
        return length
    step, offset = grid.step[axis], grid.offset[axis]
    return max(0, int((value - offset) // step) * step + offset)


def _area(window: Window) -> int:
    return max(0, window[2] - window[0]) * max(0, window[3] - window[1])


def _rank(window: Window) -> tuple[int, tuple[int, int, int, int]]:
    """By area; of equal ones always the same."""
    return _area(window), (-window[0], -window[1], window[2], window[3])

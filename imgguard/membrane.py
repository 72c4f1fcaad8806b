"""The soft ground of every cover: computed from what lies outside of all covers, as if the surroundings grew together.

Faces that stand close together share one ground, or a seam would show where their covers meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgguard.covers import ellipse_radius, reach, shifted, window_of
from imgguard.grid import Grid
from imgguard.lazy import cv2
from imgguard.types import BoundingBox, Cover, Style

if TYPE_CHECKING:
    from imgguard.types import Floats, Mask, Pixels

# Pixels: a decoder that interpolates chroma mixes neighbours (T.81 leaves upsampling open; libjpeg reaches one).
MIXED = 2
# Least value, step and number of levels of Y, Cr and Cb: 4 + 3 + 2 bits. Grey is one of the colours.
_COARSE_YCRCB = ((0, 16, 16), (112.5, 10, 8), (78.5, 14, 4))
_NEUTRAL = 128.0
# Of the cover's smaller half axis: how far the surroundings reach from which it is computed.
_SURROUND = 0.7
# Cells of the ground to a cover's smaller half axis, and at most on a side.
_CELLS = 12
_MOST_CELLS = 320
_FINER = 4
_SMOOTHING = (5, 5, 5, 3, 3, 3, 3, 3)
_TINT = 0.9
_TINTED = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The colours below some covers.

    Attributes:
        colours: (h, w, 3) uint8, coarse.
        window: What they lie over, (x1, y1, x2, y2).
    """

    colours: Pixels
    window: tuple[int, int, int, int]

    def within(self, window: tuple[int, int, int, int]) -> Pixels:
        """Give the pixels of a window of the picture."""
        x1, y1, x2, y2 = window
        rows, columns = self.colours.shape[:2]
        scale_x = columns / (self.window[2] - self.window[0])
        scale_y = rows / (self.window[3] - self.window[1])
        begin_x = (x1 + 0.5 - self.window[0]) * scale_x - 0.5
        begin_y = (y1 + 0.5 - self.window[1]) * scale_y - 0.5
        back = np.array([[scale_x, 0, begin_x], [0, scale_y, begin_y]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        fine = cv2.warpAffine(self.colours, back, (x2 - x1, y2 - y1), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(fine, np.uint8)


def grounds(pixels: Pixels, covered: Mask, covers: Sequence[Cover], grid: Grid) -> list[Ground]:
    """Compute the ground of each cover; covers that touch each other have one in common.

    Args:
        pixels: (H, W, 3) the source.
        covered: (H, W) what covers take; nothing of it, nor of what is mixed with it, has any weight.
        covers: The covers.
        grid: The blocks of which the picture is made.

    Returns:
        One for each cover. Those of style `blur` also hold the coarse mean colours of their faces.
    """
    found: dict[int, Ground] = {}
    for together in _clusters(covers, grid, (pixels.shape[1], pixels.shape[0])):
        ground = _ground(pixels, covered, [covers[i] for i in together], grid)
        found.update(dict.fromkeys(together, ground))
    return [found[i] for i in range(len(covers))]


def surrounded(cover: Cover, margin: float, grid: Grid, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Give the window that the blocks of a cover and a margin around them take."""
    box = BoundingBox(*grid.outwards(window_of(reach(cover), size), size))
    wide = BoundingBox(box.x1 - margin, box.y1 - margin, box.x2 + margin, box.y2 + margin)
    return window_of(wide, size)


def widened(mask: Mask) -> Mask:
    """Add to a mask the pixels whose colours a decoder mixes with it."""
    side = 2 * MIXED + 1
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)), np.uint8).view(bool)


def coarse_colour(pixels: Pixels) -> Floats:
    """Give the mean colour of some pixels in 9 bits, spread so that skin does not turn green or violet.

    Luma has 16 levels; the chroma (BT.601) in which faces lie has 4 for blue and 8 for red.

    Args:
        pixels: (..., 3) uint8 RGB.

    Returns:
        (3,) float32 RGB: one of 512 colours.
    """
    return coarse(pixels, _COARSE_YCRCB)


def coarse(pixels: Pixels, levels_of: Sequence[tuple[float, float, int]]) -> Floats:
    """Give the mean colour of some pixels in levels: least value, step and number for each of Y, Cr and Cb."""
    mean = np.array(cv2.mean(np.ascontiguousarray(pixels.reshape(-1, 1, 3)))[:3], np.float32).reshape(1, 1, 3)
    channels = cv2.cvtColor(mean / np.float32(255), cv2.COLOR_RGB2YCrCb).reshape(3)
    for index, (least, step, levels) in enumerate(levels_of):
        level = np.clip(np.floor((channels[index] * 255 - least) / step), 0, levels - 1)
        channels[index] = (least + (level + 0.5) * step) / 255
    colour = cv2.cvtColor(channels.reshape(1, 1, 3), cv2.COLOR_YCrCb2RGB).reshape(3) * 255
    return np.asarray(np.clip(colour, 0, 255), np.float32)


def _clusters(covers: Sequence[Cover], grid: Grid, size: tuple[int, int]) -> list[list[int]]:
    """Group the covers whose surroundings overlap."""
    boxes = [BoundingBox(*_seen(cover, grid, size)) for cover in covers]
    clusters: list[list[int]] = []
    for index, box in enumerate(boxes):
        near = [cluster for cluster in clusters if any(box.overlap(boxes[other]) > 0 for other in cluster)]
        clusters = [cluster for cluster in clusters if cluster not in near]
        clusters.append([*(other for cluster in near for other in cluster), index])
    return clusters


def _seen(cover: Cover, grid: Grid, size: tuple[int, int]) -> tuple[int, int, int, int]:
    return surrounded(cover, _SURROUND * min(cover.semi_axes) + MIXED, grid, size)


def _ground(pixels: Pixels, covered: Mask, covers: Sequence[Cover], grid: Grid) -> Ground:
    windows = [_seen(cover, grid, (pixels.shape[1], pixels.shape[0])) for cover in covers]
    x1, y1 = (min(window[i] for window in windows) for i in (0, 1))
    x2, y2 = (max(window[i] for window in windows) for i in (2, 3))
    window, there = (x1, y1, x2, y2), pixels[y1:y2, x1:x2]
    if not there.size:
        return Ground(np.full((1, 1, 3), _NEUTRAL, np.uint8), (x1, y1, x1 + 1, y1 + 1))
    fine = min(_CELLS / min(min(cover.semi_axes) for cover in covers), _MOST_CELLS / max(x2 - x1, y2 - y1), 1.0)
    size = max(2, round((x2 - x1) * fine)), max(2, round((y2 - y1) * fine))
    colours = _membrane(there, widened(covered[y1:y2, x1:x2]), size)
    for cover in covers:
        if cover.style is Style.BLUR:
            inside = np.clip((1 - ellipse_radius(cover.head, window, size)) / np.float32(_TINTED), 0, 1)[..., None]
            weight = np.float32(_TINT) * inside * inside * (3 - 2 * inside)
            colours = colours * (1 - weight) + _face_colour(there, cover, (x1, y1)) * weight
    # Finer in floating point first, so that no cell shows as a facet or a step.
    finer = cv2.resize(colours, (size[0] * _FINER, size[1] * _FINER), interpolation=cv2.INTER_CUBIC)
    return Ground(np.clip(finer + 0.5, 0, 255).astype(np.uint8), window)


def _face_colour(there: Pixels, cover: Cover, corner: tuple[int, int]) -> Floats:
    x1, y1, x2, y2 = window_of(shifted(cover.face, corner), (there.shape[1], there.shape[0]))
    cell = there[y1:y2, x1:x2]
    return coarse_colour(cell) if cell.size else np.full(3, _NEUTRAL, np.float32)


def _membrane(pixels: Pixels, covered: Mask, size: tuple[int, int]) -> Floats:
    """Spread what is not covered over what is, in cells.

    A cell counts as known only as far as none of it is covered, so that no covered pixel has any weight.
    """
    free = np.where(covered, np.uint8(0), np.uint8(255))
    weight = cv2.resize(free, size, interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
    uncovered = cv2.bitwise_and(pixels, pixels, mask=free)
    light = cv2.resize(uncovered, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = weight > 0.5
    if not known.any():
        return np.full((size[1], size[0], 3), _NEUTRAL, np.float32)
    held = np.where(known, light / np.maximum(weight, np.float32(1e-6)), 0).astype(np.float32)
    field = _spread(held, known.astype(np.float32))
    for side in _SMOOTHING:
        field = np.where(known, held, cv2.blur(field, (side, side), borderType=cv2.BORDER_REPLICATE))
    return np.asarray(cv2.GaussianBlur(field, (0, 0), 1.5), np.float32)


def _spread(light: Floats, weight: Floats) -> Floats:
    """Fill where the weight is 0 from ever wider surroundings (pull-push: Gortler and others 1996, The Lumigraph).

    Args:
        light: (h, w, 3) colours times their weight.
        weight: (h, w, 1) 0 to 1.
    """
    height, width = weight.shape[:2]
    own = light / np.maximum(weight, np.float32(1e-6))
    if max(height, width) <= 2:
        return np.asarray(np.where(weight > 0, own, light.sum((0, 1)) / max(1e-6, float(weight.sum()))), np.float32)
    coarser = _spread(
        np.asarray(cv2.pyrDown(light), np.float32), np.asarray(cv2.pyrDown(weight)[..., None], np.float32)
    )
    behind = cv2.resize(coarser, (width, height), interpolation=cv2.INTER_LINEAR)
    # What is known by half is known well enough: the rest would only blur the rim.
    sure = np.minimum(weight * 2, np.float32(1))
    return np.asarray(own * sure + behind * (1 - sure), np.float32)

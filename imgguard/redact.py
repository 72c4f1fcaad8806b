"""Cover faces. Pure functions of pixels; the result is a new array.

No style lets the face through. `blur` is computed from what lies outside of all covers, plus one mean colour of
the face in 9 bits, and only looks like a lens blur; a real blur, however strong, can be matched or undone (Revelio
2025, arXiv 2506.12344; McPherson et al. 2016, arXiv 1609.00408). `pixelate` holds 16 cells of 9 bits. `solid` holds
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgguard.covers import cover_mask, draw_cover, radius_in, reach, shifted, window_of
from imgguard.grid import PIXELS, Grid
from imgguard.lazy import cv2
from imgguard.types import BoundingBox, Cover, Style

if TYPE_CHECKING:
    from imgguard.types import Floats, Mask, Pixels

PIXELATE_CELLS = 4
_LEAST_CELL = 6
_LEVELS = 8
# Least value, step and number of levels of Y, Cr and Cb: 4 + 3 + 2 bits.
_COARSE_YCRCB = ((0, 16, 16), (112, 10, 8), (80, 16, 4))
_SOLID = (112, 112, 112)
_NEUTRAL = 128.0

# Of the cover's smaller half axis.
_FEATHER = 0.25
_SURROUND = 0.7
_FADE_SIDE = 160
_MEMBRANE_SIDE = 48
_MEMBRANE_STEPS = 40
_TINT = 0.9
# Pixels: a decoder that interpolates chroma mixes neighbours (T.81 leaves upsampling open; libjpeg reaches one).
_MIXED = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A window of the picture around one cover.

    Attributes:
        pixels: (h, w, 3) the source there.
        covered: (h, w) what no cover may be computed from: what any of them takes there, and what is mixed with it.
        own: (h, w) what this cover takes of it.
        free: (h, w) where its soft rim may reach: no kept face.
        cover: The cover.
        window: The window in the picture, (x1, y1, x2, y2).
    """

    pixels: Pixels
    covered: Mask
    own: Mask
    free: Mask
    cover: Cover
    window: tuple[int, int, int, int]

    @property
    def corner(self) -> tuple[int, int]:
        """Top left of the window in the picture, (x, y)."""
        return self.window[:2]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the window."""
        return self.own.shape[1], self.own.shape[0]

    def shrunk(self, side: int) -> tuple[int, int]:
        """The size (width, height) of a copy with at most `side` pixels on its longer side."""
        factor = min(1.0, side / max(self.size))
        return max(2, round(self.size[0] * factor)), max(2, round(self.size[1] * factor))


@dataclass(frozen=True, slots=True, eq=False)
class Redacted:
    """A picture with its covers.

    Attributes:
        pixels: (H, W, 3) uint8.
        changed: (H, W) bool, what covers and their soft rims take, whether or not a pixel came out as it was.
    """

    pixels: Pixels
    changed: Mask


def redact(pixels: Pixels, covers: Sequence[Cover], kept: Iterable[BoundingBox], grid: Grid = PIXELS) -> Pixels:
    """Cover faces; see `cover_up`.

    Returns:
        A new (H, W, 3) uint8 array.
    """
    return cover_up(pixels, covers, kept, grid).pixels


def cover_up(pixels: Pixels, covers: Sequence[Cover], kept: Iterable[BoundingBox], grid: Grid = PIXELS) -> Redacted:
    """Cover faces.

    Args:
        pixels: (H, W, 3) uint8; not changed.
        covers: What to cover.
        kept: Boxes of faces that must not be touched; where one overlaps a covered face, the covered one wins.
        grid: The blocks of which the picture is made: a block is covered, or kept, as a whole.

    Returns:
        The covered picture. Under `cover_mask` nothing of the source is left but what the style allows; pixels less
        than two away from it are covered too and take no part in what is laid over them, since a decoder mixes
        the colours of neighbours.
    """
    size = (pixels.shape[1], pixels.shape[0])
    spared = [grid.outwards(window_of(box, size), size) for box in kept]
    covered = cover_mask(covers, (BoundingBox(*box) for box in spared), size, grid)
    out, changed = pixels.copy(), np.zeros_like(covered)
    for cover in covers:
        _lay(out, changed, pixels, covered, cover, spared, grid)
    return Redacted(out, changed)


def _lay(
    out: Pixels,
    changed: Mask,
    pixels: Pixels,
    covered: Mask,
    cover: Cover,
    spared: Sequence[tuple[int, int, int, int]],
    grid: Grid,
) -> None:
    size = (pixels.shape[1], pixels.shape[0])
    x1, y1, x2, y2 = window = grid.outwards(window_of(_surrounded(cover), size), size)
    if x1 >= x2 or y1 >= y2:
        return
    drawn = np.zeros((y2 - y1, x2 - x1), np.uint8)
    draw_cover(drawn, cover, (x1, y1))
    there = covered[y1:y2, x1:x2]
    free: Mask = np.ones((y2 - y1, x2 - x1), bool)
    for box in spared:
        _part(free, box, (x1, y1))[:] = False
    near = _widened(there)
    own = _widened(grid.rounded(drawn.view(bool), (x1, y1))) & (there | (near & free))
    scene = _Scene(pixels[y1:y2, x1:x2], near, own, free, cover, window)
    fill = _FILLS[cover.style](scene)
    opacity = _opacity(scene)
    below = out[y1:y2, x1:x2]
    below[:] = cv2.blendLinear(fill, np.ascontiguousarray(below), opacity, 1 - opacity)
    changed[y1:y2, x1:x2] |= opacity > 0


def _widened(mask: Mask) -> Mask:
    side = 2 * _MIXED + 1
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)), np.uint8).view(bool)


def _part(mask: Mask, box: tuple[int, int, int, int], corner: tuple[int, int]) -> Mask:
    """The part of a window at `corner` that a box (x1, y1, x2, y2) of the picture takes."""
    x, y = corner
    return mask[max(0, box[1] - y) : max(0, box[3] - y), max(0, box[0] - x) : max(0, box[2] - x)]


def _surrounded(cover: Cover) -> BoundingBox:
    """The window in which a cover is computed: itself and the surroundings it is computed from."""
    box = reach(cover)
    margin = _SURROUND * min(cover.semi_axes) + 2
    return BoundingBox(box.x1 - margin, box.y1 - margin, box.x2 + margin, box.y2 + margin)


def _opacity(scene: _Scene) -> Floats:
    """1 on the cover; for `blur` it falls off softly outside, but never over a kept face."""
    opacity = scene.own.astype(np.float32)
    if scene.cover.style is not Style.BLUR:
        return opacity
    # The fade is smooth, so a small copy of it will do; the cover itself stays sharp.
    small = scene.shrunk(_FADE_SIDE)
    apart = (cv2.resize(opacity, small, interpolation=cv2.INTER_AREA) == 0).astype(np.uint8)
    soft = max(2.0, _FEATHER * min(scene.cover.semi_axes)) * small[0] / scene.size[0]
    fade = np.clip(1 - cv2.distanceTransform(apart, cv2.DIST_L2, 3) / np.float32(soft), 0, 1).astype(np.float32)
    fade = np.asarray(cv2.resize(fade * fade * (3 - 2 * fade), scene.size, interpolation=cv2.INTER_LINEAR), np.float32)
    fade[~scene.free] = 0
    return np.asarray(cv2.max(fade, opacity), np.float32)


def _fill_solid(scene: _Scene) -> Pixels:
    return np.full_like(scene.pixels, _SOLID)


def _fill_pixelate(scene: _Scene) -> Pixels:
    """A grid of at most 4 x 4 cells over the cover, each of one colour with 8 levels a channel."""
    width, height = scene.size
    x0, y0 = scene.corner
    box = reach(scene.cover)
    fill = np.zeros_like(scene.pixels)
    # A cell of few pixels would be no mosaic: small faces get fewer cells.
    cells = max(1, min(PIXELATE_CELLS, int(min(box.width, box.height) / _LEAST_CELL)))
    edges_x = np.linspace(box.x1 - x0, box.x2 - x0, cells + 1).round().astype(int).clip(0, width)
    edges_y = np.linspace(box.y1 - y0, box.y2 - y0, cells + 1).round().astype(int).clip(0, height)
    edges_x[[0, -1]], edges_y[[0, -1]] = (0, width), (0, height)
    inner_x = np.clip(edges_x, max(0, int(box.x1 - x0)), min(width, int(box.x2 - x0) + 1))
    inner_y = np.clip(edges_y, max(0, int(box.y1 - y0)), min(height, int(box.y2 - y0) + 1))
    for row in range(cells):
        for column in range(cells):
            cell = scene.pixels[inner_y[row] : inner_y[row + 1], inner_x[column] : inner_x[column + 1]]
            if cell.size:
                fill[edges_y[row] : edges_y[row + 1], edges_x[column] : edges_x[column + 1]] = _coarse_mean(cell)
    return fill


def _coarse_mean(pixels: Pixels) -> Floats:
    """The mean colour of (..., 3) pixels in 8 levels a channel: 9 bits."""
    step = 256 // _LEVELS
    level = pixels.reshape(-1, 3).mean(axis=0) // step
    mean: Floats = (level * step + step // 2).astype(np.float32)
    return mean


def coarse_colour(pixels: Pixels) -> Floats:
    """Give the mean colour of some pixels in 9 bits, spread so that skin does not turn green or violet.

    Luma has 16 levels; the chroma (BT.601) in which faces lie has 4 for blue and 8 for red.

    Args:
        pixels: (..., 3) uint8 RGB.

    Returns:
        (3,) float32 RGB: one of 512 colours.
    """
    mean = np.array(cv2.mean(np.ascontiguousarray(pixels.reshape(-1, 1, 3)))[:3], np.float32).reshape(1, 1, 3)
    channels = cv2.cvtColor(mean / np.float32(255), cv2.COLOR_RGB2YCrCb).reshape(3)
    for index, (least, step, levels) in enumerate(_COARSE_YCRCB):
        level = np.clip(np.floor((channels[index] * 255 - least) / step), 0, levels - 1)
        channels[index] = (least + (level + 0.5) * step) / 255
    colour = cv2.cvtColor(channels.reshape(1, 1, 3), cv2.COLOR_YCrCb2RGB).reshape(3) * 255
    return np.asarray(np.clip(colour, 0, 255), np.float32)


def _fill_blur(scene: _Scene) -> Pixels:
    """What a soft membrane between the surroundings looks like, with the face's coarse mean colour in its middle."""
    small = scene.shrunk(_MEMBRANE_SIDE)
    inside = np.clip(1 - radius_in(scene.cover, scene.window, small), 0, 1)[..., None]
    weight = np.float32(_TINT) * inside ** np.float32(0.6)
    filled = _membrane(scene, small) * (1 - weight) + _face_colour(scene) * weight
    colours = np.clip(filled + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(colours, scene.size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _face_colour(scene: _Scene) -> Floats:
    x1, y1, x2, y2 = window_of(shifted(scene.cover.face, scene.corner), scene.size)
    cell = scene.pixels[y1:y2, x1:x2]
    return coarse_colour(cell) if cell.size else np.full(3, _NEUTRAL, np.float32)


def _membrane(scene: _Scene, size: tuple[int, int]) -> Floats:
    """Solve Laplace's equation over the covered part of a small copy, held at the pixels outside.

    A pixel of the small copy counts as outside only as far as none of it is covered, so that no covered pixel has any
    weight.
    """
    free = (~scene.covered).astype(np.uint8)
    weight = cv2.resize(free.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    uncovered = cv2.bitwise_and(scene.pixels, scene.pixels, mask=free)
    light = cv2.resize(uncovered, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = weight > 0.5
    if not known.any():
        return np.full((size[1], size[0], 3), _NEUTRAL, np.float32)
    held = light / np.maximum(weight, np.float32(1e-6))
    start = held[known[..., 0]].mean(axis=0)
    field: Floats = np.where(known, held, start).astype(np.float32)
    for step in range(_MEMBRANE_STEPS):
        # Wide steps first carry the rim's colours to the middle, narrow ones then smooth.
        reach_px = 1 + 2 * max(1, 8 >> (step // 6))
        field = np.where(known, held, cv2.blur(field, (reach_px, reach_px), borderType=cv2.BORDER_REPLICATE))
    return np.asarray(cv2.GaussianBlur(field, (0, 0), 1.5), np.float32)


_FILLS: dict[Style, Callable[[_Scene], Pixels]] = {
    Style.BLUR: _fill_blur,
    Style.PIXELATE: _fill_pixelate,
    Style.SOLID: _fill_solid,
}

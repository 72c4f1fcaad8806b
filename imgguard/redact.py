"""Cover faces. Pure functions of pixels; the result is a new array.

No style lets the face through. `blur` is computed from what lies outside of all covers, plus one mean colour of
the face in 9 bits, and only looks like a lens blur; a real blur, however strong, can be matched or undone (Revelio
2025, arXiv 2506.12344; McPherson et al. 2016, arXiv 1609.00408). `pixelate` holds 16 cells of 9 bits. `solid`, `emoji`
and a picture hold nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgguard.covers import cover_mask, draw_cover, window_of
from imgguard.fills import Scene, layer_of
from imgguard.grid import PIXELS, Grid
from imgguard.lazy import cv2
from imgguard.membrane import MIXED, grounds, surrounded, widened
from imgguard.types import BoundingBox, Cover, Style

if TYPE_CHECKING:
    from imgguard.types import Floats, Mask, Picture, Pixels

# Of the cover's smaller half axis.
_FEATHER = 0.25
_FADE_SIDE = 160


@dataclass(frozen=True, slots=True, eq=False)
class Redacted:
    """A picture with its covers.

    Attributes:
        pixels: (H, W, 3) uint8.
        changed: (H, W) bool, what covers and their soft rims take, whether or not a pixel came out as it was.
    """

    pixels: Pixels
    changed: Mask


def redact(
    pixels: Pixels,
    covers: Sequence[Cover],
    kept: Iterable[BoundingBox],
    grid: Grid = PIXELS,
    picture: Picture | None = None,
) -> Pixels:
    """Cover faces; see `cover_up`.

    Returns:
        A new (H, W, 3) uint8 array.
    """
    return cover_up(pixels, covers, kept, grid, picture).pixels


def cover_up(
    pixels: Pixels,
    covers: Sequence[Cover],
    kept: Iterable[BoundingBox],
    grid: Grid = PIXELS,
    picture: Picture | None = None,
) -> Redacted:
    """Cover faces.

    Args:
        pixels: (H, W, 3) uint8; not changed.
        covers: What to cover.
        kept: Boxes of faces that must not be touched; where one overlaps a covered face, the covered one wins.
        grid: The blocks of which the picture is made: a block is covered, or kept, as a whole.
        picture: What covers of style `image` show; without it they look as if it were transparent.

    Returns:
        The covered picture. Under `cover_mask` nothing of the source is left but what the style allows; pixels less
        than two away from it are covered too and take no part in what is laid over them, since a decoder mixes
        the colours of neighbours.
    """
    size = (pixels.shape[1], pixels.shape[0])
    spared = [grid.outwards(window_of(box, size), size) for box in kept]
    covered = cover_mask(covers, (BoundingBox(*box) for box in spared), size, grid)
    scenes = [_scene(pixels, covered, cover, spared, grid) for cover in covers]
    out, changed = pixels.copy(), np.zeros_like(covered)
    for scene, ground in zip(scenes, grounds(pixels, covered, covers, grid), strict=True):
        if scene.own.size:
            opacity = _opacity(scene, _softness(scene.cover, grid))
            _blend(out, scene, ground.within(scene.window), opacity)
            x1, y1, x2, y2 = scene.window
            changed[y1:y2, x1:x2] |= opacity > 0
    # What is nearer is larger and comes last.
    for scene in sorted(scenes, key=lambda scene: scene.cover.face.area):
        layer = layer_of(scene, picture) if scene.own.size else None
        if layer is not None:
            _blend(out, scene, layer.colours, np.where(scene.own, layer.opacity, np.float32(0)))
    return Redacted(out, changed)


def _scene(
    pixels: Pixels, covered: Mask, cover: Cover, spared: Sequence[tuple[int, int, int, int]], grid: Grid
) -> Scene:
    margin = _softness(cover, grid) + MIXED + 1
    x1, y1, x2, y2 = window = surrounded(cover, margin, grid, (pixels.shape[1], pixels.shape[0]))
    there = covered[y1:y2, x1:x2]
    if not there.size:
        return Scene(pixels[:0, :0], there, there, cover, (x1, y1, x1, y1))
    drawn = np.zeros((y2 - y1, x2 - x1), np.uint8)
    draw_cover(drawn, cover, (x1, y1), [BoundingBox(*box) for box in spared])
    free: Mask = np.ones((y2 - y1, x2 - x1), bool)
    for box in spared:
        _part(free, box, (x1, y1))[:] = False
    own = widened(grid.rounded(drawn.view(bool), (x1, y1))) & (there | (widened(there) & free))
    return Scene(pixels[y1:y2, x1:x2], own, free, cover, window)


def _part(mask: Mask, box: tuple[int, int, int, int], corner: tuple[int, int]) -> Mask:
    """The part of a window at `corner` that a box (x1, y1, x2, y2) of the picture takes."""
    x, y = corner
    return mask[max(0, box[1] - y) : max(0, box[3] - y), max(0, box[0] - x) : max(0, box[2] - x)]


def _blend(out: Pixels, scene: Scene, above: Pixels, opacity: Floats) -> None:
    x1, y1, x2, y2 = scene.window
    below = out[y1:y2, x1:x2]
    below[:] = cv2.blendLinear(above, np.ascontiguousarray(below), opacity, 1 - opacity)


def _softness(cover: Cover, grid: Grid) -> float:
    """How far the soft rim reaches, in pixels.

    A drawn cover has a rim of its own; it needs a soft one only where blocks would show as a staircase.
    """
    soft = max(2.0, _FEATHER * min(cover.semi_axes))
    if cover.style is Style.BLUR:
        return soft
    return 0.0 if grid.is_pixels else min(soft, max(grid.step) / 2)


def _opacity(scene: Scene, soft: float) -> Floats:
    """1 on the cover; outside it falls off softly, but never over a kept face."""
    opacity = scene.own.astype(np.float32)
    if soft == 0:
        return opacity
    # The fade is smooth, so a small copy of it will do; the cover itself stays sharp.
    small = scene.shrunk(_FADE_SIDE)
    apart = (cv2.resize(opacity, small, interpolation=cv2.INTER_AREA) == 0).astype(np.uint8)
    steps = np.float32(max(2.0, soft * small[0] / scene.size[0]))
    fade = np.clip(1 - cv2.distanceTransform(apart, cv2.DIST_L2, 3) / steps, 0, 1).astype(np.float32)
    fade = np.asarray(cv2.resize(fade * fade * (3 - 2 * fade), scene.size, interpolation=cv2.INTER_LINEAR), np.float32)
    fade[~scene.free] = 0
    return np.asarray(cv2.max(fade, opacity), np.float32)

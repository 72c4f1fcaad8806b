"""What is drawn over the ground of a cover: a mosaic, a flat colour, a smiley or a picture, each with a smooth rim."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgguard.covers import bounds, draw_polygon, outline, placed, shifted
from imgguard.emoji import RIM, draw_smiley
from imgguard.lazy import cv2
from imgguard.membrane import coarse
from imgguard.types import Cover, Oval, Style

if TYPE_CHECKING:
    from imgguard.types import Floats, Mask, Picture, Pixels

    Moved = Callable[[Floats], Floats]

PIXELATE_CELLS = 4
_LEAST_CELL = 6
# Least value, step and number of levels of Y, Cr and Cb: 3 x 3 bits. Grey is one of the colours.
_CELL_YCRCB = ((0, 32, 8), (85.5, 12, 8), (85.5, 12, 8))
_SOLID = (112, 112, 112)
# Of the cover: a picture's corners may reach into its round ones.
_PICTURE_SHARE = 0.9
# Small shapes are drawn larger and shrunk, since OpenCV's own smoothing is too coarse for them.
_SMALL = 160
_FINER = 4
_OPAQUE = 250


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A window of the picture around one cover.

    Attributes:
        pixels: (h, w, 3) the source there.
        own: (h, w) what this cover takes of it.
        free: (h, w) where its soft rim may reach: no kept face.
        cover: The cover.
        window: The window in the picture, (x1, y1, x2, y2).
    """

    pixels: Pixels
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
class Layer:
    """Something drawn over a scene.

    Attributes:
        colours: (h, w, 3) uint8.
        opacity: (h, w) float32, 0 to 1.
    """

    colours: Pixels
    opacity: Floats


def layer_of(scene: Scene, picture: Picture | None) -> Layer | None:
    """Draw what the cover's style shows; None where that is the ground alone.

    Nothing of the face goes into it but, for `pixelate`, the coarse means of its cells.
    """
    if scene.cover.style is Style.IMAGE:
        return _picture(scene, picture) if picture is not None else None
    draw = _LAYERS.get(scene.cover.style)
    return draw(scene) if draw else None


def _shape(scene: Scene, *ovals: Oval) -> Floats:
    """How much of each pixel some ovals take, 0 to 1."""

    def draw(canvas: Pixels, moved: Moved) -> None:
        for oval in ovals:
            draw_polygon(canvas, moved(outline(oval)), (0, 0), (255,), smooth=True)

    return np.asarray(_finely(scene, (0,), draw).astype(np.float32) / np.float32(255), np.float32)


def _finely(scene: Scene, ground: tuple[int, ...], draw: Callable[[Pixels, Moved], None]) -> Pixels:
    """Let something be drawn with smooth rims.

    Args:
        scene: Where.
        ground: What the canvas is filled with, a value a channel.
        draw: Draws on the canvas, given what moves points of the picture onto it.

    Returns:
        (h, w) or (h, w, channels) uint8.
    """
    finer = _FINER if max(scene.size) < _SMALL else 1
    (width, height), corner = scene.size, np.array(scene.corner, np.float32)
    canvas = np.full((height * finer, width * finer, len(ground)), ground, np.uint8)
    draw(canvas, lambda points: (points - corner) * np.float32(finer))
    drawn = cv2.resize(canvas, scene.size, interpolation=cv2.INTER_AREA) if finer > 1 else canvas
    return np.asarray(drawn[..., 0] if drawn.ndim == 3 and len(ground) == 1 else drawn, np.uint8)


def _solid(scene: Scene) -> Layer:
    return Layer(np.full_like(scene.pixels, _SOLID), _shape(scene, *scene.cover.ovals))


def _mosaic(scene: Scene) -> Layer:
    """A grid of at most 4 x 4 cells over the head, each of one colour with 8 levels a channel."""
    width, height = scene.size
    box = shifted(bounds(scene.cover.head), scene.corner)
    fill = np.zeros_like(scene.pixels)
    # A cell of few pixels would be no mosaic: small faces get fewer cells.
    cells = max(1, min(PIXELATE_CELLS, int(min(box.width, box.height) / _LEAST_CELL)))
    rows, columns = _cells(box.y1, box.y2, height, cells), _cells(box.x1, box.x2, width, cells)
    for (top, bottom), drawn_y in rows:
        for (left, right), drawn_x in columns:
            cell = scene.pixels[top:bottom, left:right]
            if cell.size:
                fill[drawn_y, drawn_x] = cell_colour(cell) + 0.5
    return Layer(fill, _shape(scene, scene.cover.head))


def cell_colour(pixels: Pixels) -> Floats:
    """Give the mean colour (3,) of some pixels (..., 3) in 8 levels a channel of YCrCb: 9 bits."""
    return coarse(pixels, _CELL_YCRCB)


def _cells(begin: float, end: float, length: int, count: int) -> list[tuple[tuple[int, int], slice]]:
    """Divide a stretch: what each cell is the mean of, and what it is drawn on, up to the ends of the window."""
    edges = [min(max(0, math.floor(edge + 0.5)), length) for edge in np.linspace(begin, end, count + 1)]
    drawn = [0, *edges[1:-1], length]
    return [((edges[i], edges[i + 1]), slice(drawn[i], drawn[i + 1])) for i in range(count)]


def _smiley(scene: Scene) -> Layer:
    head = scene.cover.head
    colours = _finely(scene, RIM, lambda canvas, moved: draw_smiley(canvas, lambda points: moved(placed(points, head))))
    return Layer(colours, _shape(scene, head))


def _picture(scene: Scene, picture: Picture) -> Layer:
    """Fit a picture into the cover; an opaque one goes on in the colour of its own border."""
    pixels, alpha = _placed_picture(scene, picture)
    shape = _shape(scene, scene.cover.head)
    if picture.alpha.min() < _OPAQUE:
        return Layer(pixels, shape * alpha)
    ground = np.full_like(pixels, _border_colour(picture))
    return Layer(np.asarray(cv2.blendLinear(pixels, ground, alpha, 1 - alpha), np.uint8), shape)


def _placed_picture(scene: Scene, picture: Picture) -> tuple[Pixels, Floats]:
    """Scale, turn and move a picture onto a scene: its colours, and how much of each pixel it takes."""
    head, (height, width) = scene.cover.head, picture.alpha.shape
    scale = _PICTURE_SHARE * 2 * min(head.semi_axes[0] / width, head.semi_axes[1] / height)
    small = max(1, min(width, round(width * scale))), max(1, min(height, round(height * scale)))
    # Colours are weighted by their opacity, or those of transparent pixels would show at the rims.
    alpha = picture.alpha.astype(np.float32)[..., None] / np.float32(255)
    weighted = np.concatenate([picture.pixels * alpha, alpha], axis=2)
    weighted = cv2.resize(weighted, small, interpolation=cv2.INTER_AREA)
    half = scale * width / 2, scale * height / 2
    frame = Oval(head.center, half, head.angle)
    corners = placed(np.array([(-1, -1), (1, -1), (-1, 1)], np.float32), frame) - np.array(scene.corner, np.float32)
    own = np.array([(0, 0), (small[0], 0), (0, small[1])], np.float32)
    move = cv2.getAffineTransform(own - np.float32(0.5), (corners - 0.5).astype(np.float32))
    laid = cv2.warpAffine(weighted, move, scene.size, flags=cv2.INTER_LINEAR)
    opacity = np.asarray(np.clip(laid[..., 3], 0, 1), np.float32)
    colours = laid[..., :3] / np.maximum(opacity, np.float32(1e-6))[..., None]
    return np.clip(colours + 0.5, 0, 255).astype(np.uint8), opacity


def _border_colour(picture: Picture) -> Floats:
    p = picture.pixels
    border = np.concatenate([p[0], p[-1], p[:, 0], p[:, -1]])
    return np.asarray(np.median(border, axis=0), np.float32)


_LAYERS: dict[Style, Callable[[Scene], Layer]] = {
    Style.PIXELATE: _mosaic,
    Style.SOLID: _solid,
    Style.EMOJI: _smiley,
}

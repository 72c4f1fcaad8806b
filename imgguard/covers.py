"""Where a cover lies: grown from the face to the head or the person, following the tilt, and never over a kept face."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.grid import PIXELS, Grid
from imgguard.lazy import cv2
from imgguard.types import BoundingBox, Cover, Detection, Extent, Oval, Style

if TYPE_CHECKING:
    from imgguard.types import Floats, Mask, Pixels

# A detector's box ends at the hairline, the cheeks and the chin. In shares of the box: half the width, half the height,
# and how far the middle moves up. The face: with the ears, hair and jaw. The head: with long hair and the neck.
_FACE = (0.75, 0.85, 0.13)
_HEAD = (1.05, 1.2, 0.05)
# A person, in heights of the box, from its middle: the body begins at the throat and ends after seven heads and more
# (a head, crown to chin, is about 1.4 boxes high); it is more than three heads wide, arms and stride included.
_BODY_FROM, _BODY_TO = 0.3, 10.0
_BODY_HALF_WIDTH = 2.2
# Heads are tilted more than bodies are.
_BODY_UPRIGHT = 30
# A picture of a round face is round.
_ROUND_STYLES = (Style.EMOJI, Style.IMAGE)
_ROUND_PROPORTION = 1.14
# Height to width of every cover: that of the face behind it would tell who it is.
_PROPORTION = 1.45
_ELLIPSE = 2.0
# Of what was drawn by hand: nearly its rectangle, whatever its proportion.
_AREA_ROUNDNESS = 12.0
_OUTLINE_POINTS = 96
_SHIFT = 4


def cover_for(detection: Detection, style: Style, extent: Extent = Extent.FACE) -> Cover:
    """Plan the cover of a person.

    Args:
        detection: The face.
        style: How the cover looks; an emoji or a picture takes somewhat more of the sides.
        extent: How much it takes. A body is not looked for: it is a generous box below the head.

    Returns:
        A cover that holds the whole detected box, hair, ears and chin.
    """
    box, angle = detection.box, _tilt(detection.landmarks)
    width, height = _upright_size(box, angle)
    half_width, half_height, raised = _FACE if extent is Extent.FACE else _HEAD
    center = _below(box.center, angle, -raised * height)
    axes = max(1.0, width * half_width), max(1.0, height * half_height)
    proportion = _ROUND_PROPORTION if style in _ROUND_STYLES else _PROPORTION
    half = max(axes[0], axes[1] / proportion)
    axes = half, half * proportion
    corners = np.array([(x, y) for x in (box.x1, box.x2) for y in (box.y1, box.y2)], np.float32)
    spill = max(1.0, float(_radius(corners, Oval(center, axes, angle)).max()))
    body = _body(box, angle) if extent is Extent.PERSON else None
    return Cover(box, center, (axes[0] * spill, axes[1] * spill), angle, style, body)


def area_for(box: BoundingBox, style: Style) -> Cover:
    """Plan the cover of a rectangle that somebody drew: it holds all of it and little more, however tall or wide.

    A drawn smiley or picture would look out of place on a name badge: such an area gets a soft ground alone.
    """
    reach = 2 ** (1 / _AREA_ROUNDNESS)
    axes = max(1.0, box.width / 2 * reach), max(1.0, box.height / 2 * reach)
    plain = Style.BLUR if style in _ROUND_STYLES else style
    return Cover(box, box.center, axes, 0.0, plain, None, _AREA_ROUNDNESS)


def _body(box: BoundingBox, tilt: float) -> Oval:
    angle = 0.0 if abs(tilt) < _BODY_UPRIGHT else tilt
    width, height = _upright_size(box, angle)
    center = _below(box.center, angle, height * (_BODY_FROM + _BODY_TO) / 2)
    return Oval(center, (max(1.0, width * _BODY_HALF_WIDTH), max(1.0, height * (_BODY_TO - _BODY_FROM) / 2)), angle)


def _upright_size(box: BoundingBox, angle: float) -> tuple[float, float]:
    """Width and height of a face's box, were it not tilted."""
    lying = 45 <= abs(angle) % 180 <= 135
    return (box.height, box.width) if lying else (box.width, box.height)


def _below(point: tuple[float, float], angle: float, distance: float) -> tuple[float, float]:
    """The point at a distance towards the chin."""
    down = math.radians(angle + 90)
    return point[0] + math.cos(down) * distance, point[1] + math.sin(down) * distance


def _tilt(landmarks: Floats) -> float:
    """Degrees clockwise by which the line from the eyes to the mouth departs from straight down."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    down_x, down_y = (float(value) for value in mouth - eyes)
    if math.hypot(down_x, down_y) < 1e-3:
        return 0.0
    return math.degrees(math.atan2(-down_x, down_y))


def _radius(points: Floats, oval: Oval) -> Floats:
    """Give for each point (..., 2) its superelliptic radius: below 1 is inside the oval, 1 is its rim."""
    roundness = np.float32(oval.roundness)
    turn, (x, y), axes = math.radians(oval.angle), oval.center, oval.semi_axes
    dx, dy = points[..., 0] - np.float32(x), points[..., 1] - np.float32(y)
    along = np.abs(dx * np.float32(math.cos(turn)) + dy * np.float32(math.sin(turn))) / np.float32(axes[0])
    across = np.abs(dy * np.float32(math.cos(turn)) - dx * np.float32(math.sin(turn))) / np.float32(axes[1])
    return np.asarray((along**roundness + across**roundness) ** np.float32(1 / roundness), np.float32)


def outline(oval: Oval) -> Floats:
    """Give the rim of an oval as a polygon, (N, 2)."""
    t = np.linspace(0, 2 * math.pi, _OUTLINE_POINTS, endpoint=False)
    unit = np.stack([np.cos(t), np.sin(t)], axis=-1)
    unit /= ((np.abs(unit) ** oval.roundness).sum(axis=-1, keepdims=True)) ** (1 / oval.roundness)
    return placed(unit.astype(np.float32), oval)


def placed(points: Floats, oval: Oval) -> Floats:
    """Put points (N, 2) of the square from -1 to 1 where the oval lies, turned with it."""
    x, y = (points * np.array(oval.semi_axes, np.float32)).T
    turn = math.radians(oval.angle)
    turned = np.stack([x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], axis=-1)
    return np.asarray(turned + np.array(oval.center), np.float32)


def draw_polygon(
    canvas: Pixels, points: Floats, corner: tuple[int, int], value: Sequence[float] = (1,), *, smooth: bool = False
) -> None:
    """Fill a polygon (N, 2), given in the picture, in a window of it whose top left is at `corner`."""
    # Pixel centres are at whole numbers for OpenCV, and at halves in the coordinates of boxes.
    fixed = np.round((points - np.array(corner) - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], value, lineType=cv2.LINE_AA if smooth else cv2.LINE_8, shift=_SHIFT)


def draw_cover(mask: Pixels, cover: Cover, corner: tuple[int, int], kept: Sequence[BoundingBox] = ()) -> None:
    """Set to 1 what a cover takes of a window, rounded outwards to whole pixels.

    Args:
        mask: (h, w) uint8, changed in place.
        cover: The cover.
        corner: Top left of the window in the picture, (x, y).
        kept: Boxes of faces that stay visible: a body's cover leaves their whole heads out.
    """
    if cover.body is not None:
        draw_polygon(mask, outline(cover.body), corner)
        for box in kept:
            draw_polygon(mask, outline(head_around(box)), corner, (0,))
    draw_polygon(mask, outline(cover.head), corner)
    size = (mask.shape[1], mask.shape[0])
    x1, y1, x2, y2 = window_of(shifted(cover.face, corner), size)
    mask[y1:y2, x1:x2] = 1


def head_around(box: BoundingBox) -> Oval:
    """Give the head to which the box of an upright face belongs."""
    half_width, half_height, raised = _FACE
    center = _below(box.center, 0.0, -raised * box.height)
    return Oval(center, (max(1.0, box.width * half_width), max(1.0, box.height * half_height)), 0.0)


def shifted(box: BoundingBox, corner: tuple[int, int]) -> BoundingBox:
    """Give a box in the coordinates of a window whose top left is at `corner`."""
    x, y = corner
    return BoundingBox(box.x1 - x, box.y1 - y, box.x2 - x, box.y2 - y)


def reach(cover: Cover) -> BoundingBox:
    """Give the upright box around a cover, in pixels; it may go beyond the picture."""
    boxes = [bounds(oval) for oval in cover.ovals]
    return BoundingBox(
        min(box.x1 for box in boxes),
        min(box.y1 for box in boxes),
        max(box.x2 for box in boxes),
        max(box.y2 for box in boxes),
    )


def bounds(oval: Oval) -> BoundingBox:
    """Give the upright box around an oval."""
    # The superellipse lies inside its rectangle, so the rectangle's corners bound it at any tilt.
    turn = math.radians(oval.angle)
    a, b = oval.semi_axes
    dx = abs(a * math.cos(turn)) + abs(b * math.sin(turn))
    dy = abs(a * math.sin(turn)) + abs(b * math.cos(turn))
    x, y = oval.center
    return BoundingBox(x - dx, y - dy, x + dx, y + dy)


def ellipse_radius(oval: Oval, window: tuple[int, int, int, int], size: tuple[int, int]) -> Floats:
    """Give the radius of the ellipse inside an oval on a grid of `size` (width, height) over a window.

    Returns:
        (height, width) float32, below 1 inside.
    """
    x1, y1, x2, y2 = window
    xs = x1 + (np.arange(size[0], dtype=np.float32) + 0.5) * np.float32((x2 - x1) / size[0])
    ys = y1 + (np.arange(size[1], dtype=np.float32) + 0.5) * np.float32((y2 - y1) / size[1])
    return _radius(np.stack(np.meshgrid(xs, ys), axis=-1), replace(oval, roundness=_ELLIPSE))


def window_of(box: BoundingBox, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Round a box outwards to whole pixels inside a picture of `size` (width, height)."""
    inside = box.clipped(size)
    return math.floor(inside.x1), math.floor(inside.y1), math.ceil(inside.x2), math.ceil(inside.y2)


def cover_mask(
    covers: Iterable[Cover], kept: Iterable[BoundingBox], size: tuple[int, int], grid: Grid = PIXELS
) -> Mask:
    """Give the pixels that covers take.

    A cover's margin gives way to a kept face; the covered face itself never does. Where the picture is made of
    blocks, that holds for whole blocks.

    Args:
        covers: The planned covers.
        kept: Boxes of the faces that stay visible.
        size: Width and height of the picture.
        grid: The blocks of which the picture is made.

    Returns:
        (H, W) bool.
    """
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    covers = tuple(covers)
    spared = [grid.outwards(window_of(box, size), size) for box in kept]
    for cover in covers:
        _add_cover(mask, cover, [BoundingBox(*box) for box in spared], size, grid)
    for x1, y1, x2, y2 in spared:
        mask[y1:y2, x1:x2] = 0
    for cover in covers:
        x1, y1, x2, y2 = grid.outwards(window_of(cover.face, size), size)
        mask[y1:y2, x1:x2] = 1
    return mask.view(bool)


def _add_cover(mask: Pixels, cover: Cover, kept: Sequence[BoundingBox], size: tuple[int, int], grid: Grid) -> None:
    x1, y1, x2, y2 = grid.outwards(window_of(reach(cover), size), size)
    if x1 < x2 and y1 < y2:
        drawn = np.zeros((y2 - y1, x2 - x1), np.uint8)
        draw_cover(drawn, cover, (x1, y1), kept)
        mask[y1:y2, x1:x2] |= grid.rounded(drawn.view(bool), (x1, y1))

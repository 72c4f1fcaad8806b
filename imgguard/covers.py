"""Where a cover lies: grown from the face to the whole head, following its tilt, and never over a kept face."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from imgguard.grid import PIXELS, Grid
from imgguard.lazy import cv2
from imgguard.types import BoundingBox, Cover, Detection, Style

if TYPE_CHECKING:
    from imgguard.types import Floats, Mask, Pixels

# A detector's box ends at the hairline, the cheeks and the chin. In shares of the box: half the width with the ears,
# half the height with hair and jaw, and how far the middle moves up because there is more hair than jaw.
_HALF_WIDTH = 0.75
_HALF_HEIGHT = 0.85
_RAISED = 0.13
# Between an ellipse (2) and a rectangle: rounded, yet it holds the corners of the box.
_ROUNDNESS = 3.0
_OUTLINE_POINTS = 96
_SHIFT = 4


def cover_for(detection: Detection, style: Style) -> Cover:
    """Plan the cover of a face.

    Returns:
        A cover that holds the whole detected box, hair, ears and chin.
    """
    box = detection.box
    angle = _tilt(detection.landmarks)
    lying = 45 <= abs(angle) % 180 <= 135
    width, height = (box.height, box.width) if lying else (box.width, box.height)
    up = math.radians(angle - 90)
    cx, cy = box.center
    center = cx + math.cos(up) * height * _RAISED, cy + math.sin(up) * height * _RAISED
    axes = max(1.0, width * _HALF_WIDTH), max(1.0, height * _HALF_HEIGHT)
    corners = np.array([(x, y) for x in (box.x1, box.x2) for y in (box.y1, box.y2)], np.float32)
    spill = max(1.0, float(_radius(corners, center, axes, angle).max()))
    return Cover(box, center, (axes[0] * spill, axes[1] * spill), angle, style)


def _tilt(landmarks: Floats) -> float:
    """Degrees clockwise by which the line from the eyes to the mouth departs from straight down."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    down_x, down_y = (float(value) for value in mouth - eyes)
    if math.hypot(down_x, down_y) < 1e-3:
        return 0.0
    return math.degrees(math.atan2(-down_x, down_y))


def _radius(points: Floats, center: tuple[float, float], axes: tuple[float, float], angle: float) -> Floats:
    """Give for each point (..., 2) its superelliptic radius: below 1 is inside the cover, 1 is its rim."""
    turn = math.radians(angle)
    dx, dy = points[..., 0] - np.float32(center[0]), points[..., 1] - np.float32(center[1])
    along = np.abs(dx * np.float32(math.cos(turn)) + dy * np.float32(math.sin(turn))) / np.float32(axes[0])
    across = np.abs(dy * np.float32(math.cos(turn)) - dx * np.float32(math.sin(turn))) / np.float32(axes[1])
    return np.asarray((along**_ROUNDNESS + across**_ROUNDNESS) ** np.float32(1 / _ROUNDNESS), np.float32)


def _outline(cover: Cover) -> Floats:
    """Give the rim of a cover as a polygon, (N, 2)."""
    t = np.linspace(0, 2 * math.pi, _OUTLINE_POINTS, endpoint=False)
    unit = np.stack([np.cos(t), np.sin(t)], axis=-1)
    unit /= ((np.abs(unit) ** _ROUNDNESS).sum(axis=-1, keepdims=True)) ** (1 / _ROUNDNESS)
    x, y = (unit * np.array(cover.semi_axes)).T
    turn = math.radians(cover.angle)
    turned = np.stack([x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], axis=-1)
    return np.asarray(turned + np.array(cover.center), np.float32)


def draw_cover(mask: Pixels, cover: Cover, corner: tuple[int, int]) -> None:
    """Set to 1 what a cover takes of a window, rounded outwards to whole pixels.

    Args:
        mask: (h, w) uint8, changed in place.
        cover: The cover.
        corner: Top left of the window in the picture, (x, y).
    """
    points = np.round((_outline(cover) - np.array(corner)) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [points], 1, lineType=cv2.LINE_8, shift=_SHIFT)
    size = (mask.shape[1], mask.shape[0])
    x1, y1, x2, y2 = window_of(shifted(cover.face, corner), size)
    mask[y1:y2, x1:x2] = 1


def shifted(box: BoundingBox, corner: tuple[int, int]) -> BoundingBox:
    """Give a box in the coordinates of a window whose top left is at `corner`."""
    x, y = corner
    return BoundingBox(box.x1 - x, box.y1 - y, box.x2 - x, box.y2 - y)


def reach(cover: Cover) -> BoundingBox:
    """Give the upright box around a cover, in pixels; it may go beyond the picture."""
    # The superellipse lies inside its rectangle, so the rectangle's corners bound it at any tilt.
    turn = math.radians(cover.angle)
    a, b = cover.semi_axes
    dx = abs(a * math.cos(turn)) + abs(b * math.sin(turn))
    dy = abs(a * math.sin(turn)) + abs(b * math.cos(turn))
    x, y = cover.center
    return BoundingBox(x - dx, y - dy, x + dx, y + dy)


def radius_in(cover: Cover, window: tuple[int, int, int, int], size: tuple[int, int]) -> Floats:
    """Give the cover's radius, below 1 inside, on a grid of `size` (width, height) over a window (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = window
    xs = x1 + (np.arange(size[0], dtype=np.float32) + 0.5) * np.float32((x2 - x1) / size[0])
    ys = y1 + (np.arange(size[1], dtype=np.float32) + 0.5) * np.float32((y2 - y1) / size[1])
    return _radius(np.stack(np.meshgrid(xs, ys), axis=-1), cover.center, cover.semi_axes, cover.angle)


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
    for cover in covers:
        x1, y1, x2, y2 = window_of(reach(cover), size)
        if x1 < x2 and y1 < y2:
            draw_cover(mask[y1:y2, x1:x2], cover, (x1, y1))
            x1, y1, x2, y2 = grid.outwards((x1, y1, x2, y2), size)
            mask[y1:y2, x1:x2] = grid.rounded(mask[y1:y2, x1:x2].view(bool), (x1, y1))
    for box in kept:
        x1, y1, x2, y2 = grid.outwards(window_of(box, size), size)
        mask[y1:y2, x1:x2] = 0
    for cover in covers:
        x1, y1, x2, y2 = grid.outwards(window_of(cover.face, size), size)
        mask[y1:y2, x1:x2] = 1
    return mask.view(bool)

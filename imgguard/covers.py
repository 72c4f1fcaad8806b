"""Where a cover lies: grown from the face to the whole head, following its tilt, and never over a kept face."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from imgguard.lazy import cv2
from imgguard.types import BoundingBox, Cover, Detection, Style

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgguard.types import Floats, Mask

# A detector's box ends at the hairline, the cheeks and the chin. In shares of the box: half the width with the ears,
# half the height with hair and jaw, and how far the middle moves up because there is more hair than jaw.
_HALF_WIDTH = 0.75
_HALF_HEIGHT = 0.85
_RAISED = 0.13
# Between an ellipse (2) and a rectangle: rounded, yet it holds the corners of the box.
_ROUNDNESS = 3.0


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


def reach(cover: Cover) -> BoundingBox:
    """Give the upright box around a cover, in pixels; it may go beyond the picture."""
    # The superellipse lies inside its rectangle, so the rectangle's corners bound it at any tilt.
    turn = math.radians(cover.angle)
    a, b = cover.semi_axes
    dx = abs(a * math.cos(turn)) + abs(b * math.sin(turn))
    dy = abs(a * math.sin(turn)) + abs(b * math.cos(turn))
    x, y = cover.center
    return BoundingBox(x - dx, y - dy, x + dx, y + dy)


def radius_in(cover: Cover, window: tuple[int, int, int, int]) -> Floats:
    """Give the cover's radius for every pixel of a window (x1, y1, x2, y2): below 1 is inside."""
    x1, y1, x2, y2 = window
    ys, xs = np.mgrid[y1:y2, x1:x2].astype(np.float32) + np.float32(0.5)
    return _radius(np.stack([xs, ys], axis=-1), cover.center, cover.semi_axes, cover.angle)


def window_of(box: BoundingBox, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Round a box outwards to whole pixels inside a picture of `size` (width, height)."""
    inside = box.clipped(size)
    return math.floor(inside.x1), math.floor(inside.y1), math.ceil(inside.x2), math.ceil(inside.y2)


def cover_mask(covers: Iterable[Cover], kept: Iterable[BoundingBox], size: tuple[int, int]) -> Mask:
    """Give the pixels that covers take.

    A cover's margin gives way to a kept face; the covered face itself never does.

    Args:
        covers: The planned covers.
        kept: Boxes of the faces that stay visible.
        size: Width and height of the picture.

    Returns:
        (H, W) bool.
    """
    width, height = size
    mask: Mask = np.zeros((height, width), bool)
    covers = tuple(covers)
    for cover in covers:
        x1, y1, x2, y2 = window = window_of(reach(cover), size)
        mask[y1:y2, x1:x2] |= radius_in(cover, window) <= 1
    for box in kept:
        x1, y1, x2, y2 = window_of(box, size)
        mask[y1:y2, x1:x2] = False
    for cover in covers:
        x1, y1, x2, y2 = window_of(cover.face, size)
        mask[y1:y2, x1:x2] = True
    return mask


def distance_outside(mask: Mask) -> NDArray[np.float32]:
    """Give for every pixel its distance to the nearest covered one; 0 inside."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3), np.float32)

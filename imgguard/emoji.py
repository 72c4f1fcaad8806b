"""A smiley, drawn from outlines: the same for everybody, whatever face it covers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from imgguard.covers import draw_polygon

if TYPE_CHECKING:
    from imgguard.types import Floats, Pixels

RIM = (222, 150, 30)
_SKIN = (255, 204, 62)
_LIGHT = (255, 217, 96)
_CHEEK = (248, 165, 84)
_DARK = (84, 52, 20)
# In halves of the cover: the square from -1 to 1, y down.
_EYES = ((-0.33, -0.2), (0.33, -0.2))
_EYE = (0.105, 0.17)
_CHEEKS = ((-0.6, 0.2), (0.6, 0.2))
_CHEEK_SIZE = (0.15, 0.12)
_SMILE_CENTER, _SMILE_RADIUS, _SMILE_WIDTH = (0.0, 0.02), 0.52, 0.052
_SMILE_FROM, _SMILE_TO = math.radians(22), math.radians(158)
_ROUNDNESS = 3.0
_POINTS = 64


def draw_smiley(canvas: Pixels, placed: Callable[[Floats], Floats]) -> None:
    """Draw a smiley.

    Args:
        canvas: (h, w, 3) uint8 RGB, filled with `RIM`; changed in place.
        placed: Moves points of the square from -1 to 1 onto the canvas.
    """
    for points, colour in (
        (_rounded((0.0, 0.0), 0.94), _SKIN),
        (_rounded((0.0, -0.06), 0.84), _LIGHT),
        *((_ellipse(middle, _CHEEK_SIZE), _CHEEK) for middle in _CHEEKS),
        *((_ellipse(middle, _EYE), _DARK) for middle in _EYES),
        (_smile(), _DARK),
    ):
        draw_polygon(canvas, placed(points), (0, 0), colour, smooth=True)


def _ellipse(middle: tuple[float, float], size: tuple[float, float]) -> Floats:
    t = np.linspace(0, 2 * math.pi, _POINTS, endpoint=False)
    return np.stack([middle[0] + size[0] * np.cos(t), middle[1] + size[1] * np.sin(t)], axis=-1).astype(np.float32)


def _rounded(middle: tuple[float, float], size: float) -> Floats:
    """A smaller copy of the cover's own shape."""
    unit = _ellipse((0.0, 0.0), (1.0, 1.0))
    unit /= (np.abs(unit) ** _ROUNDNESS).sum(axis=-1, keepdims=True) ** np.float32(1 / _ROUNDNESS)
    return np.asarray(unit * np.float32(size) + np.array(middle, np.float32), np.float32)


def _smile() -> Floats:
    """An arc with round ends."""
    t = np.linspace(_SMILE_FROM, _SMILE_TO, _POINTS)
    arc = np.stack([np.cos(t), np.sin(t)], axis=-1)
    ends = [_round_end(_SMILE_TO, 0.0), _round_end(_SMILE_FROM, math.pi)]
    inner, outer = (arc * (_SMILE_RADIUS + side * _SMILE_WIDTH) for side in (-1, 1))
    points = np.concatenate([outer, ends[0], inner[::-1], ends[1]])
    return np.asarray(points + np.array(_SMILE_CENTER), np.float32)


def _round_end(at: float, turned: float) -> Floats:
    t = np.linspace(0, math.pi, _POINTS // 4) + at + turned
    middle = _SMILE_RADIUS * np.array([math.cos(at), math.sin(at)])
    return np.asarray(middle + _SMILE_WIDTH * np.stack([np.cos(t), np.sin(t)], axis=-1), np.float32)

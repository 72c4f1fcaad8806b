"""Turn pictures as their EXIF orientation asks for, and back (Exif 3.0, 4.6.5.1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Window = tuple[int, int, int, int]

# What makes a stored picture upright: transposed first, then mirrored left to right, then upside down.
TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


def upright(array: Array, orientation: int) -> Array:
    """Turn a stored picture or mask (H, W, ...) upright."""
    transposed, mirrored, flipped = TURNS[orientation]
    array = array.swapaxes(0, 1) if transposed else array
    array = array[:, ::-1] if mirrored else array
    return np.ascontiguousarray(array[::-1] if flipped else array)


def as_stored(array: Array, orientation: int) -> Array:
    """Turn an upright picture or mask (H, W, ...) as the stored one lies."""
    transposed, mirrored, flipped = TURNS[orientation]
    array = array[:, ::-1] if mirrored else array
    array = array[::-1] if flipped else array
    return np.ascontiguousarray(array.swapaxes(0, 1) if transposed else array)


def window_as_stored(window: Window, size: tuple[int, int], orientation: int) -> Window:
    """Give a window (x1, y1, x2, y2) of the upright picture as one of the stored picture of `size` (width, height)."""
    transposed, mirrored, flipped = TURNS[orientation]
    width, height = size[::-1] if transposed else size
    x1, y1, x2, y2 = window
    if mirrored:
        x1, x2 = width - x2, width - x1
    if flipped:
        y1, y2 = height - y2, height - y1
    return (y1, x1, y2, x2) if transposed else (x1, y1, x2, y2)

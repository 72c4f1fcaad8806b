"""The raster of a compressed picture: blocks that are kept or replaced as a whole.

Each sample of a block depends on all coefficients of the block, so what lies under a cover also shows, faintly, in the
rest of the blocks at its rim (Ho and Chang 2012, "Residual information of redacted images hidden in the compression
artifacts"). Covers are therefore rounded outwards to whole blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from imgguard.types import Mask


@dataclass(frozen=True, slots=True)
class Grid:
    """Blocks of a picture: their size and where the first whole one begins, in pixels of the upright picture.

    Attributes:
        step: Width and height of a block.
        offset: Where the first block boundary right of and below the origin lies, 0 to step - 1: not 0 where the stored
            picture was turned and ends within a block.
    """

    step: tuple[int, int] = (1, 1)
    offset: tuple[int, int] = (0, 0)

    @property
    def is_pixels(self) -> bool:
        """Whether each pixel is by itself."""
        return self.step == (1, 1)

    def outwards(self, window: tuple[int, int, int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Round a window (x1, y1, x2, y2) outwards to whole blocks, inside a picture of `size` (width, height).

        >>> Grid((16, 8), (4, 0)).outwards((5, 9, 21, 10), (100, 100))
        (4, 8, 36, 16)
        """
        if window[0] >= window[2] or window[1] >= window[3]:
            return window
        begins = [(v - o) // s * s + o for v, s, o in zip(window[:2], self.step, self.offset, strict=True)]
        ends = [-((o - v) // s) * s + o for v, s, o in zip(window[2:], self.step, self.offset, strict=True)]
        width, height = size
        return max(0, begins[0]), max(0, begins[1]), min(width, ends[0]), min(height, ends[1])

    def touched(self, mask: Mask, corner: tuple[int, int] = (0, 0)) -> Mask:
        """Say for each block whether any of its pixels is set.

        Args:
            mask: (h, w) a window of the picture.
            corner: Its top left in the picture, (x, y).

        Returns:
            (rows, columns) bool, from the block that holds the corner on.
        """
        (sx, sy), (before_x, before_y) = self.step, self._before(corner)
        height, width = mask.shape
        after_x, after_y = -(before_x + width) % sx, -(before_y + height) % sy
        padded = np.pad(mask, ((before_y, after_y), (before_x, after_x)))
        rows, columns = padded.shape[0] // sy, padded.shape[1] // sx
        # Eight pixels at a time where that comes out even, as it does for all JPEGs.
        lot = 8 if sx % 8 == 0 else 1
        lots = np.ascontiguousarray(padded).view(np.uint64) if lot == 8 else padded
        return np.asarray(lots.reshape(rows, sy, columns, sx // lot).any(axis=(1, 3)))

    def spread(self, blocks: Mask, corner: tuple[int, int], shape: tuple[int, int]) -> Mask:
        """Give the pixels (h, w) of a window of `shape` at `corner` that belong to the blocks that are set."""
        (sx, sy), (before_x, before_y) = self.step, self._before(corner)
        pixels = blocks.repeat(sy, axis=0).repeat(sx, axis=1)
        return pixels[before_y : before_y + shape[0], before_x : before_x + shape[1]]

    def rounded(self, mask: Mask, corner: tuple[int, int] = (0, 0)) -> Mask:
        """Set all pixels of every block of which one is set."""
        if self.is_pixels:
            return mask
        return self.spread(self.touched(mask, corner), corner, (mask.shape[0], mask.shape[1]))

    def _before(self, corner: tuple[int, int]) -> tuple[int, int]:
        (sx, sy), (ox, oy) = self.step, self.offset
        return (corner[0] - ox) % sx, (corner[1] - oy) % sy


PIXELS = Grid()

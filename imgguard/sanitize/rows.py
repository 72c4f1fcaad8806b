"""Look at the rows of a picture as a file holds them, piece by piece: what fills them up, which colours they use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Filters (PNG, 9.2).
_NONE, _SUB, _UP, _AVERAGE, _LAST_FILTER = range(5)
# Bytes of rows whose filters are undone, a row counted as a few more: that is slow. Enough for 12 megapixels.
_MOST_UNFILTERED, _EACH_ROW = 1 << 23, 16
# Bytes. The rows of no picture that is read are longer, and one row is held at a time.
_LONGEST = 1 << 26


def ends_empty(table: NDArray[np.uint8], bits: int) -> bool:
    """Say whether nothing but zeros stands behind the first bits of each row.

    Args:
        table: (rows, bytes a row), the first sample of each byte in its highest bits.
        bits: How many of a row are the picture's.
    """
    whole, loose = divmod(bits, 8)
    if loose and (table[:, whole] & (0xFF >> loose)).any():
        return False
    return not table[:, whole + bool(loose) :].any()


class Rows:
    """Is shown the bytes of rows in order, and tells of them what a decoder does not show.

    Attributes:
        plain: False once a row is filled up with anything but zeros, or begins with a filter that there is none of.
        used: (256,) bool; which indices of a palette there are.
        countable: False once a row does not hold indices as they are.
    """

    def __init__(self, bits: int, *, filtered: bool, depth: int = 0) -> None:
        """Begin.

        Args:
            bits: Of the picture in each row; a row is filled up to whole bytes.
            filtered: Whether a byte in front of each row names its filter (PNG, 9.2).
            depth: Bits of an index into a palette, at most 8; 0 where nothing is counted.
        """
        self._bits, self._filtered, self._depth = bits, filtered, depth
        self._row = -(-bits // 8) + filtered
        self.plain = self.countable = 0 < self._row <= _LONGEST
        self.used: NDArray[np.bool_] = np.zeros(256, bool)
        self._waiting = bytearray()
        self._above = np.zeros(max(0, self._row - filtered) if self.plain else 0, np.uint8)
        self._left = _MOST_UNFILTERED
        self._passed = not (filtered or depth or bits % 8)

    def look(self, piece: bytes) -> None:
        """Look at the next bytes of the rows."""
        if self._passed or not 0 < self._row <= _LONGEST:
            return
        self._waiting += piece
        whole = len(self._waiting) // self._row * self._row
        if whole:
            table = np.frombuffer(bytes(self._waiting[:whole]), np.uint8).reshape(-1, self._row)
            del self._waiting[:whole]
            self._look_at(table)

    def _look_at(self, table: NDArray[np.uint8]) -> None:
        if self._filtered:
            filters, table = table[:, 0], table[:, 1:]
            highest = int(filters.max())
            self.countable = self.countable and not highest
            self.plain = self.plain and highest <= _LAST_FILTER
            if self.plain and self._bits % 8:
                table = self._unfiltered(filters, table)
        self.plain = self.plain and ends_empty(table, self._bits)
        for shift in range(0, 8, self._depth) if self._depth else ():
            indices = table[:, : (self._bits + shift) // 8] >> shift & (2**self._depth - 1)
            self.used[np.unique(indices)] = True

    def _unfiltered(self, filters: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Undo filters, of samples that are smaller than a byte; where that takes too long, rows count as not plain."""
        if filters.any():
            self._left -= table.size + _EACH_ROW * len(table)
            self.plain = self._left >= 0
            table = table.copy() if self.plain else table
            above = self._above
            for number, kind in enumerate(filters.tolist() if self.plain else ()):
                above = table[number] = _undone(kind, table[number], above)
        self._above = table[-1]
        return table

    def all_used(self, palette: bytes) -> bool:
        """Say whether each entry of a palette of three bytes an entry is used, or black."""
        colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
        return self.countable and not colours[~self.used[: len(colours)]].any()


def _undone(kind: int, row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if kind == _NONE:
        return row
    if kind == _SUB:
        return np.cumsum(row, dtype=np.uint8)
    if kind == _UP:
        return row + above
    out, left, corner = bytearray(), 0, 0
    for value, up in zip(row.tolist(), above.tolist(), strict=True):
        predicted = (left + up) // 2 if kind == _AVERAGE else _paeth(left, up, corner)
        left, corner = (value + predicted) & 255, up
        out.append(left)
    return np.frombuffer(out, np.uint8)


def _paeth(left: int, up: int, corner: int) -> int:
    across, down, both = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if across <= down and across <= both:
        return left
    return up if down <= both else corner

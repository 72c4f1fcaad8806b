"""Walk the codes of a GIF's picture data (version 89a, appendix F): where they end, and which colours they use.

How wide a code is follows from how many came before it, so that they can be counted off without unpacking anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDEST = 12
_COLOUR = 3


def codes_end_exactly(data: bytes, palette: bytes) -> bool:
    """Say whether nothing is hidden in a picture's data and palette.

    Args:
        data: The least code size and the sub-blocks, with the empty one at their end.
        palette: The colours, three bytes each.

    Returns:
        Whether the codes end in the last byte, with zero bits behind them, and every colour that no code stands for is
        black.
    """
    if not data or not 2 <= data[0] <= 8:
        return False
    clear = 1 << data[0]
    used = np.zeros(2 * clear, bool)
    packed = np.frombuffer(_joined(data), np.uint8)
    bits = _position_of_end(packed, data[0], used)
    if bits is None or -(-bits // 8) != len(packed) or (bits % 8 and packed[-1] >> (bits % 8)):
        return False
    # A colour's first pixel is always coded by itself: a longer code needs it to have been there before.
    colours = np.frombuffer(palette[: len(palette) // _COLOUR * _COLOUR], np.uint8).reshape(-1, _COLOUR)
    return not colours[:clear][~used[: len(colours[:clear])]].any() and not colours[clear:].any()


def _joined(data: bytes) -> bytes:
    return b"".join(_blocks(data))


def _blocks(data: bytes) -> Iterator[bytes]:
    at = 1
    while at < len(data) and data[at]:
        yield data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def _position_of_end(packed: NDArray[np.uint8], least: int, used: NDArray[np.bool_]) -> int | None:
    """Find the bit behind the end code, and mark the literal codes that came before it; None where there is none."""
    clear, end = 1 << least, (1 << least) + 1
    padded = np.concatenate([packed, np.zeros(4, np.uint8)])
    at, total = 0, 8 * len(packed)
    widths = _widths(least)
    while at < total:
        # All codes up to the next clear code: their widths are known, so they are looked at together.
        starts = at + np.concatenate([[0], np.cumsum(widths)[:-1]])
        fits = starts + widths <= total
        starts, wide = starts[fits], widths[fits]
        if not len(starts):
            return None
        byte = starts >> 3
        first, second, third = (padded[byte + n].astype(np.uint32) for n in range(3))
        window = first | second << 8 | third << 16
        codes = window >> (starts & 7).astype(np.uint32) & ((1 << wide) - 1).astype(np.uint32)
        stops = np.flatnonzero((codes == clear) | (codes == end))
        if not len(stops):
            # The table is full and goes on to be used: from here on every code has the greatest width.
            used[codes[codes < clear]] = True
            at, widths = int(starts[-1] + wide[-1]), np.full(len(_widths(least)), _WIDEST)
            continue
        stop = int(stops[0])
        literal = codes[:stop]
        used[literal[literal < clear]] = True
        at = int(starts[stop] + wide[stop])
        if codes[stop] == end:
            return at
        widths = _widths(least)
    return None


def _widths(least: int) -> NDArray[np.int64]:
    """Give the widths of the codes after a clear code until the table is full, and of the one behind it."""
    # The first code adds nothing to the table; each further one adds an entry.
    entries = (1 << least) + 2 + np.maximum(np.arange((1 << _WIDEST) - (1 << least)) - 1, 0)
    widths: NDArray[np.int64] = np.minimum(np.floor(np.log2(entries)).astype(np.int64) + 1, _WIDEST)
    return widths

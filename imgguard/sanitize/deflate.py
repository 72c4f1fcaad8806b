"""Find where a compressed stream ends (RFC 1950): what stands behind its end is no picture.

Deflate is no picture format, and the output is looked at piece by piece: no file can claim memory with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIECE = 1 << 20


def fills_exactly(pieces: Iterable[bytes], length: int, look: Callable[[bytes], None] | None = None) -> bool:
    """Say whether pieces of a zlib stream give `length` bytes, end there, and have no byte behind the end.

    Args:
        pieces: The stream.
        length: How many bytes it should give.
        look: Is shown what comes out, in order.
    """
    stream, given = zlib.decompressobj(), 0
    try:
        for piece in pieces:
            if stream.eof and piece:
                return False
            while piece:
                out = stream.decompress(piece, _PIECE)
                piece = stream.unconsumed_tail
                given += len(out)
                if given > length:
                    return False
                if look:
                    look(out)
        # What the stream still holds back is less than a piece.
        rest = stream.flush()
    except zlib.error:
        return False
    if look:
        look(rest)
    return stream.eof and not stream.unused_data and given + len(rest) == length


def inflated(content: bytes, most: int) -> bytes | None:
    """Unpack at most `most` bytes; None where there are more, or where the stream does not end with `content`."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(content, most + 1)
    except zlib.error:
        return None
    return out if stream.eof and not stream.unused_data and len(out) <= most else None


class UsedColours:
    """Counts which entries of a palette the rows of a picture use.

    Attributes:
        used: (256,) bool.
        countable: False once a row does not hold indices as they are.
    """

    def __init__(self, row: int, bits: int, filtered: bool) -> None:
        """Begin with rows of `row` bytes and `bits` an index; `filtered` where each begins with a PNG filter's kind."""
        self.used: NDArray[np.bool_] = np.zeros(256, bool)
        self.countable = True
        self._row, self._bits, self._filtered = row, bits, filtered
        self._waiting = b""

    def look(self, rows: bytes) -> None:
        """Count the next bytes of the rows."""
        rows = self._waiting + rows
        whole = len(rows) // self._row * self._row
        self._waiting = rows[whole:]
        table = np.frombuffer(rows[:whole], np.uint8).reshape(-1, self._row)
        if self._filtered:
            self.countable = self.countable and not table[:, 0].any()
            table = table[:, 1:]
        for shift in range(0, 8, self._bits):
            self.used[np.unique(table >> shift & (2**self._bits - 1))] = True

    def all_used(self, palette: bytes) -> bool:
        """Say whether each entry of a palette of three bytes an entry is used, or black."""
        colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
        return self.countable and not colours[~self.used[: len(colours)]].any()

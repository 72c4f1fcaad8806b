"""Find where a compressed stream ends (RFC 1950): what stands behind its end is no picture.

Deflate is no picture format, and the output is looked at piece by piece: no file can claim memory with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

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

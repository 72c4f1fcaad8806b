"""Find where a compressed stream ends (RFC 1950): what stands behind its end is no picture.

Deflate is no picture format, and the output is thrown away piece by piece: no file can claim memory with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

_PIECE = 1 << 20


def fills_exactly(pieces: Iterable[bytes], length: int) -> bool:
    """Say whether pieces of a zlib stream give `length` bytes, end there, and have no byte behind the end."""
    stream, given = zlib.decompressobj(), 0
    try:
        for piece in pieces:
            if stream.eof and piece:
                return False
            while piece:
                given += len(stream.decompress(piece, _PIECE))
                piece = stream.unconsumed_tail
                if given > length:
                    return False
        while not stream.eof and (rest := stream.decompress(b"", _PIECE)):
            given += len(rest)
    except zlib.error:
        return False
    return stream.eof and not stream.unused_data and given == length


def inflated(content: bytes, most: int) -> bytes | None:
    """Unpack at most `most` bytes; None where there are more, or where the stream does not end with `content`."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(content, most + 1)
    except zlib.error:
        return None
    return out if stream.eof and not stream.unused_data and len(out) <= most else None

"""Know a file again that a computer without power left torn: cut off, or with zeros where its bytes should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# Of these formats a whole file ends like this.
_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG": b"IEND\xaeB`\x82", b"GIF8": b"\x3b"}
# Of these the end tells nothing: whoever can compare a file with what it should be does.
_OTHERS = (b"II*\0", b"MM\0*", b"BM", b"RIFF")
_ZEROS = bytes(4096)
# Drives write no less at once.
_SECTOR = 512


def may_be_torn(path: Path) -> bool:
    """Say whether a file is a picture that is not whole, as far as that can be told without knowing the right bytes."""
    try:
        # A pipe would never be read to its end.
        content = path.read_bytes() if path.is_file() else b"-"
    except OSError:
        return False
    if not content.strip(b"\0") or _ZEROS in content:
        return True
    end = next((end for start, end in _ENDS.items() if content.startswith(start)), None)
    if end is not None:
        return not content.endswith(end)
    return content.startswith(_OTHERS) or content[4:8] == b"ftyp"


def is_torn(there: bytes, right: bytes) -> bool:
    """Say whether a file is what is left of the right bytes: cut off, or zeros in their place, and nothing else.

    Zeros are there by whole sectors: black that somebody has painted over a face is not, and is theirs.

    >>> is_torn(b"ab", b"abc"), is_torn(bytes(3), b"abc"), is_torn(b"abc", b"abc"), is_torn(b"xb", b"abc")
    (True, True, False, False)
    """
    if len(there) > len(right) or there == right:
        return False
    found, whole = np.frombuffer(there, np.uint8), np.frombuffer(right, np.uint8)
    starts = np.unique(np.flatnonzero(found != whole[: len(found)]) // _SECTOR) * _SECTOR
    return not any(found[start : start + _SECTOR].any() for start in starts)

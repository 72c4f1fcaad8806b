"""Fields that decoders pass over could hold words a few bits at a time: each is held to what a picture needs."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from imgguard import Format
from imgguard.sanitize import leftovers
from tests.pictures import MARKER, as_bytes, scene
from tests.planted.jpeg import segment

PICTURE = Image.fromarray(scene(101, 75))
BASELINE = as_bytes(PICTURE, "JPEG", quality=90)
PROGRESSIVE = as_bytes(PICTURE, "JPEG", quality=90, progressive=True)
RESTARTING = as_bytes(PICTURE, "JPEG", quality=90, restart_marker_blocks=4)
PAIRS = [MARKER[at : at + 2] for at in range(0, len(MARKER) - 1, 2)]
SCAN = BASELINE[BASELINE.index(b"\xff\xda") :][:14]


def renamed(content: bytes) -> bytes:
    """Call the components of a JPEG by the marker's first letters."""
    out = bytearray(content)
    frame, scan = content.index(b"\xff\xc0"), content.index(b"\xff\xda")
    for number in range(3):
        out[frame + 10 + 3 * number] = out[scan + 5 + 2 * number] = MARKER[number]
    return bytes(out)


def shows(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).convert("RGB").tobytes()


JPEG_SLACK: dict[str, Callable[[], bytes]] = {
    "restart intervals that are replaced": lambda: (
        BASELINE[:20] + b"".join(segment(0xDD, pair) for pair in PAIRS) + segment(0xDD, b"\0\0") + BASELINE[20:]
    ),
    "a restart interval behind the picture": lambda: BASELINE[:-2] + segment(0xDD, MARKER[:2]) + BASELINE[-2:],
    "names of components": lambda: renamed(BASELINE),
    "a scan of a complete picture": lambda: BASELINE[:-2] + SCAN + MARKER + BASELINE[-2:],
    "scans without data": lambda: BASELINE[:-2] + SCAN * 4 + BASELINE[-2:],
    "a bit sent twice": lambda: PROGRESSIVE[:-2] + last_scan(PROGRESSIVE) + PROGRESSIVE[-2:],
    "spectral selection of a baseline scan": lambda: BASELINE.replace(SCAN, SCAN[:-3] + MARKER[:3], 1),
    "density": lambda: BASELINE[:14] + MARKER[:4] + BASELINE[18:],
    "minor version": lambda: BASELINE[:12] + MARKER[:1] + BASELINE[13:],
}


def last_scan(content: bytes) -> bytes:
    return content[content.rindex(b"\xff\xda") : -2]


@pytest.mark.parametrize("slack", JPEG_SLACK)
def test_a_jpeg_has_no_header_that_says_more_than_its_picture_needs(slack: str) -> None:
    content = JPEG_SLACK[slack]()
    if slack != "names of components":
        size = Image.open(io.BytesIO(content)).size
        assert size == PICTURE.size, "the control: it is opened as before"
    assert leftovers(content, Format.JPEG)


@pytest.mark.parametrize("content", [BASELINE, PROGRESSIVE, RESTARTING, as_bytes(PICTURE.convert("L"), "JPEG")])
def test_a_jpeg_as_it_is_written_is_clean(content: bytes) -> None:
    assert leftovers(content, Format.JPEG) == ()

"""Write a covered JPEG with the coefficients of its source: only blocks under covers are new."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from imgguard.grid import PIXELS, Grid
from imgguard.sanitize.attached import Attached
from imgguard.sanitize.coefficients import (
    Coefficients,
    NoCoefficients,
    can_turn,
    cut,
    grid_of,
    hidden_units,
    mcu_of,
    read_coefficients,
    replace_units,
    turned,
    write_coefficients,
)
from imgguard.sanitize.jpeg import APP14, SOS, assembled, encode, only_picture, segments
from imgguard.turning import as_stored, window_as_stored
from imgguard.types import Encoding, Written

if TYPE_CHECKING:
    from imgguard.redact import Redacted
    from imgguard.types import Photo

# Another decoder, or the same on a turned picture, rounds chroma and colours by this many levels at most.
_TOLERANCE = 6
_MOST_GROWTH = 1.1
_LOWER_QUALITIES = (75, 60, 45, 30)
_BASELINE_TO_PROGRESSIVE = (0xC0, 0xC1, 0xC2)
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_HUFFMAN = 0xC4


@dataclass(frozen=True, slots=True)
class Frame:
    """What a frame header says (T.81, B.2.2).

    Attributes:
        marker: Kind of coding, 0xC0 to 0xCF.
        precision: Bits a sample.
        size: Width and height of the stored picture.
        sampling: Horizontal and vertical factor of each component.
        coloured: Whether three components are luma and chroma, as far as markers tell.
    """

    marker: int
    precision: int
    size: tuple[int, int]
    sampling: tuple[tuple[int, int], ...]
    coloured: bool

    @property
    def mcu(self) -> tuple[int, int]:
        """Width and height of a minimum coded unit, in pixels."""
        return mcu_of(self.sampling)

    @property
    def fault(self) -> str | None:
        """Why the coefficients of such a file are not kept; None where they are."""
        if self.marker not in _BASELINE_TO_PROGRESSIVE:
            return "its coding is arithmetic or lossless"
        if self.precision != 8:
            return f"its samples have {self.precision} bits"
        if len(self.sampling) not in (1, 3) or not self.coloured:
            return "its colours are not luma and chroma (CMYK or RGB)"
        if len(self.sampling) == 3 and self.sampling[1:] != ((1, 1), (1, 1)):
            return "its chroma is sampled in an unusual way"
        return None


def frame_of(content: bytes) -> Frame | None:
    """Read the frame header of a JPEG; None where there is none that makes sense, or several, or no scan behind it.

    A decoder finds its way over bytes that belong to no segment; the list of segments ends there, and of what it does
    not reach no coefficients can be read.
    """
    found = [(marker, content[begin + 4 : end]) for marker, begin, end in segments(content)]
    frames = [(marker, body) for marker, body in found if marker in _FRAMES]
    if len(frames) != 1 or len(frames[0][1]) < 6 or all(marker != SOS for marker, _ in found):
        return None
    marker, body = frames[0]
    precision, height, width, count = struct.unpack_from(">BHHB", body)
    components = [body[at : at + 3] for at in range(6, len(body), 3)]
    if not (width and height) or len(components) != count or any(len(part) != 3 for part in components):
        return None
    sampling = tuple((part[1] >> 4, part[1] & 15) for part in components)
    if not sampling or not all(1 <= h <= 4 and 1 <= v <= 4 for h, v in sampling):
        return None
    # One component is never interleaved, whatever its factors say (T.81, A.2.2).
    sampling = ((1, 1),) if count == 1 else sampling
    adobe = next((body[11] for marker, body in found if marker == APP14 and body[:5] == b"Adobe" and len(body) > 11), 1)
    rgb = bytes(part[0] for part in components) == b"RGB"
    return Frame(marker, precision, (width, height), sampling, coloured=count == 1 or (adobe != 0 and not rgb))


def photo_grid(photo: Photo) -> Grid:
    """Give the blocks of a JPEG's upright picture, or of the window of it that a photo is."""
    frame = frame_of(photo.content)
    if frame is None:
        return PIXELS
    grid = grid_of(frame.size, frame.mcu, photo.orientation)
    x, y = photo.window[:2] if photo.window else (0, 0)
    (step_x, step_y), (offset_x, offset_y) = grid.step, grid.offset
    return Grid(grid.step, ((offset_x - x) % step_x, (offset_y - y) % step_y))


def write_jpeg(
    photo: Photo, redacted: Redacted, credit: str | None, *, keep_orientation_tag: bool = False, exact: bool = True
) -> Written:
    """Write a covered JPEG: with its own coefficients outside of the covers, or compressed anew where that cannot be.

    Args:
        photo: The source, a JPEG.
        redacted: The same picture with its covers.
        credit: A line of credit; None for none.
        keep_orientation_tag: Leave the picture as it is stored and say how to turn it, instead of turning it.
        exact: Whether to try; False where it was tried and did not pass its check.
    """
    frame = frame_of(photo.content)
    fault = _fault(photo, frame) if exact else "its coefficients did not decode as they should"
    if fault is None and frame is not None:
        try:
            content = _exactly(photo, frame, redacted, credit, keep_orientation_tag)
        except NoCoefficients:
            fault = "its coefficients cannot be read"
        else:
            if len(content) <= _MOST_GROWTH * len(photo.content):
                return Written(content, _TOLERANCE)
            fault = "it would have grown by more than a tenth"
    return Written(_anew(photo, redacted, credit), None, fault)


def _fault(photo: Photo, frame: Frame | None) -> str | None:
    if frame is None:
        return "its structure is unusual"
    if photo.converted and frame.fault is None:
        return "its colour profile is unusual, so that its colours were converted to sRGB"
    return frame.fault


def _anew(photo: Photo, redacted: Redacted, credit: str | None) -> bytes:
    attached = Attached(credit, None, photo.profile)
    content = encode(redacted.pixels, photo.encoding, attached)
    for quality in _LOWER_QUALITIES:
        if len(content) <= _MOST_GROWTH * len(photo.content):
            break
        content = encode(redacted.pixels, photo.encoding, attached, quality)
    return content


def _exactly(photo: Photo, frame: Frame, redacted: Redacted, credit: str | None, keep_orientation_tag: bool) -> bytes:
    coefficients = read_coefficients(only_picture(photo.content), frame.size, frame.sampling)
    if photo.window is not None:
        coefficients = cut(coefficients, window_as_stored(photo.window, coefficients.size, photo.orientation))
    turn = photo.orientation
    if turn != 1 and not keep_orientation_tag and can_turn(coefficients.size, coefficients.mcu, turn):
        coefficients, turn = turned(coefficients, turn), 1
    pixels, changed = (as_stored(array, turn) for array in (redacted.pixels, redacted.changed))
    blocks = Grid(coefficients.mcu).touched(changed) | hidden_units(coefficients)
    attached = Attached(credit, turn if turn != 1 else None, photo.profile)
    room = _MOST_GROWTH * len(photo.content)
    content = b""
    for coarse in (False, True):
        replace_units(coefficients, pixels, blocks, coarse=coarse)
        content = _smallest(coefficients, attached, room, optimize=coarse or not _has_standard_codes(photo.content))
        if len(content) <= room:
            break
    return content


def _smallest(coefficients: Coefficients, attached: Attached, room: float, *, optimize: bool) -> bytes:
    """Write with the least work that fits into `room` bytes; what is larger is the smallest that was found."""
    made = assembled(write_coefficients(coefficients, optimize=optimize), attached)
    if len(made) > room and not optimize:
        made = assembled(write_coefficients(coefficients), attached)
    if len(made) > room:
        made = assembled(write_coefficients(coefficients, again=made), attached)
    return made


def _has_standard_codes(content: bytes) -> bool:
    """Say whether a file uses the Huffman tables of T.81, annex K, as most cameras do."""
    return _codes(content) <= _standard_codes()


def _codes(content: bytes) -> set[bytes]:
    """Give the Huffman tables of a file, each with its number in front."""
    found = set()
    for marker, begin, end in segments(content):
        body = content[begin + 4 : end] if marker == _HUFFMAN else b""
        while len(body) > 16:
            length = 17 + sum(body[1:17])
            found.add(body[:length])
            body = body[length:]
    return found


@cache
def _standard_codes() -> set[bytes]:
    return _codes(encode(np.zeros((8, 8, 3), np.uint8), Encoding(None, None, lossless=False)))

"""JPEG coefficients: read, turn, cut, replace in whole blocks, and write again, without ever decoding the rest.

What is not covered keeps the very numbers that the camera wrote. The bytes are new: entropy coding is done again, so
that nothing hidden between the source's codes comes along.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jpeglib
import numpy as np

from imgguard.grid import Grid
from imgguard.lazy import cv2
from imgguard.turning import TURNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgguard.types import Floats, Mask, Pixels

    Plane = NDArray[np.int16]
    Table = NDArray[np.uint16]
    Sampling = tuple[tuple[int, int], ...]

_VERSION = "turbo210"
_SMALLEST_VERSION = "mozjpeg403"
_BLOCK = 8
# Measured on continued edges of photos and of noise at all qualities: at most 1.7 times the noise.
_MORE_THAN_NOISE = 2.0
# Averaged chroma is continued before it is averaged: in photos up to 4.1.
_MORE_THAN_NOISE_OF_FEWER = 5.0
# Of 8 bit pictures (T.81, F.1.1.4): DC differences have 11 bits, AC values 10.
_DC_RANGE, _AC_RANGE = (-1024, 1023), (-1023, 1023)
# ITU-T T.871 (JFIF), clause 7.
_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)


class NoCoefficients(Exception):
    """The coefficients of a file cannot be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """A JPEG's quantised DCT coefficients.

    Attributes:
        size: Width and height of the picture in pixels.
        planes: One array a component (Y, Cb, Cr, or grey alone): (rows, columns, 8, 8) int16, vertical frequency first.
        tables: Quantisation table of each component, (8, 8) uint16, in the same order.
        sampling: Horizontal and vertical sampling factor of each component.
    """

    size: tuple[int, int]
    planes: tuple[Plane, ...]
    tables: tuple[Table, ...]
    sampling: Sampling

    @property
    def mcu(self) -> tuple[int, int]:
        """Width and height of a minimum coded unit, in pixels."""
        return mcu_of(self.sampling)


def mcu_of(sampling: Sampling) -> tuple[int, int]:
    """Give width and height of a minimum coded unit, in pixels, by the components' sampling factors (T.81, A.2.4)."""
    return _BLOCK * max(h for h, _ in sampling), _BLOCK * max(v for _, v in sampling)


class _AsItIs(np.ndarray):
    """An array of the type that the library converts to before it writes, which would copy all of it."""

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        """Give the array itself where nothing has to be converted."""
        return self if self.dtype == dtype else super().astype(dtype, *args, **options)


@contextmanager
def _libjpeg(version: str) -> Iterator[None]:
    before = jpeglib.version.get()
    jpeglib.version.set(version)
    try:
        yield
    finally:
        jpeglib.version.set(before)


def read_coefficients(content: bytes, size: tuple[int, int], sampling: Sampling) -> Coefficients:
    """Read the coefficients of a JPEG of one or three components.

    Args:
        content: A whole file of which a decoder has made a picture before: at some of what is broken, the library
            ends the process.
        size: Width and height, as the frame header has them.
        sampling: Horizontal and vertical sampling factor of each component, likewise.

    Raises:
        NoCoefficients: if they cannot be read.
    """
    jpeg = _jpeg(content, size, sampling, _blocks(size, sampling))
    try:
        with _libjpeg(_VERSION):
            jpeg.load()
    except (OSError, ValueError, IndexError) as error:
        raise NoCoefficients(str(error)) from error
    planes = (jpeg.Y, jpeg.Cb, jpeg.Cr)[: len(sampling)]
    tables = tuple(np.asarray(jpeg.qt[number], np.uint16) for number in jpeg.quant_tbl_no[: len(planes)])
    return Coefficients(size, planes, tables, sampling)


def _blocks(size: tuple[int, int], sampling: Sampling) -> NDArray[np.int32]:
    """Give how many blocks each component has, (components, 2): down and across (T.81, A.1.1 and A.2.4)."""
    across, down = mcu_of(sampling)
    return np.array([(-(-size[1] * v // down), -(-size[0] * h // across)) for h, v in sampling], np.int32)


def _jpeg(
    content: bytes | None, size: tuple[int, int], sampling: Sampling, blocks: NDArray[np.int32], **parts: Any
) -> jpeglib.DCTJPEG:
    space = jpeglib.Colorspace.JCS_YCbCr if len(sampling) == 3 else jpeglib.Colorspace.JCS_GRAYSCALE
    names = "path", "Y", "Cb", "Cr", "K", "qt", "quant_tbl_no", "markers", "huffmans", "num_scans", "progressive_mode"
    return jpeglib.DCTJPEG(
        content=content,
        width=size[0],
        height=size[1],
        block_dims=blocks,
        samp_factor=np.array([(v, h) for h, v in sampling], np.int32),
        jpeg_color_space=space,
        **(dict.fromkeys(names) | parts),
    )


def write_coefficients(coefficients: Coefficients, *, optimize: bool = True, again: bytes | None = None) -> bytes:
    """Write coefficients as a JPEG.

    Args:
        coefficients: What to write.
        optimize: Make Huffman tables for this picture instead of the standard's own: smaller, and slower.
        again: The same coefficients as written before: write them in several scans, chosen for size. Much slower.

    Returns:
        A file with the markers that the library writes.

    Raises:
        NoCoefficients: if they cannot be written.
    """
    numbers, tables = _shared_tables(coefficients.tables)
    planes = {
        name: np.ascontiguousarray(plane, np.int16).view(_AsItIs)
        for name, plane in zip(("Y", "Cb", "Cr"), coefficients.planes, strict=False)
    }
    blocks = np.array([plane.shape[:2] for plane in coefficients.planes], np.int32)
    jpeg = _jpeg(again, coefficients.size, coefficients.sampling, blocks, qt=tables, quant_tbl_no=numbers, **planes)
    with (
        tempfile.TemporaryDirectory(prefix="imgguard-") as folder,
        _libjpeg(_SMALLEST_VERSION if again else _VERSION),
    ):
        path = Path(folder) / "photo.jpg"
        try:
            jpeg.write_dct(str(path), flags=["+OPTIMIZE_CODING"] if optimize else [])
        except OSError as error:
            raise NoCoefficients(str(error)) from error
        return path.read_bytes()


def _shared_tables(tables: tuple[Table, ...]) -> tuple[NDArray[np.int16], Table]:
    """Give the number of each component's table, and the different ones among them, (N, 8, 8)."""
    different: list[Table] = []
    numbers = []
    for table in tables:
        known = next((i for i, other in enumerate(different) if np.array_equal(other, table)), len(different))
        if known == len(different):
            different.append(table)
        numbers.append(known)
    return np.array(numbers, np.int16), np.stack(different)


def grid_of(size: tuple[int, int], mcu: tuple[int, int], orientation: int) -> Grid:
    """Give the blocks of a stored picture as they lie in the upright one.

    Args:
        size: Width and height of the stored picture.
        mcu: Width and height of its minimum coded units.
        orientation: How it has to be turned, 1 to 8.
    """
    transposed, mirrored, flipped = TURNS[orientation]
    (width, height), (step_x, step_y) = (size[::-1], mcu[::-1]) if transposed else (size, mcu)
    return Grid((step_x, step_y), (width % step_x if mirrored else 0, height % step_y if flipped else 0))


def can_turn(size: tuple[int, int], mcu: tuple[int, int], orientation: int) -> bool:
    """Say whether a stored picture can be turned upright in whole blocks."""
    return grid_of(size, mcu, orientation).offset == (0, 0)


def turned(coefficients: Coefficients, orientation: int) -> Coefficients:
    """Turn a picture upright, exactly; see `can_turn`."""
    transposed, mirrored, flipped = TURNS[orientation]
    planes, tables, sampling, size = coefficients.planes, coefficients.tables, coefficients.sampling, coefficients.size
    if transposed:
        planes = tuple(plane.transpose(1, 0, 3, 2) for plane in planes)
        tables = tuple(table.T for table in tables)
        sampling = tuple((v, h) for h, v in sampling)
        size = size[::-1]
    # A mirror image has the odd cosines with the other sign.
    odd = np.where(np.arange(_BLOCK) % 2, -1, 1).astype(np.int16)
    if mirrored:
        planes = tuple(plane[:, ::-1] * odd for plane in planes)
    if flipped:
        planes = tuple(plane[::-1] * odd[:, None] for plane in planes)
    return Coefficients(size, planes, tables, sampling)


def cut(coefficients: Coefficients, window: tuple[int, int, int, int]) -> Coefficients:
    """Cut a window (x1, y1, x2, y2) of the stored picture; its corners lie on block boundaries, or at the edge."""
    x1, y1, x2, y2 = window
    width, height = coefficients.mcu
    planes = []
    for plane, (h, v) in zip(coefficients.planes, coefficients.sampling, strict=True):
        columns = slice(x1 // width * h, -(-x2 // width) * h)
        planes.append(plane[y1 // height * v : -(-y2 // height) * v, columns])
    return replace(coefficients, size=(x2 - x1, y2 - y1), planes=tuple(planes))


def hidden_units(coefficients: Coefficients) -> Mask:
    """Find the minimum coded units at the right and lower edge that hold another picture beyond it.

    A decoder cuts off what lies beyond the size in the header: a file that was made smaller by its header alone keeps
    up to fifteen rows and columns more. Encoders continue the edge. So what lies beyond may differ from the edge by
    what quantisation explains, and no more.

    Returns:
        (rows, columns) bool.
    """
    (unit_x, unit_y), (width, height) = coefficients.mcu, coefficients.size
    found = np.zeros((-(-height // unit_y), -(-width // unit_x)), bool)
    for plane, table, (h, v) in zip(coefficients.planes, coefficients.tables, coefficients.sampling, strict=True):
        fewer = h * _BLOCK < unit_x or v * _BLOCK < unit_y
        limit = _MORE_THAN_NOISE_OF_FEWER if fewer else _MORE_THAN_NOISE
        visible_x = -(-width * h * _BLOCK // unit_x) - _BLOCK * (plane.shape[1] - 1)
        visible_y = -(-height * v * _BLOCK // unit_y) - _BLOCK * (plane.shape[0] - 1)
        right = _noise_beyond(plane[:, -1], table, visible_x, axis=2) > limit
        below = _noise_beyond(plane[-1], table, visible_y, axis=1) > limit
        found[np.flatnonzero(right) // v, -1] = True
        found[-1, np.flatnonzero(below) // h] = True
    return found


def _noise_beyond(blocks: Plane, table: Table, visible: int, axis: int) -> Floats:
    """Give by how much the samples of blocks (N, 8, 8) beyond the first `visible` differ from the last of these.

    Returns:
        (N,) in standard deviations of what quantisation and rounding can do.
    """
    if visible >= _BLOCK:
        return np.zeros(len(blocks), np.float32)
    steps = table.astype(np.float32)
    samples = _DCT.T @ (blocks * steps) @ _DCT
    beyond = np.take(samples, range(visible, _BLOCK), axis=axis) - np.take(samples, [visible - 1], axis=axis)
    # At the edge and beyond it each sample is off by a step / sqrt(12) at most, and by about half a level.
    noise = 2 * ((steps**2).mean() / 12 + 0.5)
    return np.asarray(np.sqrt((beyond**2).mean(axis=(1, 2)) / noise), np.float32)


def replace_units(coefficients: Coefficients, pixels: Pixels, blocks: Mask, *, coarse: bool = False) -> None:
    """Replace whole minimum coded units by those of other pixels, in place: the planes are large.

    Args:
        coefficients: Of the picture as it is; changed.
        pixels: (H, W, 3) uint8 RGB of the same picture, with what is to be put in.
        blocks: (rows, columns) bool: which units to replace.
        coarse: Spend fewer bits on them than the rest of a very finely coded picture has.
    """
    _, _, regions, _ = cv2.connectedComponentsWithStats(blocks.view(np.uint8), connectivity=4)
    for x, y, columns, rows, _ in regions[1:]:
        chosen = blocks[y : y + rows, x : x + columns]
        samples = _samples(pixels, (int(x), int(y), int(columns), int(rows)), coefficients.mcu)
        for index, (h, v) in enumerate(coefficients.sampling):
            samples_of = _fewer(samples[..., index], (columns * h, rows * v))
            coded = _coded(samples_of, coefficients.tables[index], coarse=coarse)
            there = coefficients.planes[index][y * v : (y + rows) * v, x * h : (x + columns) * h]
            # At the edge of the picture a unit can have fewer blocks than its sampling factors say.
            wanted = chosen.repeat(v, axis=0).repeat(h, axis=1)[: there.shape[0], : there.shape[1]]
            there[wanted] = coded[: there.shape[0], : there.shape[1]][wanted]


def _samples(pixels: Pixels, units: tuple[int, int, int, int], mcu: tuple[int, int]) -> Floats:
    """Give the level-shifted YCbCr (h, w, 3) of units (x, y, columns, rows); beyond the picture its edge goes on."""
    x, y, columns, rows = units
    width, height = mcu
    part = pixels[y * height : (y + rows) * height, x * width : (x + columns) * width]
    missing = rows * height - part.shape[0], columns * width - part.shape[1]
    if any(missing):
        part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    shifted = cv2.transform(part.astype(np.float32), np.column_stack([_YCC, [-128, 0, 0]]).astype(np.float32))
    return np.asarray(shifted, np.float32)


def _fewer(samples: Floats, blocks: tuple[int, int]) -> Floats:
    """Average samples (h, w) down to a component of so many blocks (across, down)."""
    size = blocks[0] * _BLOCK, blocks[1] * _BLOCK
    if samples.shape == size[::-1]:
        return np.ascontiguousarray(samples)
    return np.asarray(cv2.resize(samples, size, interpolation=cv2.INTER_AREA), np.float32)


def _cosines() -> Floats:
    """The 8-point DCT as a matrix (T.81, A.3.3)."""
    k = np.arange(_BLOCK)
    matrix = np.cos((2 * k + 1) * k[:, None] * np.pi / (2 * _BLOCK)) / 2
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


_DCT = _cosines()
# About what IJG's quality 90 has, growing with the frequency.
_COARSE = 3 + 2 * np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK)).astype(np.uint16)


def _coded(samples: Floats, table: Table, *, coarse: bool = False) -> Plane:
    """Transform and quantise a component (h, w); gives (rows, columns, 8, 8)."""
    rows, columns = samples.shape[0] // _BLOCK, samples.shape[1] // _BLOCK
    down = np.matmul(_DCT, samples.reshape(rows, _BLOCK, -1)).reshape(rows * _BLOCK, -1)
    both = np.matmul(_DCT, np.ascontiguousarray(down.T).reshape(columns, _BLOCK, -1))
    both = both.reshape(columns, _BLOCK, rows, _BLOCK).transpose(2, 0, 3, 1)
    if coarse:
        steps = np.maximum(table, _COARSE).astype(np.float32)
        both = np.rint(both / steps) * steps
    spectrum = np.rint(both / table.astype(np.float32))
    coded = np.clip(spectrum, *_AC_RANGE)
    coded[..., 0, 0] = np.clip(spectrum[..., 0, 0], *_DC_RANGE)
    return np.asarray(coded, np.int16)

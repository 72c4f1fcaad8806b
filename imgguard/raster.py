"""Keep a picture's samples as its file has them: palette, grey, 1 to 16 bits.

What is lossless outside the covers is so by construction: the file's own samples go back into the new file, and only
those that covers changed are made from colours. What those become depends on the covered picture's colours alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from imgguard.colour import to_srgb
from imgguard.lazy import cv2
from imgguard.tiffdirs import byte_order, numbers, pages
from imgguard.types import Format, Raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgguard.redact import Redacted
    from imgguard.types import Pixels

    Samples = NDArray[np.uint8] | NDArray[np.uint16]

_BITS = 258
_SIXTEEN_BIT_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_GREY = ("1", "L", "LA", "La")
_MOST_COLOURS = 256
# Bayer 1973: ordered thresholds, which turn a tone into a pattern.
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32)
_CHUNK = 4096
# Levels of 8 bits by which two libraries may show 16 bits differently, flattened.
_MOST_ROUNDING = 2


def read_raster(image: Image.Image, content: bytes, container: Format) -> Raster:
    """Take the samples of an opened picture whose colours need no conversion.

    Transparency is flattened on white: what lies hidden under transparent pixels is gone.

    Args:
        image: As Pillow opened it; will be decoded.
        content: The file, for what Pillow does not tell: its depth, and colours of 16 bits.
        container: What it is.
    """
    bits = _depth(content, container)
    if (
        bits == 16
        and image.mode in ("RGB", "RGBA", "RGBX", "LA")
        and (deep := _sixteen_bit(image, content)) is not None
    ):
        return Raster(deep, 16)
    image.load()
    if image.mode == "P":
        return _palette_raster(image, bits)
    if image.mode in _SIXTEEN_BIT_GREY:
        return Raster(np.clip(np.asarray(image), 0, 65535).astype(np.uint16), 16)
    if image.mode in _GREY:
        return _grey_raster(image, bits)
    return Raster(to_srgb(image, None))


def rgb8(raster: Raster) -> Pixels:
    """Show samples as (H, W, 3) uint8 RGB."""
    if raster.palette is not None:
        return np.asarray(raster.palette[raster.samples], np.uint8)
    samples = eight_bit(raster)
    rgb = samples if samples.ndim == 3 else np.repeat(samples[..., None], 3, axis=2)
    return np.ascontiguousarray(rgb, np.uint8)


def eight_bit(raster: Raster) -> Pixels:
    """Show samples without a palette, (H, W) grey or (H, W, 3) colours, as uint8."""
    if raster.bits == 16:
        return np.asarray(raster.samples >> 8, np.uint8)
    if raster.bits < 8:
        return np.asarray(raster.samples * (255 // (2**raster.bits - 1)), np.uint8)
    return np.asarray(raster.samples, np.uint8)


def merged(raster: Raster, redacted: Redacted) -> Raster:
    """Put covers into a picture's own samples.

    Args:
        raster: The source.
        redacted: The same picture, covered.

    Returns:
        The samples where nothing was changed. Elsewhere the covered colours: at the source's depth, in grey where it
        is grey; with a palette, the nearest of the colours that are used outside of the covers, and new ones as far as
        256 allow. A colour that is only used under covers goes.
    """
    changed = redacted.changed
    if raster.palette is not None:
        return _merged_palette(raster, raster.palette, redacted)
    if raster.samples.ndim == 3:
        new: Samples = redacted.pixels
    else:
        new = np.asarray(cv2.cvtColor(redacted.pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    if raster.bits == 16:
        new = new.astype(np.uint16) * np.uint16(257)
    elif raster.bits < 8:
        new = _dithered(np.asarray(new, np.uint8), raster.bits)
    where = changed[..., None] if raster.samples.ndim == 3 else changed
    return Raster(np.where(where, new, raster.samples), raster.bits)


def _depth(content: bytes, container: Format) -> int:
    """Bits a sample, as the header says it."""
    if container is Format.PNG:
        return content[24]
    if container is Format.BMP and int.from_bytes(content[14:18], "little") >= 40:
        return min(8, int.from_bytes(content[28:30], "little"))
    if container is Format.TIFF and (found := pages(content)):
        return (numbers(content, byte_order(content) or "<", found[0].find(_BITS), 8) or (1,))[0]
    return 8


def _sixteen_bit(image: Image.Image, content: bytes) -> NDArray[np.uint16] | None:
    """Decode colours of 16 bits, of which Pillow keeps eight; alpha is flattened on white.

    None where OpenCV does not see the same picture as Pillow does, the same way up.
    """
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    image.load()
    if decoded is None or decoded.dtype != np.uint16 or decoded.shape[:2] != image.size[::-1] or decoded.ndim != 3:
        return None
    if decoded.shape[2] == 4:
        colours, alpha = decoded[..., :3].astype(np.uint32), decoded[..., 3:].astype(np.uint32)
        decoded = ((colours * alpha + 65535 * (65535 - alpha) + 32767) // 65535).astype(np.uint16)
    rgb: NDArray[np.uint16] = np.ascontiguousarray(decoded[..., 2::-1], np.uint16)
    if cv2.norm((rgb >> 8).astype(np.uint8), to_srgb(image, None), cv2.NORM_INF) > _MOST_ROUNDING:
        return None
    return np.ascontiguousarray(rgb[..., 0]) if image.mode == "LA" else rgb


def _palette_raster(image: Image.Image, bits: int) -> Raster:
    palette = np.zeros((_MOST_COLOURS, 4), np.uint8)
    palette[:, 3] = 255
    given = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)[:_MOST_COLOURS]
    palette[: len(given), :3] = given
    alpha = image.info.get("transparency")
    if isinstance(alpha, bytes):
        palette[: len(alpha), 3] = np.frombuffer(alpha, np.uint8)[:_MOST_COLOURS]
    elif isinstance(alpha, int) and 0 <= alpha < _MOST_COLOURS:
        palette[alpha, 3] = 0
    flat = to_srgb(Image.fromarray(palette[None]), None)[0]
    return Raster(np.array(image, np.uint8), min(bits, 8), flat)


def _grey_raster(image: Image.Image, bits: int) -> Raster:
    if image.mode == "1":
        return Raster(np.asarray(image).astype(np.uint8), 1)
    grey = np.ascontiguousarray(to_srgb(image, None)[..., 0])
    levels = 2**bits - 1
    if bits < 8 and not (grey % (255 // levels)).any():
        return Raster(grey // np.uint8(255 // levels), bits)
    return Raster(grey)


def _dithered(grey: Pixels, bits: int) -> Pixels:
    height, width = grey.shape
    thresholds = np.tile((_BAYER + 0.5) / 16, (-(-height // 4), -(-width // 4)))[:height, :width]
    return np.asarray(np.floor(grey.astype(np.float32) / 255 * (2**bits - 1) + thresholds), np.uint8)


def _merged_palette(raster: Raster, palette: Pixels, redacted: Redacted) -> Raster:
    changed = redacted.changed
    used = np.unique(raster.samples[~changed])
    samples = _renumbered(raster.samples, used)
    covered = redacted.pixels[changed]
    colours = np.concatenate([palette[used], _new_colours(covered, _MOST_COLOURS - len(used))])
    samples[changed] = _nearest(covered, colours)
    return Raster(samples, _bits_for(len(colours)), colours)


def _new_colours(covered: Pixels, room: int) -> Pixels:
    """Choose at most `room` colours for covered pixels (N, 3)."""
    if not room or not len(covered):
        return np.zeros((0, 3), np.uint8)
    reduced = Image.fromarray(covered[None]).quantize(room, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    table = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return np.asarray(table[: int(np.asarray(reduced).max()) + 1], np.uint8)


def _nearest(covered: Pixels, colours: Pixels) -> Pixels:
    """Give for each pixel (N, 3) the index of the nearest colour; the first of several."""
    packed = covered.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    distinct, back = np.unique(packed, return_inverse=True)
    rgb = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=1).astype(np.float32)
    table = colours.astype(np.float32)
    offsets = (table**2).sum(axis=1)
    parts = [np.argmin(offsets - 2 * rgb[at : at + _CHUNK] @ table.T, axis=1) for at in range(0, len(rgb), _CHUNK)]
    return np.asarray(np.concatenate(parts)[back] if parts else np.zeros(0), np.uint8)


def _bits_for(number: int) -> int:
    return next(bits for bits in (1, 2, 4, 8) if number <= 2**bits)


def compact(raster: Raster) -> Raster:
    """Drop the palette's entries that no pixel uses, and sort the others by colour: they could spell anything."""
    if raster.palette is None:
        return raster
    used = np.unique(raster.samples)
    used = used[np.lexsort(raster.palette[used].T)]
    return Raster(_renumbered(raster.samples, used), _bits_for(len(used)), raster.palette[used])


def _renumbered(samples: Samples, used: NDArray[Any]) -> Pixels:
    """Give indices their places in `used`; 0 to those that are not there."""
    place = np.zeros(_MOST_COLOURS, np.uint8)
    place[used] = np.arange(len(used))
    return np.asarray(place[samples], np.uint8)

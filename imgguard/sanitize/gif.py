"""GIF (version 89a, CompuServe 1990): one picture, its palette, and nothing else."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imgguard.raster import compact
from imgguard.sanitize.lzw import codes_end_exactly
from imgguard.sanitize.samples import as_image
from imgguard.types import Part, Raster

if TYPE_CHECKING:
    from imgguard.sanitize.attached import Attached
    from imgguard.types import Pixels

_HEADER = 13
_DESCRIPTOR = 10
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_MOST_BLOCKS = 100_000
_MOST_COLOURS = 256
# Longest side of the thinned picture whose colours are counted: more takes long and changes little.
_ENOUGH_FOR_COLOURS = 1024
_EXTENSIONS = {
    0x01: "text",
    0xF9: "how a frame is shown: transparency or animation",
    0xFE: "comment",
    0xFF: "data of a program: animation, XMP, colour profile",
}


def encode(raster: Raster, attached: Attached) -> bytes:
    """Write a GIF of a raster that has at most 256 colours; the format has no place for a credit or a profile."""
    del attached
    return _saved(as_image(raster))


def encode_reduced(pixels: Pixels) -> bytes:
    """Write a GIF of any picture (H, W, 3), with 256 colours that span its own, and the error of each pixel spread.

    Spreading (Floyd and Steinberg 1976) keeps the mean of each small area, by which the output is checked. Its errors
    come from the given pixels alone, so that nothing of what a cover replaced is among them.
    """
    step = -(-max(pixels.shape[:2]) // _ENOUGH_FOR_COLOURS)
    few = Image.fromarray(np.ascontiguousarray(pixels[::step, ::step]))
    # Maximum coverage keeps the outermost colours; those of median cut are means, and no pattern of means is as bright.
    colours = few.quantize(_MOST_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    # Pillow spreads errors only where the colours are given.
    reduced = Image.fromarray(pixels).quantize(palette=colours, dither=Image.Dither.FLOYDSTEINBERG)
    palette = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return _saved(as_image(compact(Raster(np.asarray(reduced), 8, palette))))


def _saved(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "GIF", interlace=False, optimize=False)
    return out.getvalue()


def scan(content: bytes) -> list[Part]:
    """List a GIF's blocks; see `imgguard.sanitize.scan`."""
    if content[:6] not in (b"GIF87a", b"GIF89a") or len(content) < _HEADER:
        return [Part("damaged", 0, len(content), "no GIF header", False)]
    # The background's index and the shape of pixels say nothing about one picture that fills the screen.
    parts = [Part("header", 0, _HEADER, "GIF header and size", content[11:13] == b"\0\0")]
    at = _add_palette(parts, content, _HEADER, content[10])
    pictures = 0
    while at < len(content) and len(parts) < _MOST_BLOCKS:
        kind = content[at]
        if kind == _TRAILER:
            parts.append(Part("end", at, 1, "end of the picture", pictures == 1))
            at += 1
            break
        if kind == _IMAGE:
            pictures += 1
            at = _add_picture(parts, content, at, pictures)
        elif kind == _EXTENSION:
            end, whole = _end_of_blocks(content, at + 2)
            label = content[at + 1] if at + 1 < len(content) else 0
            name = f"extension 0x{label:02X}"
            parts.append(Part(name, at, end - at, _EXTENSIONS.get(label, "unknown extension"), False))
            at = end if whole else len(content)
        else:
            break
    if at < len(content):
        ended = parts[-1].name == "end"
        meaning = "bytes after the end of the picture" if ended else "bytes that belong to no block"
        parts.append(Part("trailer" if ended else "damaged", at, len(content) - at, meaning, False))
    elif parts[-1].name != "end":
        parts.append(Part("damaged", at, 0, "ends without an end mark", False))
    return parts


def _add_palette(parts: list[Part], content: bytes, at: int, flags: int) -> int:
    if not flags & 0x80:
        return at
    length = 3 * (2 << (flags & 7))
    end = min(len(content), at + length)
    parts.append(Part("palette", at, end - at, "palette", end - at == length))
    return end


def _add_picture(parts: list[Part], content: bytes, at: int, number: int) -> int:
    """List one picture: its place on the screen, its palette and its data."""
    descriptor = content[at : at + _DESCRIPTOR]
    if len(descriptor) < _DESCRIPTOR:
        parts.append(Part("damaged", at, len(content) - at, "a picture that is cut off", False))
        return len(content)
    fills = descriptor[1:5] == bytes(4) and descriptor[5:9] == content[6:10]
    flags = descriptor[9]
    plain = number == 1 and fills and not flags & 0x38 and bool(flags & 0x80) + (content[10] >> 7) == 1
    meaning = "place of the picture" if number == 1 else "a further picture"
    parts.append(Part("picture", at, _DESCRIPTOR, meaning, plain))
    at = _add_palette(parts, content, at + _DESCRIPTOR, flags)
    end, whole = _end_of_blocks(content, at + 1)
    palette = next((part for part in parts if part.name == "palette"), None)
    colours = content[palette.offset : palette.offset + palette.length] if palette else b""
    exact = number == 1 and whole and codes_end_exactly(content[at:end], colours)
    parts.append(Part("data", at, end - at, "picture data", exact))
    return end


def _end_of_blocks(content: bytes, at: int) -> tuple[int, bool]:
    """Walk sub-blocks to the one without length; give where they end, and whether they end so."""
    while at < len(content):
        length = content[at]
        at += 1 + length
        if not length:
            return at, True
    return len(content), False

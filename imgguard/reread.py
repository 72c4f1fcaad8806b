"""Decode a finished file for its check, by another library than the one that wrote it.

OpenCV where Pillow wrote, Pillow where OpenCV wrote (colours of 16 bits). Only HEIC is read by the library that wrote
it, libheif: there is no other decoder for it here, though the decoder inside it (libde265) is not its encoder (x265).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgguard.lazy import cv2
from imgguard.types import Format

if TYPE_CHECKING:
    from imgguard.types import Pixels

_NOWHERE = Path("finished file")


def reread(content: bytes, container: Format) -> Pixels | None:
    """Decode finished bytes.

    Args:
        content: The file.
        container: What it is.

    Returns:
        (H, W, 3) uint8 RGB, upright as an orientation in the file says, in the file's own colours; None where it does
        not decode.
    """
    by_pillow = container is Format.HEIF or _has_deep_colours(content, container)
    try:
        return _by_pillow(content, container) if by_pillow else _by_opencv(content)
    except Exception:
        # Whatever a library raises: bytes that it cannot decode do not pass the check.
        return None


def _by_opencv(content: bytes) -> Pixels | None:
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    return None if decoded is None else np.asarray(decoded, np.uint8)


def _by_pillow(content: bytes, container: Format) -> Pixels:
    from PIL import ImageOps

    from imgguard.decoders import open_picture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = open_picture(content, container, _NOWHERE)
        return np.array(ImageOps.exif_transpose(image).convert("RGB"), np.uint8)


def _has_deep_colours(content: bytes, container: Format) -> bool:
    """Say whether a file has colours of 16 bits, which OpenCV writes."""
    if container is Format.PNG:
        return content[24:26] == b"\x10\x02"
    if container is not Format.TIFF:
        return False
    from imgguard.tiffdirs import byte_order, numbers, pages

    order, found = byte_order(content), pages(content)
    return bool(order and found) and numbers(content, order or "<", found[0].find(258), 4) == (16, 16, 16)

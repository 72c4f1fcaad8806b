"""Read how covers shall look, as the command line and the library are told: `blur`, `emoji`, `image:logo.png`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgguard.errors import PhotoError, SetupError
from imgguard.lazy import cv2
from imgguard.photo import load_photo
from imgguard.types import Picture, Style

if TYPE_CHECKING:
    from imgguard.types import Photo, Pixels

_IMAGE = f"{Style.IMAGE.value}:"
# Larger than nearly all covers; it travels to every worker.
_LONGEST_SIDE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """How covers look.

    Attributes:
        style: The style.
        picture: What is laid over faces; None for all styles but `image`.
    """

    style: Style
    picture: Picture | None = None


def read_look(told: Style | str) -> Look:
    """Understand a style.

    Args:
        told: The style's name, or `image:` and the file of a picture.

    Raises:
        SetupError: if there is no such style, or the picture cannot be read.
    """
    if told.startswith(_IMAGE) and len(told) > len(_IMAGE):
        return Look(Style.IMAGE, read_picture(Path(told.removeprefix(_IMAGE))))
    if told == Style.IMAGE or told == _IMAGE:
        raise SetupError("The style image needs a picture", "Name its file, such as image:logo.png.")
    try:
        return Look(Style(told))
    except ValueError as error:
        choices = ", ".join([style.value for style in Style if style is not Style.IMAGE] + [f"{_IMAGE}FILE"])
        raise SetupError(f"{str(told)!r} is not a style", f"Choose one of: {choices}.") from error


def read_picture(path: Path) -> Picture:
    """Read a picture to lay over faces; nothing but its pixels is taken.

    Raises:
        SetupError: if it cannot be read.
    """
    try:
        photo = load_photo(path)
    except PhotoError as error:
        raise SetupError(f"The picture for covers cannot be used: {error.what}", error.remedy) from error
    pixels, alpha = _with_alpha(photo)
    factor = min(1.0, _LONGEST_SIDE / max(photo.size))
    size = max(1, round(photo.size[0] * factor)), max(1, round(photo.size[1] * factor))
    # Colours are weighted by their opacity, or those of transparent pixels would show at the rims.
    weight = alpha[..., None].astype(np.float32) / np.float32(255)
    small = cv2.resize(np.concatenate([pixels * weight, weight], axis=2), size, interpolation=cv2.INTER_AREA)
    colours = small[..., :3] / np.maximum(small[..., 3:], np.float32(1e-6))
    values = (np.clip(array + 0.5, 0, 255).astype(np.uint8) for array in (colours, small[..., 3] * 255))
    return Picture(*values)


def _with_alpha(photo: Photo) -> tuple[Pixels, Pixels]:
    """Give colours and opacity; a photo as it is loaded lies on white."""
    opaque = photo.pixels, np.full(photo.pixels.shape[:2], 255, np.uint8)
    try:
        decoded = cv2.imdecode(np.frombuffer(photo.content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return opaque
    if decoded is None or decoded.ndim != 3 or decoded.shape[2] != 4 or decoded.shape[:2] != opaque[1].shape:
        return opaque
    if decoded.dtype == np.uint16:
        decoded = (decoded // 256).astype(np.uint8)
    bgra = np.asarray(decoded, np.uint8)
    return np.ascontiguousarray(bgra[..., 2::-1]), np.ascontiguousarray(bgra[..., 3])

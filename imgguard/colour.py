"""Bring any decoded picture to 8 bit sRGB.

Dropping a colour profile without converting by it changes every colour (a Display P3 iPhone photo turns dull),
and keeping it can name the owner of a monitor. So: convert, then drop.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

from imgguard.lazy import cv2
from imgguard.profiles import own_icc
from imgguard.types import Profile

if TYPE_CHECKING:
    from imgguard.types import Pixels

_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


def to_srgb(image: Image.Image, icc: bytes | None) -> Pixels:
    """Convert a decoded picture to sRGB through its profile; alpha is flattened on white.

    A profile that cannot be read, or that is for another kind of picture, is ignored, as viewers do.

    Args:
        image: Any mode that Pillow decodes.
        icc: The embedded profile.

    Returns:
        (H, W, 3) uint8.
    """
    base, alpha = _split_alpha(_eight_bit(image))
    transform = _transform(icc, base.mode) if icc else None
    rgb = ImageCms.applyTransform(base, transform) if transform else _rgb(base)
    assert rgb is not None
    if alpha is not None:
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
    return _as_array(rgb)


def _rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def is_srgb(icc: bytes | None) -> bool:
    """Say whether RGB pixels with this profile are sRGB as they are: no profile, one that means it, or a broken one."""
    return icc is None or _transform(icc, "RGB") is None


def profile_of(icc: bytes | None, mode: str) -> Profile | None:
    """Tell by what a profile does to colours which common colour space it means.

    Args:
        icc: The embedded profile; None where there is none.
        mode: Pillow's name of the picture's mode: "RGB", "L" or another.

    Returns:
        The colour space; None for an unusual one, or pixels that are neither RGB nor grey.
    """
    if mode not in ("RGB", "L"):
        return None
    if icc is None:
        return Profile.SRGB
    wanted = (Profile.SRGB,) if mode == "L" else Profile
    return next((known for known in wanted if _transform(icc, mode, known) is None), None)


def _as_array(rgb: Image.Image) -> Pixels:
    # Pillow keeps four bytes a pixel: taking them as they are and dropping one is much faster than packing three.
    width, height = rgb.size
    four = np.frombuffer(rgb.tobytes("raw", "RGBX"), np.uint8).reshape(height, width, 4)
    return np.asarray(cv2.cvtColor(four, cv2.COLOR_RGBA2RGB), np.uint8)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        # Pillow's own conversion clips at 255 instead of scaling.
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode == "I":
        return Image.fromarray((np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8))
    return image


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        full = image.convert("RGBA")
        return full.convert("RGB"), full.getchannel("A")
    if image.mode in _PROFILE_SPACES:
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _transform(icc: bytes, mode: str, to: Profile = Profile.SRGB) -> ImageCms.ImageCmsTransform | None:
    """Make the way from a profile to one of the common ones; None where it changes nothing, or cannot be made."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if profile.profile.xcolor_space.strip() != _PROFILE_SPACES[mode]:
            return None
        own = own_icc(to)
        target = ImageCms.ImageCmsProfile(io.BytesIO(own)) if own else ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(profile, target, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    except (OSError, ImageCms.PyCMSError, ValueError, TypeError):
        return None
    return None if mode in ("RGB", "L") and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Recognise the many profiles that mean a common space by what they do, whatever they are called."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    before = np.ascontiguousarray(cube if mode == "RGB" else cube[..., 0])
    converted = ImageCms.applyTransform(Image.fromarray(before), transform)
    assert converted is not None
    after = np.asarray(converted).astype(int)
    return bool(np.abs(after - (before if mode == "RGB" else before[..., None])).max() <= 2)

"""Hand samples to Pillow: the one place that knows which of its modes stands for which kind of raster."""

from __future__ import annotations

import numpy as np
from PIL import Image

from imgguard.raster import eight_bit
from imgguard.types import Raster


def as_image(raster: Raster, deep: bool = False) -> Image.Image:
    """Make a Pillow image of samples.

    Args:
        raster: What to show; a palette has no unused entries.
        deep: Whether grey of 16 bits stays so; colours are always of 8 bits.

    Returns:
        An image of mode 1, L, I;16, P or RGB, of the same values: grey of 2 and 4 bits becomes 8 bits.
    """
    samples = raster.samples
    if raster.palette is not None:
        image = Image.fromarray(samples, "P")
        image.putpalette(raster.palette.tobytes())
        return image
    if samples.ndim == 2 and raster.bits == 1:
        return Image.fromarray(samples.astype(bool))
    kept = deep and samples.ndim == 2 and raster.bits == 16
    return Image.fromarray(np.ascontiguousarray(samples if kept else eight_bit(raster)))

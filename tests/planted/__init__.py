"""Files drawn in code, each with something planted in one place where a picture can tell of people and places.

`PLACES` maps a format and a place to a builder: a pure function that takes pixels, (H, W, 3) uint8, and gives the
bytes of a file. `traces.find` tells, by other means, what of it a file holds.
"""

from __future__ import annotations

from tests.planted import bmp, gif, isobmff, jpeg, png, tiff, webp
from tests.planted.common import MARKER, Builder

__all__ = ["FORMATS", "MARKER", "PIXELS_ONLY", "PLACES", "Builder"]

# The suffix of each format; "webp" stands twice, since its two codecs are different formats in one container.
FORMATS = {
    "jpeg": ".jpg",
    "png": ".png",
    "webp-lossy": ".webp",
    "webp-lossless": ".webp",
    "gif": ".gif",
    "tiff": ".tif",
    "bmp": ".bmp",
    "heic": ".heic",
    "avif": ".avif",
}
_BY_FORMAT: dict[str, dict[str, Builder]] = {
    "jpeg": jpeg.PLACES,
    "png": png.PLACES,
    "webp-lossy": webp.places(lossless=False),
    "webp-lossless": webp.places(lossless=True),
    "gif": gif.PLACES,
    "tiff": tiff.PLACES,
    "bmp": bmp.PLACES,
    "heic": isobmff.places(b"heic"),
    "avif": isobmff.places(b"avif"),
}
PLACES: dict[tuple[str, str], Builder] = {
    (kind, place): build for kind, places in _BY_FORMAT.items() for place, build in places.items()
}
# These lie in the picture itself: only who decodes it sees them, so no scan of the container can.
PIXELS_ONLY = {"colours under transparent pixels", "pixels beyond the edge"}

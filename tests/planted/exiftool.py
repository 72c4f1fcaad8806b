"""Ask ExifTool, which shares no code with the product, what a file tells besides its picture."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["MISSING", "beyond_structure", "read"]

MISSING = None if shutil.which("exiftool") else "exiftool is not installed (Debian: libimage-exiftool-perl)"
_AT_ONCE = 200
_SIZES = {"ImageWidth", "ImageHeight", "BitsPerSample", "BitDepth", "ColorComponents"}
# What a file cannot do without: sizes and how the picture is encoded. Everything else tells something.
_STRUCTURAL: Mapping[str, frozenset[str]] = {
    group: frozenset(names)
    for group, names in {
        "Composite": {"ImageSize", "Megapixels"},
        "File": {
            "FileType", "FileTypeExtension", "MIMEType", "EncodingProcess", "YCbCrSubSampling", "BMPVersion",
            "ImageLength", "Planes", "Compression", "ColorSpace", "ExifByteOrder", "NumColors", "NumImportantColors",
            "PixelsPerMeterX", "PixelsPerMeterY", *_SIZES,
        },
        "JFIF": {"JFIFVersion", "ResolutionUnit", "XResolution", "YResolution"},
        "PNG": {"ColorType", "Compression", "Filter", "Interlace", "Palette", "Transparency", "SRGBRendering", *_SIZES},
        "RIFF": {"VP8Version", "HorizontalScale", "VerticalScale", "WebP_Flags", "AlphaIsUsed", *_SIZES},
        "GIF": {"GIFVersion", "HasColorMap", "ColorResolutionDepth", "BackgroundColor", "TransparentColor",
            "BitsPerPixel", *_SIZES},
        "IFD0": {
            "Orientation", "Compression", "PhotometricInterpretation", "StripOffsets", "SamplesPerPixel",
            "RowsPerStrip", "StripByteCounts", "PlanarConfiguration", "Predictor", "SampleFormat", "ExtraSamples",
            "ColorMap", "SubfileType", "TileWidth", "TileLength", "TileOffsets", "TileByteCounts", *_SIZES,
        },
        # AVIF: boxes that say what the picture is and where its data lies; the data itself ExifTool calls a tag too.
        "QuickTime": {
            "MajorBrand", "MinorVersion", "CompatibleBrands", "HandlerType", "PrimaryItemReference", "MediaData",
            "MediaDataSize", "MediaDataOffset", "ImageSpatialExtent", "ImagePixelDepth", "AV1ConfigurationVersion",
            "SeqProfile", "SeqTier0", "ChromaFormat", "ChromaSamplePosition", "InitialDelaySamples", "ColorProfiles",
            "ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients", "VideoFullRangeFlag",
            "QuickTime_ColorRep_0x000a",
        },
        "Meta": {"MetaImageSize", "PrimaryItemReference"},
    }.items()
}  # fmt: skip
# What ExifTool says of the file's place in the file system and of itself.
_NOT_OF_THE_FILE = {"System", "ExifTool"}
_PROFILE, _NAME = {"ICC-header", "ICC_Profile"}, "PNG:ProfileName"
_COMPLAINTS = {"ExifTool:Warning", "ExifTool:Error"}


def read(paths: Iterable[Path]) -> dict[Path, dict[str, object]]:
    """Read every tag that ExifTool knows of: unknown and repeated ones too, by "group:tag"."""
    wanted, found = list(paths), {}
    for at in range(0, len(wanted), _AT_ONCE):
        command = ["exiftool", "-j", "-G1", "-a", "-u", "-U", "-ee3", "-api", "largefilesupport=1", "--"]
        done = subprocess.run(
            [*command, *map(str, wanted[at : at + _AT_ONCE])], capture_output=True, check=False, timeout=600
        )
        told = json.loads(done.stdout or b"[]")
        found.update({Path(one.pop("SourceFile")): one for one in told})
    return found


def beyond_structure(told: Mapping[str, object], *, own_profile: bool = False) -> dict[str, object]:
    """Leave out what says no more than how large the picture is and how it is encoded; keep what ExifTool regrets.

    Args:
        told: What it tells of a file.
        own_profile: Whether the file's colour profile is one of the product's own, byte for byte: what that says is
            the same in every file.
    """
    groups = _PROFILE if own_profile else set()
    return {
        name: value
        for name, value in told.items()
        if not _is_structural(name) and name.partition(":")[0] not in groups and not (own_profile and name == _NAME)
    }


def _is_structural(name: str) -> bool:
    group, _, tag = name.partition(":")
    if name in _COMPLAINTS:
        return False
    return group in _NOT_OF_THE_FILE or tag in _STRUCTURAL.get(group, ())

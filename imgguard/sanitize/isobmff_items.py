"""Say whether the data of a HEIC's or AVIF's item is one picture, or a plain EXIF block, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from imgguard.isoboxes import nal_units, open_bitstream_units
from imgguard.sanitize.exif import is_plain_exif

# Intra pictures that can be decoded by themselves (H.265, table 7-1).
_WHOLE_PICTURES = range(16, 22)
_NAL_HEADER = 2
# That of a still picture is a dozen bytes long (AV1, 5.5).
_LONGEST_SEQUENCE_HEADER = 32
_SEQUENCE, _DELIMITER, _FRAME_HEADER, _TILES, _FRAME = 1, 2, 3, 4, 6


def is_plain_item(kind: bytes, data: bytes) -> bool:
    """Say whether the data of an item of a kind may be published; of an unknown kind, never."""
    return kind in _RULES and _RULES[kind](data)


def _is_hevc_picture(data: bytes) -> bool:
    """Say whether an item is one slice of one picture: what else it holds, a decoder may pass over.

    A further slice would be named as such, but whether it belongs to the picture only a decoder would know.
    """
    units = nal_units(data) or []
    if len(units) != 1 or units[0][1] <= _NAL_HEADER:
        return False
    # No layers (7.3.1.2), and first_slice_segment_in_pic_flag (7.3.6.1).
    kind = units[0][0]
    return kind in _WHOLE_PICTURES and data[4:6] == bytes([kind << 1, 1]) and bool(data[6] & 0x80)


def _is_av1_picture(data: bytes) -> bool:
    """Say whether an item is a sequence header and one frame, whole or as a header and one group of tiles."""
    units = open_bitstream_units(data) or []
    if units[:1] == [(_DELIMITER, 0)]:
        units = units[1:]
    kinds, lengths = [kind for kind, _ in units], [length for _, length in units]
    one_frame = kinds in ([_SEQUENCE, _FRAME], [_SEQUENCE, _FRAME_HEADER, _TILES])
    return one_frame and 0 < lengths[0] <= _LONGEST_SEQUENCE_HEADER and all(lengths)


def _is_plain_exif_item(data: bytes) -> bool:
    """Say whether an EXIF item (ISO/IEC 23008-12, annex A) holds nothing but a plain block."""
    return any(data.startswith(head) and is_plain_exif(data[len(head) :]) for head in _EXIF_HEADS)


_EXIF_HEADS = (bytes(4), b"\0\0\0\6Exif\0\0")
_RULES: dict[bytes, Callable[[bytes], bool]] = {
    b"hvc1": _is_hevc_picture,
    b"av01": _is_av1_picture,
    b"Exif": _is_plain_exif_item,
}

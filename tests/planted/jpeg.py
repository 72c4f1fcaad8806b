"""JPEG (ITU-T T.81): its segments, and what stands between and behind them."""

from __future__ import annotations

import struct

from PIL import Image

from tests.planted.common import (
    MARKER,
    TEXT,
    Builder,
    Pixels,
    as_bytes,
    c2pa,
    film,
    old_file,
    profile,
    second_jpeg,
)
from tests.planted.ifd import ASCII, LONG, UNDEFINED, block, exif_blocks, long
from tests.planted.packets import (
    EXTENDED_GUID,
    GAIN_MAP,
    POINTS_TO_EXTENDED,
    XMP,
    iptc,
    motion_photo,
    photoshop_iptc,
    photoshop_thumbnail,
)

QUALITY = 92
# What is left of a block of eight when one of its pixels is shown.
HIDDEN = 7
HIDDEN_COLOUR = (40, 255, 40)
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
Segment = tuple[int, bytes]


def plain(pixels: Pixels, **options: object) -> bytes:
    return as_bytes(Image.fromarray(pixels), "JPEG", **{"quality": QUALITY, **options})


def segment(code: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body


def holding(content: bytes, *segments: Segment) -> bytes:
    """Put segments behind the JFIF header."""
    return content[:20] + b"".join(segment(*one) for one in segments) + content[20:]


def _segments(*segments: Segment) -> Builder:
    return lambda pixels: holding(plain(pixels), *segments)


def _behind(trailer: bytes) -> Builder:
    return lambda pixels: plain(pixels) + trailer


def _header(body: bytes) -> Builder:
    """Put another JFIF header in the place of the plain one."""
    return lambda pixels: plain(pixels)[:2] + segment(0xE0, body) + plain(pixels)[20:]


def _several(pixels: Pixels, *packets: Segment, second: bytes | None = None) -> bytes:
    """A multi-picture file (CIPA DC-007): an index in APP2, and the second picture behind the end of the first."""
    second = second_jpeg() if second is None else second
    sizes = [0, 0]
    for _ in range(2):
        entries = struct.pack("<3I2H", 0x20030000, sizes[0], 0, 0, 0)
        entries += struct.pack("<3I2H", 0x00000000, len(second), sizes[1], 0, 0)
        index = block([(0xB000, UNDEFINED, b"0100"), (0xB001, LONG, long(2)), (0xB002, UNDEFINED, entries)])
        first = holding(plain(pixels), *packets, (0xE2, b"MPF\0" + index))
        sizes = [len(first), len(first) - first.index(b"MPF\0") - 4]
    return first + second


def _gain_map(pixels: Pixels) -> bytes:
    return _several(pixels, (0xE1, _XMP + GAIN_MAP), second=holding(second_jpeg(), (0xE1, _XMP + GAIN_MAP)))


def _google(pixels: Pixels) -> bytes:
    return holding(plain(pixels), (0xE1, _XMP + motion_photo(len(film())))) + film()


def _samsung() -> bytes:
    name = b"MotionPhoto_Data"
    data = struct.pack("<HHI", 0, 0x0A30, len(name)) + name + film()
    index = b"SEFH" + struct.pack("<II", 106, 1) + struct.pack("<HHII", 0, 0x0A30, len(data), len(data))
    return data + index + struct.pack("<I", len(index)) + b"SEFT"


def _afcp(pixels: Pixels) -> bytes:
    start = len(plain(pixels))
    names = b"AXS!" + struct.pack(">HH4x", 1, 1) + b"IPTC" + struct.pack(">II", len(iptc()), start + 24) + iptc()
    return plain(pixels) + names + b"AXS!" + struct.pack(">I4x", start)


def _canon() -> bytes:
    mark = b"CANON OPTIONAL DATA\0"
    body = struct.pack(">II", 0xFFFF00F7, len(MARKER)) + MARKER
    return mark + struct.pack(">II", 0x00010000, len(body)) + body + mark + struct.pack(">I", len(body)) + bytes(40)


def _mie() -> bytes:
    element = b"~\x20\x06" + bytes([len(MARKER)]) + b"Artist" + MARKER
    whole = b"~\x10\x04\xfe0MIE\0\0\0\0" + element
    return whole + b"~\0\0\x06" + struct.pack(">I", len(whole) + 10) + b"\x10\x04"


def _sony(pixels: Pixels) -> bytes:
    where = block([(0x010F, ASCII, b"SONY\0"), (0x8769, LONG, [[(0x927C, UNDEFINED, b"SONY DSC \0\0\0\0\0")]])])
    return holding(plain(pixels), (0xE1, b"Exif\0\0" + where)) + b"\x55\x26\x11\x05\0" + MARKER + second_jpeg()


_TRAILERS = {
    "bytes after the end": MARKER,
    "second picture after the end": second_jpeg(),
    "motion photo (Samsung)": _samsung(),
    "motion photo (bare film)": film(),
    "trailer CanonVRD": _canon(),
    "trailer FotoStation": iptc() + struct.pack(">HII", 1, len(iptc()) + 10, 0xA1B2C3D4),
    "trailer PhotoMechanic": iptc() + struct.pack(">I", len(iptc())) + b"cbipcbbl",
    "trailer MIE": _mie(),
    "trailer Vivo": b'vivo{"owner":"' + MARKER + b'"}\xff\xff\xff\xff\x1b*9HWfu\x84\x93\xa2\xb1',
    "trailer OnePlus": b'[{"name":"private","data":"' + MARKER + b'"}]' + struct.pack("<I", 60) + b"jxrs\0\0\0\0",
    "trailer Insta360": MARKER + struct.pack("<II", len(MARKER) + 40, 3) + b"8db42d694ccc418790edff439fe026bf",
}
_SEGMENTS: dict[str, Segment] = {
    "comment": (0xFE, MARKER),
    "APP2 preview (FlashPix)": (0xE2, b"FPXR\0\0\2" + MARKER + second_jpeg()),
    "APP3 Meta": (0xE3, b"Meta\0\0" + block([(0xC350, ASCII, MARKER + b"\0")])),
    "APP3 preview": (0xE3, second_jpeg()),
    "APP4 preview": (0xE4, second_jpeg()),
    "APP5 preview": (0xE5, b"RMETA\0" + second_jpeg()),
    "APP6": (0xE6, b"EPPIM\0" + MARKER),
    "APP7": (0xE7, b"PENTAX \0" + MARKER),
    "APP8 SPIFF": (0xE8, b"SPIFF\0\1\0" + MARKER),
    "APP9": (0xE9, b"Media Jukebox\0" + MARKER),
    "APP10 comment": (0xEA, b"UNICODE\0" + TEXT.encode("utf-16-be")),
    "APP11 HDR": (0xEB, b"HDR_RI ver=11 " + MARKER),
    "C2PA": (0xEB, b"JP\0\1\0\0\0\1" + c2pa()),
    "APP12 Ducky": (0xEC, b"Ducky\0\2\0" + bytes([len(MARKER) + 4]) + struct.pack(">I", 24) + MARKER + b"\0\0"),
    "APP12 picture info": (0xEC, b"[picture info]\x0aCamera=" + MARKER),
    "Photoshop IPTC": (0xED, _PHOTOSHOP + photoshop_iptc()),
    "Photoshop thumbnail": (0xED, _PHOTOSHOP + photoshop_thumbnail()),
    "APP14 Adobe with more": (0xEE, b"Adobe\0\x64\0\0\0\0\1" + MARKER),
    "APP15": (0xEF, b"Q 92 " + MARKER),
    "DNL segment": (0xDC, MARKER),
    "JFXX thumbnail": (0xE0, b"JFXX\0\x10" + second_jpeg()),
    "ICC profile": (0xE2, b"ICC_PROFILE\0\1\1" + profile()),
    "ICC profile (Display P3)": (0xE2, b"ICC_PROFILE\0\1\1" + profile(wide=True)),
    "unused quantisation table": (0xDB, b"\3" + (MARKER * 3)[:64]),
    "unused Huffman table": (0xC4, b"\x13" + bytes([0] * 7 + [24] + [0] * 8) + MARKER),
    **{name: (0xE1, _XMP + packet) for name, packet in XMP.items()},
    **{name: (0xE1, b"Exif\0\0" + one) for name, one in exif_blocks().items()},
}


def _extended() -> list[Segment]:
    whole = XMP["XMP"]
    head = _EXTENDED + EXTENDED_GUID + struct.pack(">II", len(whole), 0)
    return [(0xE1, _XMP + POINTS_TO_EXTENDED), (0xE1, head + whole)]


def _before(mark: bytes, **options: object) -> Builder:
    """Put the marker right before other bytes of the file, where a decoder skips it."""

    def build(pixels: Pixels) -> bytes:
        content = plain(pixels, **options)
        at = content.rindex(mark) if mark == b"\xff\xd9" else content.index(mark, content.index(b"\xff\xda"))
        return content[:at] + MARKER + content[at:]

    return build


def _between(pixels: Pixels) -> bytes:
    content = plain(pixels)
    return content[:20] + MARKER + content[20:]


def _before_scan(pixels: Pixels) -> bytes:
    content = plain(pixels)
    at = content.index(b"\xff\xda")
    return content[:at] + MARKER + content[at:]


def _rewritten(pixels: Pixels) -> bytes:
    """A shorter file written over a longer one that was not cut (CVE-2023-21036)."""
    new = plain(pixels)
    return new + old_file("JPEG")[len(new) :]


def _beyond_the_edge(pixels: Pixels) -> bytes:
    """A picture that was made smaller in its header alone: its last blocks still hold what was cut away."""
    height, width = pixels.shape[0] // 8 * 8, pixels.shape[1] // 8 * 8
    larger = pixels[:height, :width].copy()
    larger[height - HIDDEN :] = HIDDEN_COLOUR
    larger[:, width - HIDDEN :] = HIDDEN_COLOUR
    return resized(plain(larger, subsampling="4:4:4"), height - HIDDEN, width - HIDDEN)


def resized(content: bytes, height: int, width: int) -> bytes:
    """Write another size into the frame header."""
    at = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2")) + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def _sampled(pixels: Pixels) -> bytes:
    return holding(as_bytes(Image.fromarray(pixels), "JPEG", progressive=True), (0xFE, MARKER))


PLACES: dict[str, Builder] = {
    **{name: _segments(one) for name, one in _SEGMENTS.items()},
    **{name: _behind(one) for name, one in _TRAILERS.items()},
    "extended XMP": _segments(*_extended()),
    "JFIF thumbnail": _header(b"JFIF\0\1\1\0\0\1\0\1\x08\1" + MARKER),
    "JFIF header with more": _header(b"JFIF\0\1\1\0\0\1\0\1\0\0" + MARKER),
    "second picture (MPF)": _several,
    "gain map (Ultra HDR)": _gain_map,
    "motion photo (Google)": _google,
    "trailer AFCP": _afcp,
    "trailer Sony": _sony,
    "rest of an older file": _rewritten,
    "bytes between segments": _between,
    "bytes before the picture data": _before_scan,
    "bytes before a restart marker": _before(b"\xff\xd0", restart_marker_blocks=8),
    "bytes at the end of the picture data": _before(b"\xff\xd9"),
    "comment in a progressive file": _sampled,
    "pixels beyond the edge": _beyond_the_edge,
}

"""XMP packets (ISO 16684-1), IPTC records (IIM 4.2) and Photoshop blocks: the same in every container."""

from __future__ import annotations

import base64
import struct

from tests.planted.common import MARKER, TEXT, second_jpeg

_OPEN = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
)
_CLOSE = "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
_ADOBE = "http://ns.adobe.com"


def packet(spaces: dict[str, str], body: str) -> bytes:
    names = "".join(f' xmlns:{short}="{name}"' for short, name in spaces.items())
    return f"{_OPEN}{names}>{body}{_CLOSE}".encode()


_AREA = 'stArea:x="0.5" stArea:y="0.5" stArea:w="0.2" stArea:h="0.2" stArea:unit="normalized"'
XMP = {
    "XMP": packet(
        {"dc": "http://purl.org/dc/elements/1.1/"},
        f"<dc:creator><rdf:Seq><rdf:li>{TEXT}</rdf:li></rdf:Seq></dc:creator>",
    ),
    "XMP face regions (MWG)": packet(
        {
            "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
            "stArea": f"{_ADOBE}/xmp/sType/Area#",
        },
        '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description'
        f' mwg-rs:Name="{TEXT}" mwg-rs:Type="Face"><mwg-rs:Area {_AREA}/></rdf:Description></rdf:li></rdf:Bag>'
        "</mwg-rs:RegionList></mwg-rs:Regions>",
    ),
    "XMP face regions (Microsoft)": packet(
        {
            "MP": "http://ns.microsoft.com/photo/1.2/",
            "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
            "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
        },
        '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li MPReg:Rectangle="0.4,0.4,0.2,0.2"'
        f' MPReg:PersonDisplayName="{TEXT}"/></rdf:Bag></MPRI:Regions></MP:RegionInfo>',
    ),
    "XMP people (IPTC)": packet(
        {"Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"},
        f"<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>{TEXT}</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>",
    ),
    "XMP edit history": packet(
        {"xmpMM": f"{_ADOBE}/xap/1.0/mm/", "stEvt": f"{_ADOBE}/xap/1.0/sType/ResourceEvent#"},
        f'<xmpMM:History><rdf:Seq><rdf:li stEvt:action="saved" stEvt:softwareAgent="{TEXT}"/></rdf:Seq>'
        "</xmpMM:History>",
    ),
    "XMP thumbnail": packet(
        {"xmp": f"{_ADOBE}/xap/1.0/", "xmpGImg": f"{_ADOBE}/xap/1.0/g/img/"},
        '<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:format>JPEG</xmpGImg:format>'
        f"<xmpGImg:image>{base64.b64encode(second_jpeg() + MARKER).decode()}</xmpGImg:image></rdf:li></rdf:Alt>"
        "</xmp:Thumbnails>",
    ),
}
EXTENDED_GUID = b"0123456789ABCDEF0123456789ABCDEF"
POINTS_TO_EXTENDED = packet(
    {"xmpNote": f"{_ADOBE}/xmp/note/"}, f"<xmpNote:HasExtendedXMP>{EXTENDED_GUID.decode()}</xmpNote:HasExtendedXMP>"
)
GAIN_MAP = packet(
    {"hdrgm": f"{_ADOBE}/hdr-gain-map/1.0/", "dc": "http://purl.org/dc/elements/1.1/"},
    f"<hdrgm:Version>1.0</hdrgm:Version><dc:source>{TEXT}</dc:source>",
)


def motion_photo(length: int) -> bytes:
    """The packet by which Google's cameras say that a film of this length ends the file."""
    return packet(
        {
            "GCamera": "http://ns.google.com/photos/1.0/camera/",
            "Container": "http://ns.google.com/photos/1.0/container/",
            "Item": "http://ns.google.com/photos/1.0/container/item/",
        },
        "<GCamera:MotionPhoto>1</GCamera:MotionPhoto><GCamera:MicroVideo>1</GCamera:MicroVideo>"
        f"<GCamera:MicroVideoOffset>{length}</GCamera:MicroVideoOffset><Container:Directory><rdf:Seq>"
        '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary"/></rdf:li>'
        '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4" Item:Semantic="MotionPhoto"'
        f' Item:Length="{length}"/></rdf:li></rdf:Seq></Container:Directory>',
    )


def iptc() -> bytes:
    """Byline, caption and keyword."""
    fields = ((2, 80), (2, 120), (2, 25))
    return b"".join(struct.pack(">BBBH", 0x1C, *field, len(MARKER)) + MARKER for field in fields)


def resource(number: int, body: bytes) -> bytes:
    """An image resource block of Photoshop's."""
    return b"8BIM" + struct.pack(">HHI", number, 0, len(body)) + body + bytes(len(body) % 2)


def photoshop_iptc() -> bytes:
    return resource(0x0404, iptc())


def photoshop_thumbnail() -> bytes:
    picture = second_jpeg()
    return resource(0x040C, struct.pack(">6I2H", 1, 64, 48, 192, 9216, len(picture), 24, 1) + picture)

"""The values that the stages hand to each other. All frozen; every stage makes a complete new one.

Pixel coordinates have their origin at the top left corner of the upright photo, x to the right, y down.
Arrays inside these values are read-only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from consent.policy import Decision
from consent.reasons import Reason
from imgguard.boxes import BoundingBox as BoundingBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgguard.marks import Mark

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]


class Format(StrEnum):
    """A container that can be read and written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    TIFF = "tiff"
    BMP = "bmp"
    HEIF = "heif"
    AVIF = "avif"


class Profile(StrEnum):
    """The colour spaces that a published picture may have; any other is converted to sRGB."""

    SRGB = "srgb"
    DISPLAY_P3 = "display_p3"
    ADOBE_RGB = "adobe_rgb"


class Style(StrEnum):
    """How a cover looks. None of them holds the face; see `imgguard.redact`."""

    BLUR = "blur"
    PIXELATE = "pixelate"
    SOLID = "solid"
    EMOJI = "emoji"
    IMAGE = "image"


class Extent(StrEnum):
    """How much of a person a cover takes: the face with hair, ears and chin; the head and neck; head and body."""

    FACE = "face"
    HEAD = "head"
    PERSON = "person"


class Treatment(StrEnum):
    """What is done where somebody must not be seen: cover them, crop them out, or drop the whole photo."""

    COVER = "cover"
    CROP = "crop"
    DROP = "drop"


class Names(StrEnum):
    """What becomes of the names of files and folders."""

    AUTO = "auto"
    NEUTRAL = "neutral"
    KEEP = "keep"


class Source(StrEnum):
    """Which detector a detection comes from, and whether the two agree on it; or an earlier version, or a person."""

    YUNET = "yunet"
    BLAZEFACE = "blazeface"
    BOTH = "yunet+blazeface"
    RECORD = "record"
    OPERATOR = "operator"


class Outcome(StrEnum):
    """What a search of the gallery came to, or that a person said who it is."""

    MATCH = "match"
    NON_MATCH = "non_match"
    AMBIGUOUS = "ambiguous"
    NOT_COMPARABLE = "not_comparable"
    CONTRADICTED = "contradicted"
    CONFIRMED = "confirmed"


class Status(StrEnum):
    """What became of a photo."""

    PUBLISHED = "published"
    REFUSED = "refused"
    DRY_RUN = "dry_run"
    DONE_BEFORE = "done_before"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the source was compressed, so that the output can be like it.

    Attributes:
        quality: IJG quality, 1 to 100, nearest to a JPEG's quantisation tables; None for other formats.
        subsampling: A JPEG's chroma subsampling ("4:4:4", "4:2:2", "4:2:0"); None for other formats.
        lossless: Whether the source format kept its pixels exactly (PNG, lossless WebP).
    """

    quality: int | None
    subsampling: str | None
    lossless: bool


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A picture with the precision that its file has, for formats that keep every pixel.

    Attributes:
        samples: (H, W) grey or palette indices, or (H, W, 3) colours; uint8, or uint16 where `bits` is 16. Upright.
        bits: Bits a sample in the file: 1, 2, 4, 8 or 16. Grey of less than 8 bits is kept as 0 to 2**bits - 1.
        palette: (N, 3) uint8 RGB where the samples are indices; None otherwise.
    """

    samples: NDArray[np.uint8] | NDArray[np.uint16]
    bits: int = 8
    palette: Pixels | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        path: Where it was read from.
        sha256: Digest of the file, hexadecimal.
        content: The file's bytes, exactly those that were decoded.
        pixels: (H, W, 3) uint8 sRGB, upright, read-only: what faces are searched and known in.
        format: The container, told from the bytes.
        icc: The embedded colour profile, None where there was none. The pixels are already converted by it.
        encoding: How the source was compressed.
        stored: (H, W, 3) uint8, upright, in the colours of `profile`: what is covered and written. The same array as
            `pixels` where that is sRGB.
        profile: The colour space of `stored`.
        raster: The same picture with the precision of its file; None where the file does not keep every pixel, or
            where its colours had to be converted.
        orientation: How the file asks to be turned, as EXIF tells it, 1 to 8; the arrays are turned already.
        converted: Whether the colours of the file were converted to sRGB, since it has another profile than those of
            `Profile`, or is not RGB or grey.
        window: What part of the upright picture in the file this is, half-open (x1, y1, x2, y2); None for all of it.
    """

    path: Path
    sha256: str
    content: bytes
    pixels: Pixels
    format: Format
    icc: bytes | None
    encoding: Encoding
    stored: Pixels
    profile: Profile = Profile.SRGB
    raster: Raster | None = None
    orientation: int = 1
    converted: bool = False
    window: tuple[int, int, int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.pixels.shape[:2]
        return width, height


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face that a detector found.

    Attributes:
        box: From hairline to chin, without hair and ears.
        score: Confidence of the detector, 0 to 1.
        landmarks: (5, 2) float32 (x, y): right eye, left eye, nose tip, right and left corner of the mouth,
            right and left as the person has them.
        source: Which detector found it.
    """

    box: BoundingBox
    score: float
    landmarks: Floats
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What an embedder makes of a face.

    Attributes:
        vector: (128,) float32, length 1; the dot product of two is their similarity, -1 to 1.
        model_id: The model that made it. Vectors of different models cannot be compared.
    """

    vector: Floats
    model_id: str


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be compared.

    Attributes:
        side: Smaller side of the face's box in pixels of the photo.
        sharpness: Standard deviation of the Laplacian of the aligned face in grey levels; 0 is flat.
        turn: How far the nose lies off the middle between the eyes, in distances between the eyes: 0 looks
            straight ahead, 0.5 and more is a profile.
        fault: Why it cannot be compared, in words; None where it can.
    """

    side: float
    sharpness: float
    turn: float
    fault: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A face to be searched for; without an embedding where its quality is too low, and without either unsearched."""

    detection: Detection
    embedding: Embedding | None
    quality: Quality | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person of the gallery and how similar a probe is to them, -1 to 1."""

    subject_id: str
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """The outcome of a search.

    Attributes:
        probe: What was searched for.
        candidates: The most similar people, best first; empty where nothing could be compared.
        outcome: What follows from the scores, or CONFIRMED; None where there was no search. MATCH names the first
            candidate, CONFIRMED whom a person named, and nothing else anybody.
        threshold: The score that a match needed; None where there was no search.
        photos: How many photos of the event the outcome rests on; more than one where faces were linked.
        confirmed: Who it is, as a person said; None where nobody did.
        searched: What the search came to where the outcome is CONFIRMED; None elsewhere.
        nobody: Whether a person said, and could say, that nobody is there.
    """

    probe: Probe
    candidates: tuple[Candidate, ...]
    outcome: Outcome | None
    threshold: float | None
    photos: int = 1
    confirmed: str | None = None
    searched: Outcome | None = None
    nobody: bool = False

    @property
    def subject_id(self) -> str | None:
        """The person who was matched or confirmed, or None."""
        if self.outcome is Outcome.CONFIRMED:
            return self.confirmed
        return self.candidates[0].subject_id if self.outcome is Outcome.MATCH else None


# Between an ellipse and a rectangle: rounded, yet it holds the corners of a face's box.
ROUNDNESS = 3.0


@dataclass(frozen=True, slots=True)
class Oval:
    """A tilted, rounded rectangle.

    Attributes:
        center: Its middle (x, y).
        semi_axes: Half its width and half its height along its own axes, in pixels.
        angle: Tilt in degrees, clockwise as seen in the picture.
        roundness: Exponent of its rim: 2 is an ellipse, and the more, the nearer it is to its rectangle.
    """

    center: tuple[float, float]
    semi_axes: tuple[float, float]
    angle: float
    roundness: float = ROUNDNESS


@dataclass(frozen=True, slots=True)
class Cover:
    """What is laid over one person.

    Attributes:
        face: The detected box that it is for.
        center: The middle (x, y) of the tilted, rounded rectangle over the head.
        semi_axes: Half its width and half its height along its own axes, in pixels.
        angle: Tilt in degrees, clockwise as seen in the picture.
        style: How it looks.
        body: What it takes besides; None where only the head is covered.
        roundness: Of its rim; see `Oval`.
    """

    face: BoundingBox
    center: tuple[float, float]
    semi_axes: tuple[float, float]
    angle: float
    style: Style
    body: Oval | None = None
    roundness: float = ROUNDNESS

    @property
    def head(self) -> Oval:
        """What it takes of the head."""
        return Oval(self.center, self.semi_axes, self.angle, self.roundness)

    @property
    def ovals(self) -> tuple[Oval, ...]:
        """All that it takes."""
        return (self.head,) if self.body is None else (self.head, self.body)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture to lay over faces.

    Attributes:
        pixels: (h, w, 3) uint8 sRGB.
        alpha: (h, w) uint8, 255 where it is opaque.
    """

    pixels: Pixels
    alpha: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class FaceResult:
    """What was found and decided about one face. Holds no embedding.

    Attributes:
        detection: Where it is.
        quality: How well it could be compared; None where recognition was off or only the check found it.
        candidates: The most similar people, best first.
        outcome: What the search came to, or CONFIRMED where a person said who it is; None where there was neither.
        threshold: The score that a match needed; None where there was no search.
        decision: Kept or covered, and why.
        cover: What covers it; None where it is kept.
        photos: How many photos of the event the outcome rests on.
        cropped_out: Whether the published part of the photo leaves the face out, so that nothing had to cover it.
        searched: What the search came to where the outcome is CONFIRMED; None elsewhere, or where there was none.
    """

    detection: Detection
    quality: Quality | None
    candidates: tuple[Candidate, ...]
    outcome: Outcome | None
    threshold: float | None
    decision: Decision
    cover: Cover | None
    photos: int = 1
    cropped_out: bool = False
    searched: Outcome | None = None

    @property
    def is_area(self) -> bool:
        """Whether it is no face, but something that a person drew a cover over."""
        return self.detection.source is Source.OPERATOR and self.outcome is None

    @property
    def is_spared(self) -> bool:
        """Whether covers make way for it: not for what only a person says to be a face, or to be none."""
        return self.cover is None and not self.is_let_off and self.detection.source is not Source.OPERATOR

    @property
    def is_let_off(self) -> bool:
        """Whether it stays visible because a person said that nobody is there."""
        return self.decision.reason is Reason.NOBODY_THERE


@dataclass(frozen=True, slots=True)
class Required:
    """Somebody who was visible in an earlier version of a photo and must be covered now, whoever is recognised today.

    Attributes:
        box: Where, in the upright source.
        score: What the detector gave the face then.
        decision: Why it is covered.
    """

    box: BoundingBox
    score: float
    decision: Decision


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a container file.

    Attributes:
        name: The format's own name ("APP1", "tEXt", "Exif item").
        offset: Where it begins, in bytes.
        length: How many bytes it takes, headers included.
        meaning: What it is, in words.
        allowed: Whether a published file may hold it.
    """

    name: str
    offset: int
    length: int
    meaning: str
    allowed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A finished file, before its check.

    Attributes:
        content: The bytes.
        tolerance: By how much a decoded 8 bit sample outside of the covers may differ from the source's: 0 where the
            format keeps every pixel, a few levels where the coefficients are kept but a decoder may round otherwise;
            None where the picture was compressed anew.
        rebuilt: Why a picture that could have been kept exactly was compressed anew; None otherwise.
    """

    content: bytes
    tolerance: int | None
    rebuilt: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class OutputCheck:
    """What the check of the finished bytes found.

    Attributes:
        leftovers: Container parts that are not on the allow-list.
        readable: Covered faces of which something is still left under the cover.
        strays: Faces that are neither under a cover nor among the kept ones.
        changed_outside: Pixels outside covers that differ from the source by more than compression explains.
        problems: Anything else: does not decode, wrong size.
    """

    leftovers: tuple[Part, ...]
    readable: tuple[Detection, ...]
    strays: tuple[Detection, ...]
    changed_outside: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the bytes may be published."""
        return not (self.leftovers or self.readable or self.strays or self.changed_outside or self.problems)

    @property
    def only_strays(self) -> bool:
        """Whether further covers would be enough to mend it."""
        return bool(self.strays) and not (self.leftovers or self.readable or self.changed_outside or self.problems)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a photo was not published: the kind of error, what is wrong, what to do."""

    kind: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Staged:
    """Finished bytes that a worker has put into the store of the output already, under a name that says nothing.

    Attributes:
        place: Where they are.
        sha256: Their digest.
    """

    place: Path
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class CleanedPhoto:
    """A photo that passed its check and waits to be published.

    Attributes:
        source: The photo it was made from.
        sha256: Digest of the source file.
        content: The finished bytes; none where they are staged.
        format: Their container.
        faces: Every face with its decision.
        removed: Parts of the source file that were left out.
        rounds: How often it was covered and checked, 1 to 3.
        check: What the last check found; always ok.
        rebuilt: Why a picture that could have been kept exactly was compressed anew; None otherwise.
        window: The part of the upright source that it shows, half-open (x1, y1, x2, y2); None for all of it. Faces
            are given in the coordinates of the whole source.
        marks: What a person had said of it and was done, in the order in which it was said.
        staged: Where the finished bytes are, if they are not here.
    """

    source: Path
    sha256: str
    content: bytes
    format: Format
    faces: tuple[FaceResult, ...]
    removed: tuple[Part, ...]
    rounds: int
    check: OutputCheck
    rebuilt: str | None = None
    window: tuple[int, int, int, int] | None = None
    marks: tuple[Mark, ...] = ()
    staged: Staged | None = None

    @property
    def output_sha256(self) -> str:
        """Digest of the finished bytes."""
        return hashlib.sha256(self.content).hexdigest() if self.staged is None else self.staged.sha256


@dataclass(frozen=True, slots=True, eq=False)
class PhotoResult:
    """What became of one photo.

    Attributes:
        source: The file that was given.
        target: The file that was published, or would have been in a dry run; None where it was refused.
        status: Published, refused, only tried, or done by an earlier run and left as it is.
        sha256: Digest of the source; None where it could not be read.
        output_sha256: Digest of the finished bytes; None where it was refused.
        faces: Every face with its decision; empty for a photo that was refused or done before.
        removed: Parts of the source file that were left out.
        rounds: How often it was covered and checked.
        refusal: Why it was refused; None otherwise.
        rebuilt: Why a picture that could have been kept exactly was compressed anew; None otherwise.
        window: The part of the upright source that it shows, half-open (x1, y1, x2, y2); None for all of it. Faces
            are given in the coordinates of the whole source.
        marks: What a person had said of it and was done, in the order in which it was said.
    """

    source: Path
    target: Path | None
    status: Status
    sha256: str | None
    output_sha256: str | None
    faces: tuple[FaceResult, ...]
    removed: tuple[Part, ...]
    rounds: int
    refusal: Refusal | None
    rebuilt: str | None = None
    window: tuple[int, int, int, int] | None = None
    marks: tuple[Mark, ...] = ()

"""Look at a photo without cleaning it: for `imgguard inspect` and the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgguard.backends import default_backends
from imgguard.detect import detect_faces
from imgguard.leaks import attribute_leaks, name_leaks
from imgguard.metadata import MetadataItem, read_metadata
from imgguard.output import OutputFolder
from imgguard.photo import load_photo
from imgguard.pipeline import judge_faces, suggested_crop
from imgguard.types import FaceResult, Photo

if TYPE_CHECKING:
    from PIL import ImageDraw

    from imgguard.guard import Guard

_KEPT, _COVERED = (0, 160, 60), (220, 30, 30)


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What was found in a photo.

    Attributes:
        photo: The photo.
        faces: Its faces as they would be decided.
        metadata: What its file tells, its name included.
        crop: The share of the photo that a crop keeps which leaves everybody out who must be covered; None where
            nobody must, or no crop keeps enough.
    """

    photo: Photo
    faces: tuple[FaceResult, ...]
    metadata: tuple[MetadataItem, ...]
    crop: float | None = None


def inspect_photo(path: Path, guard: Guard) -> Inspection:
    """Find and decide, but publish nothing.

    Raises:
        PhotoError: if the photo cannot be read.
    """
    photo = load_photo(path)
    backends = default_backends()
    judged = judge_faces(photo, detect_faces(photo, backends, guard.rules.search), guard.rules, backends)
    faces = tuple(face.result for face in judged)
    outside = (*name_leaks(Path(path.name), guard.known_names), *attribute_leaks(path))
    told = (*outside, *read_metadata(photo.content, photo.format))
    return Inspection(photo, faces, told, _share(suggested_crop(faces, photo), photo))


def _share(window: tuple[int, int, int, int] | None, photo: Photo) -> float | None:
    if window is None:
        return None
    return (window[2] - window[0]) * (window[3] - window[1]) / (photo.size[0] * photo.size[1])


def draw_inspection(found: Inspection, target: Path) -> None:
    """Write the photo as PNG with a box around each face and the reason beside it.

    Raises:
        OutputError: if the file exists or cannot be written.
    """
    import io

    from PIL import Image, ImageDraw

    image = Image.fromarray(found.photo.pixels)
    draw = ImageDraw.Draw(image)
    for number, face in enumerate(found.faces, 1):
        _draw_face(draw, number, face, max(image.size))
    out = io.BytesIO()
    image.save(out, "PNG")
    folder = target.resolve().parent
    OutputFolder(folder, overwrite=False, inputs={found.photo.path.resolve()}, private=True).publish(
        out.getvalue(), folder / target.name
    )


def _draw_face(draw: ImageDraw.ImageDraw, number: int, face: FaceResult, longest: int) -> None:
    box = face.detection.box
    colour = _KEPT if face.cover is None else _COVERED
    draw.rectangle((box.x1, box.y1, box.x2, box.y2), outline=colour, width=max(2, longest // 600))
    asked = face.outcome is not None
    label = f"{number} {face.decision.verdict.value}: {face.decision.reason.words}" if asked else str(number)
    size = max(12, longest // 110)
    place = (box.x1, max(0.0, box.y1 - size * 1.4))
    draw.rectangle(draw.textbbox(place, label, font_size=size), fill=(255, 255, 255))
    draw.text(place, label, fill=colour, font_size=size)

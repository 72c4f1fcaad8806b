"""What a folder that is looked through has done in a worker: one photo, by its path, with pictures to show of it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from imgguard.backends import default_backends
from imgguard.errors import PhotoChanged
from imgguard.marks import Mark
from imgguard.page.drafts import shown_jpeg
from imgguard.page.face_views import state_of
from imgguard.photo import load_content, load_photo
from imgguard.pipeline import Examined, examine_photo, prepare_loaded
from imgguard.refusing import or_refuse
from imgguard.rules import Rules
from imgguard.types import BoundingBox, CleanedPhoto, Photo, Refusal

THUMBNAIL = 480
_CROP = 160
# What is shown of a face besides it, as a share of its smaller side.
_AROUND = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A cleaned photo and what is shown of it before it is released.

    Attributes:
        cleaned: The finished, checked photo.
        size: Width and height of the upright original.
        thumbnail: A JPEG of the cleaned picture, small.
        shown: The same, large.
        crops: JPEGs of the doubtful faces as they are in the original, with their places in `cleaned.faces`.
    """

    cleaned: CleanedPhoto
    size: tuple[int, int]
    thumbnail: bytes
    shown: bytes
    crops: tuple[tuple[int, bytes], ...]


def packed(rules: Rules) -> bytes:
    """Pack the rules once for many photos."""
    return pickle.dumps(rules, protocol=pickle.HIGHEST_PROTOCOL)


@lru_cache(maxsize=2)
def _unpacked(rules: bytes) -> Rules:
    # Made by `packed` in the main process of this very page, never read from anywhere.
    found = pickle.loads(rules)
    assert isinstance(found, Rules)
    return found


def examine(source: Path, rules: bytes) -> Examined | Refusal:
    """Find out who is in a photo."""
    return or_refuse(source, lambda: examine_photo(source, _unpacked(rules), default_backends()))


def make(
    source: Path, rules: bytes, known: Examined | None, marks: tuple[Mark, ...], digest: str = ""
) -> Sheet | Refusal:
    """Clean a photo with everything that is checked, and make the pictures to show.

    Args:
        source: The photo.
        rules: What holds, packed.
        known: Who is in it; None where nobody is recognised.
        marks: What was said of it.
        digest: Of the photo that was looked at, of which the marks are; empty where none was yet.
    """
    return or_refuse(source, lambda: _sheet(source, _unpacked(rules), known, marks, digest))


def original(source: Path, digest: str) -> bytes | Refusal:
    """Make a JPEG of an original to compare with; refused if it is not the photo any more that was looked at."""
    return or_refuse(source, lambda: _original(load_photo(source), digest))


def _original(photo: Photo, digest: str) -> bytes:
    return shown_jpeg(photo.pixels) if photo.sha256 == digest else b""


def _sheet(source: Path, rules: Rules, known: Examined | None, marks: tuple[Mark, ...], digest: str) -> Sheet:
    photo = load_photo(source)
    if digest and photo.sha256 != digest:
        what = f"{source}: is not the photo any more that was looked at"
        raise PhotoChanged(what, "Look through the folder again.")
    rules = replace(rules, marks={digest: marks}) if marks and digest else rules
    cleaned = prepare_loaded(photo, rules, default_backends(), known)
    pixels = load_content(cleaned.content, source).pixels
    doubtful = [n for n, face in enumerate(cleaned.faces) if state_of(face) == "doubtful"]
    crops = ((n, _crop(photo, cleaned.faces[n].detection.box)) for n in doubtful)
    return Sheet(cleaned, photo.size, shown_jpeg(pixels, THUMBNAIL), shown_jpeg(pixels), tuple(crops))


def _crop(photo: Photo, box: BoundingBox) -> bytes:
    around = box.grown(_AROUND).clipped(photo.size)
    x1, y1, x2, y2 = (round(value) for value in (around.x1, around.y1, around.x2, around.y2))
    return shown_jpeg(photo.pixels[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)], _CROP)

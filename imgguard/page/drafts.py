"""What the page has done in a worker: look at a photo, show how it would come out, and make it with its check.

Looking and showing take one trip and no check, so that there is something to see at once; nothing of that is ever
published. What is saved comes from `finish`, which goes the whole way of a photo.
"""

from __future__ import annotations

import hashlib
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

from imgguard.backends import default_backends
from imgguard.cropping import crop_photo, moved_cover, moved_detection
from imgguard.errors import ImgguardError, InternalFault
from imgguard.lazy import cv2
from imgguard.page.face_views import face_views as face_views
from imgguard.photo import load_content
from imgguard.pipeline import Examined, crop_for, decided_faces, examine_loaded, prepare_loaded, unless_outside
from imgguard.redact import redact
from imgguard.references import SeenFace, see_face
from imgguard.sanitize import block_grid
from imgguard.types import BoundingBox, CleanedPhoto, FaceResult

if TYPE_CHECKING:
    from imgguard.rules import Rules
    from imgguard.types import Photo, Pixels

_P = ParamSpec("_P")
_T = TypeVar("_T")

MOST_SHOWN = 2000
_QUALITY = 88
# Seconds after which a worker forgets the photo that it decoded last.
_KEEPS = 120.0
_FORGETS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What looking at a photo tells, whatever is decided later.

    Attributes:
        known: Where its faces are, and who, as far as anybody is to be recognised.
        shown: A JPEG of the original, at most `MOST_SHOWN` pixels wide or high.
        size: Width and height of the upright original in pixels.
        sha256: Digest of the file.
    """

    known: Examined
    shown: bytes
    size: tuple[int, int]
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """How a photo would come out, not yet checked.

    Attributes:
        faces: Every face with its decision.
        shown: A JPEG of the covered picture, at most `MOST_SHOWN` pixels wide or high.
        frame: The part of the upright original that it shows, half-open (x1, y1, x2, y2).
    """

    faces: tuple[FaceResult, ...]
    shown: bytes
    frame: tuple[int, int, int, int]


def _or_fault(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """Make an unexpected error one that can be told; nobody should see a stack of Python instead of a reason."""

    @wraps(work)
    def safe(*arguments: _P.args, **named: _P.kwargs) -> _T:
        try:
            return work(*arguments, **named)
        except ImgguardError:
            raise
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"Unexpected {type(error).__name__} in {Path(where.filename).name} line {where.lineno} ({error})"
            raise InternalFault(what, "Choose another photo, and report this.") from error

    return safe


@_or_fault
def begin(content: bytes, path: Path, rules: Rules) -> tuple[Looked, Preview]:
    """Look at a photo and show how it would come out, in one trip.

    Args:
        content: The file.
        path: What messages call it by; nothing is read there.
        rules: What holds.

    Raises:
        PhotoError: why it is refused.
    """
    looked = look(content, path, rules)
    return looked, preview(content, path, rules, looked.known)


@_or_fault
def look(content: bytes, path: Path, rules: Rules) -> Looked:
    """Find out who is in a photo; see `begin`."""
    photo = _loaded(content, path)
    known = examine_loaded(photo, rules, default_backends())
    return Looked(known, shown_jpeg(photo.pixels), photo.size, photo.sha256)


@_or_fault
def preview(content: bytes, path: Path, rules: Rules, known: Examined | None) -> Preview:
    """Show how a photo would come out, without the check of the finished file.

    Args:
        content: The file.
        path: What messages call it by; nothing is read there.
        rules: What holds, marks included.
        known: Who is in it, as `look` found.

    Raises:
        PhotoError: why it is refused.
    """
    photo = _loaded(content, path)
    faces = decided_faces(photo, rules, default_backends(), known)
    window = crop_for(faces, photo, rules)
    faces = tuple(unless_outside(face, window) for face in faces)
    pixels = _covered(crop_photo(photo, window) if window else photo, faces, window, rules)
    return Preview(faces, shown_jpeg(pixels), window or (0, 0, *photo.size))


@_or_fault
def finish(content: bytes, path: Path, rules: Rules, known: Examined | None) -> CleanedPhoto:
    """Clean a photo with everything that is checked before it may be published; see `preview`.

    Raises:
        PhotoError: why it is refused.
    """
    return prepare_loaded(_loaded(content, path), rules, default_backends(), known)


@_or_fault
def finish_and_show(content: bytes, path: Path, rules: Rules, known: Examined | None) -> tuple[CleanedPhoto, Preview]:
    """Clean a photo, and show the finished file itself: what is seen then is what will be saved; see `finish`."""
    photo = _loaded(content, path)
    cleaned = prepare_loaded(photo, rules, default_backends(), known)
    shown = shown_jpeg(load_content(cleaned.content, path).pixels)
    return cleaned, Preview(cleaned.faces, shown, cleaned.window or (0, 0, *photo.size))


@_or_fault
def see(content: bytes, path: Path, box: BoundingBox, on: date) -> SeenFace:
    """Look at a face that may become a further reference; see `imgguard.references.see_face`."""
    return see_face(content, path, box, default_backends(), on)


def _covered(
    part: Photo, faces: Sequence[FaceResult], window: tuple[int, int, int, int] | None, rules: Rules
) -> Pixels:
    corner = window[:2] if window else (0, 0)
    covers = [moved_cover(face.cover, corner) for face in faces if face.cover and not face.cropped_out]
    kept = [moved_detection(face.detection, corner).box for face in faces if face.is_spared]
    # Of what is written only the colours differ from what is looked at, and a screen shows the latter.
    return redact(part.pixels, covers, kept, block_grid(part), rules.covering.picture)


def shown_jpeg(pixels: Pixels, most: int = MOST_SHOWN) -> bytes:
    """Make a JPEG to look at, with nothing but the picture in it.

    Args:
        pixels: (H, W, 3) uint8 sRGB.
        most: The longest side of it, in pixels.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, most / max(width, height))
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, made = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return bytes(made)


@dataclass(slots=True)
class _Last:
    """The photo that a worker decoded last: the next question is nearly always about the same one."""

    photo: Photo | None = None
    timer: threading.Timer | None = None

    def hold(self, photo: Photo | None) -> None:
        self.photo = photo

    def touch(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = threading.Timer(_KEEPS, self.hold, (None,))
        self.timer.daemon = True
        self.timer.start()


_last = _Last()


def forget() -> None:
    """Forget the photo that was decoded last; waits a moment, so that another worker takes the next of these."""
    _last.hold(None)
    time.sleep(_FORGETS)


def _loaded(content: bytes, path: Path) -> Photo:
    held = _last.photo
    if held is None or held.sha256 != hashlib.sha256(content).hexdigest():
        _last.hold(None)
        held = load_content(content, path)
        _last.hold(held)
    _last.touch()
    return replace(held, path=path)

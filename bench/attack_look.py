"""What an attacker sees of covered faces: the work on single pictures, for many processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from attack_covers import STYLES, face_colour, ways, with_face_of, without_face
from attack_data import Face
from attack_restore import KERNELS, Restorer, as_face, small, wiener

from imgguard.backends import default_backends
from imgguard.covers import cover_for
from imgguard.detect import find_faces
from imgguard.embed import align_face
from imgguard.scales import SECOND_LOOK, cut_out
from imgguard.types import Style

if TYPE_CHECKING:
    from imgguard.types import Detection, Pixels

# Which picture is covered: the photo as it is, the same with another's face, the same with none.
WHOLE, ALONE, CONTROL = "whole", "alone", "control"
_PIXELS = 24
_OWN = {style.value for style in STYLES}
_HIT = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What an attacker makes of one covered face.

    Attributes:
        vector: (128,) embedding at the true landmarks.
        pixels: (24 * 24,) the cover and its corners, grey, 0 to 1.
        small: (32 * 32,) the aligned face, for the learned deblur.
        restored: (attacks, 128) embeddings after restoring it.
    """

    vector: np.ndarray
    pixels: np.ndarray
    small: np.ndarray
    restored: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A face that is attacked, and whose face takes its place when only the cover is to be judged."""

    face: Face
    donor: Face
    search: bool


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What was seen of one target.

    Attributes:
        looks: By the kind of picture and the way to cover it.
        found: Ways under which the detectors still find a face there; None where they were not asked.
        alike: Ways whose output is the same, byte for byte, if there is no face under the cover.
        colour: The 9-bit colour of the face, (3,), by the kind of picture.
        shape: Middle, half axes and tilt of the cover, (5,).
    """

    looks: dict[tuple[str, str], Look]
    found: frozenset[str] | None
    alike: frozenset[str]
    colour: dict[str, np.ndarray]
    shape: np.ndarray


class Embedder:
    """Embeds aligned faces, each different one once: covers make many of them equal."""

    def __init__(self) -> None:
        """Begin with nothing kept."""
        self._kept: dict[bytes, np.ndarray] = {}

    def __call__(self, aligned: np.ndarray) -> np.ndarray:
        """Give the (128,) unit vector of an aligned face."""
        key = aligned.tobytes()
        if key not in self._kept:
            self._kept[key] = default_backends().embedder.embed(aligned)
        return self._kept[key]


def embed(aligned: np.ndarray) -> np.ndarray:
    """Embed one aligned face."""
    return default_backends().embedder.embed(aligned)


def rehearse(face: Face, with_kernels: bool) -> dict[str, Look]:
    """Look at a face of somebody who is not attacked, under every cover; restored by each kernel if asked to."""
    embedder, pixels = Embedder(), face.pixels()
    kernels = tuple(KERNELS) if with_kernels else ()
    return {
        name: _look(way(pixels, face.found), face, embedder, [lambda a, k=k: wiener(a, k) for k in kernels])
        for name, way in ways().items()
    }


def watch(target: Target, restorers: dict[str, Restorer]) -> Report:
    """Cover one face in every way and look at it in every way."""
    face, pixels = target.face, target.face.pixels()
    donor = target.donor
    pictures = {
        WHOLE: pixels,
        ALONE: with_face_of(pixels, face.precise, donor.pixels(), donor.precise),
        CONTROL: without_face(pixels, face.found),
    }
    embedder = Embedder()
    looks, alike, found = {}, set(), set()
    for name, way in ways().items():
        covered = {kind: way(picture, face.found) for kind, picture in pictures.items()}
        if np.array_equal(covered[WHOLE], covered[CONTROL]):
            alike.add(name)
        restore = _restorers(restorers.get(name))
        for kind in (WHOLE, ALONE, CONTROL) if name in _OWN else (WHOLE, ALONE):
            looks[kind, name] = _look(covered[kind], face, embedder, restore)
        if target.search and _is_found(covered[WHOLE], face.found):
            found.add(name)
    colour = {kind: face_colour(picture, face.found.box) for kind, picture in pictures.items()}
    return Report(looks, frozenset(found) if target.search else None, frozenset(alike), colour, _shape(face.found))


def _restorers(prepared: Restorer | None) -> list[Callable[[np.ndarray], np.ndarray]]:
    if prepared is None:
        return []
    steps: list[Callable[[np.ndarray], np.ndarray]] = [lambda aligned: wiener(aligned, prepared.kernel)]
    if not prepared.direct:
        steps.append(lambda aligned: deblurred(prepared.deblur(small(aligned))))
    return steps


def deblurred(restored: np.ndarray) -> np.ndarray:
    """Make the learned deblur's result a face that can be embedded."""
    side = round(restored.size**0.5)
    return as_face(restored.reshape(side, side))


def _look(pixels: Pixels, face: Face, embedder: Embedder, restore: list[Callable[[np.ndarray], np.ndarray]]) -> Look:
    aligned = align_face(pixels, face.precise, default_backends())
    cover = cover_for(face.found, Style.SOLID)
    patch = cut_out(pixels, cover.center, 2 * max(cover.semi_axes), _PIXELS).pixels
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).reshape(-1).astype(np.float32) / 255
    restored = np.array([embedder(step(aligned)) for step in restore])
    return Look(embedder(aligned), grey, small(aligned), restored)


def _is_found(pixels: Pixels, face: Detection) -> bool:
    found = find_faces(pixels, default_backends(), SECOND_LOOK, in_company=True)
    return any(other.box.iou(face.box) > _HIT for other in found)


def _shape(face: Detection) -> np.ndarray:
    cover = cover_for(face, Style.BLUR)
    return np.array([*cover.center, *cover.semi_axes, cover.angle])

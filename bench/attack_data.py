"""Who is attacked: people with several pictures, the face in each, and other people for the attacker to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from attack_covers import mean_colour
from common import data_folder, tracked
from faces import MISLABELLED, SAME_PERSON

from imgguard.backends import default_backends
from imgguard.detect import find_faces
from imgguard.embed import embed_at, with_precise_landmarks
from imgguard.portraits import PORTRAIT_LOOK

if TYPE_CHECKING:
    from imgguard.types import Detection, Floats, Pixels

# Pictures looked at beyond those wanted, since a few show no face.
_SPARE = 1


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """The face in the middle of a picture.

    Attributes:
        path: The picture.
        shrink: By how much its sides are divided before anything is done with it.
        found: What the cover is laid by.
        precise: The same with the landmarks that faces are compared by.
        vector: (128,) embedding of the uncovered face.
        colour: (3,) mean colour of the uncovered face.
    """

    path: Path
    shrink: int
    found: Detection
    precise: Detection
    vector: Floats
    colour: Floats

    def pixels(self) -> Pixels:
        """Read the picture, (H, W, 3) uint8 RGB."""
        return read(self.path, self.shrink)


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """The people of the bench.

    Attributes:
        people: Per person, equally many faces; the first is the ID photo.
        judges: Two faces each of other people, by which an attacker chooses among attacks.
        others: One face each of further people, to learn from.
    """

    people: tuple[tuple[Face, ...], ...]
    judges: tuple[tuple[Face, ...], ...]
    others: tuple[Face, ...]

    @property
    def faces(self) -> list[Face]:
        """Every face that is attacked, person by person."""
        return [face for person in self.people for face in person]

    @property
    def person(self) -> np.ndarray:
        """(faces,) whose each of them is."""
        return np.repeat(np.arange(len(self.people)), len(self.people[0]))


def read(path: Path, shrink: int) -> Pixels:
    """Read a picture at its size or smaller, (H, W, 3) uint8 RGB."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if shrink > 1:
        pixels = cv2.resize(pixels, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels)


def choose(people: int, pictures: int, judges: int, others: int, shrink: int, pool: Executor) -> Cast:
    """Draw who is attacked and who is learned from; always the same for the same numbers."""
    rng = np.random.default_rng(4)
    albums = [list(rng.permutation(paths)) for paths in _albums().values()]  # type: ignore[arg-type]
    rng.shuffle(albums)  # type: ignore[arg-type]
    many = [album for album in albums if len(album) >= pictures + _SPARE][: people + people // 10]
    rest = [album for album in albums if len(album) < pictures + _SPARE]
    pairs = [album for album in rest if len(album) >= 2][: judges + judges // 10]
    single = [album for album in rest if len(album) == 1][: others + others // 10]
    found = _faces_of([many, pairs, single], [pictures + _SPARE, 2, 1], shrink, pool)
    enough = [[album[:wanted] for album in group if len(album) >= wanted]
              for group, wanted in zip(found, (pictures, 2, 1), strict=True)]  # fmt: skip
    first = tuple(tuple(album) for album in enough[0][:people])
    return Cast(
        first, tuple(tuple(album) for album in enough[1][:judges]), tuple(album[0] for album in enough[2][:others])
    )


def _albums() -> dict[str, list[Path]]:
    albums: dict[str, list[Path]] = {}
    for folder in sorted(data_folder("identity").iterdir()):
        paths = [path for path in sorted(folder.iterdir()) if path.stem not in MISLABELLED]
        albums.setdefault(SAME_PERSON.get(folder.name, folder.name), []).extend(paths)
    return {name: paths for name, paths in albums.items() if paths}


def _faces_of(
    groups: Sequence[Sequence[Sequence[Path]]], most: Sequence[int], shrink: int, pool: Executor
) -> list[list[list[Face]]]:
    paths = [path for group, n in zip(groups, most, strict=True) for album in group for path in album[:n]]
    work = pool.map(locate, paths, [shrink] * len(paths), chunksize=8)
    faces = dict(zip(paths, (face for _, face in zip(tracked(paths, "Finding"), work, strict=True)), strict=True))
    return [
        [[face for path in album[:n] if (face := faces[path]) is not None] for album in group]
        for group, n in zip(groups, most, strict=True)
    ]


def locate(path: Path, shrink: int) -> Face | None:
    """Find the face nearest to the middle of a picture."""
    backends = default_backends()
    pixels = read(path, shrink)
    middle = np.array(pixels.shape[1::-1]) / 2
    faces = find_faces(pixels, backends, PORTRAIT_LOOK, in_company=True)
    if not faces:
        return None
    found = min(faces, key=lambda face: float(np.hypot(*(middle - face.box.center))))
    precise = with_precise_landmarks(pixels, found, backends)
    vector = embed_at(pixels, precise, backends).vector
    return Face(path, shrink, found, precise, vector, mean_colour(pixels, found.box))


def donors(people: int, pictures: int) -> np.ndarray:
    """For each attacked face the number of somebody else's that takes its place; each is taken once."""
    rng = np.random.default_rng(5)
    taken = np.empty((people, pictures), int)
    for picture in range(pictures):
        order = rng.permutation(people)
        while (order == np.arange(people)).any():
            order = rng.permutation(people)
        taken[:, picture] = order * pictures + picture
    return taken.reshape(-1)

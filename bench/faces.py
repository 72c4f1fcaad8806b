"""Embed the people of the benchmark's identity folder once, and keep the vectors for the next run."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from common import data_folder, tracked

from imgguard.backends import default_backends
from imgguard.detect import find_faces
from imgguard.embed import embed_at, make_probe, with_precise_landmarks
from imgguard.portraits import PORTRAIT_LOOK
from imgguard.types import Probe

# Wrong in the data set itself: somebody else's picture, or one person under two names.
MISLABELLED = {"Recep_Tayyip_Erdogan_0004", "Shavon_Earp_0001", "Jim_OBrien_0001", "Cristina_Fernandez_0001"}
SAME_PERSON = {"Sung_Hong_Choi": "Choi_Sung-hong", "Cristina_Kirchner": "Cristina_Fernandez"}
# A few people have hundreds of pictures; this many show what one looks like.
MOST_A_PERSON = 8


@dataclass(frozen=True)
class People:
    """Embeddings of many people.

    Attributes:
        vectors: (N, 128) unit vectors.
        person: (N,) number of the person, 0 to people - 1.
        names: Of the people.
        missed: Pictures without a comparable face.
    """

    vectors: np.ndarray
    person: np.ndarray
    names: tuple[str, ...]
    missed: int

    def of(self, person: int) -> np.ndarray:
        """Numbers of a person's pictures."""
        return np.flatnonzero(self.person == person)

    def firsts(self, chosen: np.ndarray) -> np.ndarray:
        """The first vector of each of these people, (len(chosen), 128)."""
        return self.vectors[[self.of(person)[0] for person in chosen]]


def read_people(cache: Path | None) -> People:
    """Embed everybody, or read what an earlier run has kept."""
    model = default_backends().embedder.model_id
    if cache is not None and cache.exists():
        kept = np.load(cache)
        if str(kept["model"]) == model:
            return People(kept["vectors"], kept["person"], tuple(kept["names"].tolist()), int(kept["missed"]))
    pictures = [(name, path) for name, path in _pictures(data_folder("identity")) if path.stem not in MISLABELLED]
    with ProcessPoolExecutor(initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        work = pool.map(embed_picture, [path for _, path in pictures], chunksize=16)
        vectors = [vector for _, vector in zip(tracked(pictures, "Embedding"), work, strict=True)]
    found = [(name, vector) for (name, _), vector in zip(pictures, vectors, strict=True) if vector is not None]
    names, person = np.unique([name for name, _ in found], return_inverse=True)
    people = People(np.array([v for _, v in found]), person, tuple(names.tolist()), len(pictures) - len(found))
    if cache is not None:
        np.savez(cache, vectors=people.vectors, person=person, names=names, missed=people.missed, model=model)
    return people


def _pictures(root: Path) -> list[tuple[str, Path]]:
    found = []
    for folder in sorted(root.iterdir()):
        name = SAME_PERSON.get(folder.name, folder.name)
        found += [(name, path) for path in sorted(folder.iterdir())[:MOST_A_PERSON]]
    return found


def embed_picture(path: Path) -> np.ndarray | None:
    """Embed the face in the middle of a picture, as an ID photo's is."""
    probe = probe_of(np.asarray(cv2.imread(str(path))[:, :, ::-1], np.uint8))
    return probe.embedding.vector if probe is not None and probe.embedding is not None else None


def probe_of(pixels: np.ndarray, *, gate: bool = True) -> Probe | None:
    """The probe of the face that is nearest to the middle of a picture; with an embedding in any case without gate."""
    backends = default_backends()
    middle = np.array(pixels.shape[1::-1]) / 2
    faces = find_faces(pixels, backends, PORTRAIT_LOOK, in_company=True)
    if not faces:
        return None
    face = min(faces, key=lambda f: float(np.hypot(*(middle - f.box.center))))
    probe = make_probe(pixels, face, backends)
    if gate or probe.embedding is not None:
        return probe
    return replace(probe, embedding=embed_at(pixels, with_precise_landmarks(pixels, face, backends), backends))

"""Link the faces of one person across the photos of an event, in memory, for the length of one run.

Several photos of a face say more about who it is than one does. Two who are surely recognised confirm a third face of
theirs that is just too doubtful; and whoever is taken for different people, or matches somebody in one photo whom all
faces together do not reach, is covered in all of them. Nobody is named by links alone, and who could be more than one
person stays covered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.identify import Gallery
from imgguard.types import Embedding, Identification, Outcome

if TYPE_CHECKING:
    from imgguard.types import Floats

# Two faces of an event are linked at this score, or where the gallery's people are hard to tell apart, at so much
# above the threshold.
LINK_SCORE = 0.5
_ABOVE_THRESHOLD = 0.05
# So far below the threshold a face may lie that others confirm.
MOST_DOUBT = 0.1
# So many photos have to be sure; copies of one picture, and pictures of one moment, are one.
WITNESSES = 2
_SAME_MOMENT = 0.95
# Links are sought to the nearest faces of each face, and among so many faces at once.
_NEIGHBOURS = 8
_BLOCK = 256

_Photos = Sequence[Sequence[Identification]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Which face of which photo."""

    photo: int
    face: int


@dataclass(frozen=True, slots=True, eq=False)
class _Faces:
    """All comparable faces of an event: where they are, what was found, and prepared vectors, (N, 128)."""

    places: Sequence[_Place]
    found: Sequence[Identification]
    vectors: Floats


def link_photos(photos: _Photos, gallery: Gallery) -> tuple[tuple[Identification, ...], ...]:
    """Revise what was found in each photo of an event by what was found in the others.

    Args:
        photos: For each photo the identifications of its faces, each name once a photo.
        gallery: The gallery that was searched.

    Returns:
        The same, with outcomes revised; `Identification.photos` says how many photos each rests on.
    """
    faces = _comparable(photos, gallery)
    revised = [list(found) for found in photos]
    for cluster in _clusters(faces, max(LINK_SCORE, gallery.threshold + _ABOVE_THRESHOLD)):
        for index, outcome in _judge(cluster, faces, gallery):
            place = faces.places[index]
            before = revised[place.photo][place.face]
            revised[place.photo][place.face] = replace(before, outcome=outcome, photos=len(cluster))
    return tuple(_undisputed(found) for found in revised)


def alike(photos: _Photos, gallery: Gallery, least: float = LINK_SCORE) -> list[list[tuple[int, int]]]:
    """Group faces that look alike, to be shown side by side to a person; nothing is decided by it.

    Args:
        photos: For each photo the identifications of its faces.
        gallery: Prepares the vectors as it does for a search.
        least: How alike all of a group have to be.

    Returns:
        Groups of two and more as (photo, face), never two of one photo; the largest first.
    """
    faces = _comparable(photos, gallery)
    if len(faces.places) < 2:
        return []
    groups = ([(faces.places[i].photo, faces.places[i].face) for i in cluster] for cluster in _clusters(faces, least))
    return sorted(groups, key=len, reverse=True)


def _comparable(photos: _Photos, gallery: Gallery) -> _Faces:
    seen = [
        (_Place(i, j), face, face.probe.embedding)
        for i, photo in enumerate(photos)
        for j, face in enumerate(photo)
        if face.probe.embedding is not None
    ]
    embeddings: list[Embedding] = [embedding for _, _, embedding in seen]
    return _Faces([place for place, _, _ in seen], [face for _, face, _ in seen], gallery.prepare(embeddings))


def _judge(cluster: Sequence[int], faces: _Faces, gallery: Gallery) -> Iterator[tuple[int, Outcome]]:
    """Decide about all faces of one person together."""
    found = {index: faces.found[index] for index in cluster}
    named = {face.subject_id for face in found.values() if face.subject_id is not None}
    if not named:
        return
    someone = min(named)
    scores = {index: gallery.score_with(faces.vectors[index], someone) for index in cluster}
    disputed = len(named) > 1 or any(_lost(face, gallery) == someone for face in found.values())
    if disputed or not sum(scores.values()) / len(scores) >= gallery.threshold:
        yield from ((index, Outcome.CONTRADICTED) for index in cluster)
    elif _witnesses([index for index in cluster if found[index].subject_id], faces) >= WITNESSES:
        for index, face in found.items():
            doubtful = face.outcome is Outcome.NON_MATCH and scores[index] >= gallery.threshold - MOST_DOUBT
            if doubtful and face.candidates[0].subject_id == someone and gallery.leads(face.candidates):
                yield index, Outcome.MATCH


def _lost(face: Identification, gallery: Gallery) -> str | None:
    """Give the person to whom another face of the photo was nearer, so that this one is surely somebody else."""
    if face.outcome is not Outcome.AMBIGUOUS or not gallery.leads(face.candidates):
        return None
    return face.candidates[0].subject_id


def _witnesses(sure: Sequence[int], faces: _Faces) -> int:
    """Count the pictures among these that are not nearly the same."""
    apart: list[int] = []
    for index in sure:
        if all(float(faces.vectors[index] @ faces.vectors[other]) < _SAME_MOMENT for other in apart):
            apart.append(index)
    return len(apart)


def _undisputed(found: Sequence[Identification]) -> tuple[Identification, ...]:
    """Where links have given one name to two faces of a photo, nobody can tell which of them it is."""
    names = [face.subject_id for face in found if face.subject_id is not None]
    return tuple(
        replace(face, outcome=Outcome.AMBIGUOUS) if face.subject_id and names.count(face.subject_id) > 1 else face
        for face in found
    )


def _clusters(faces: _Faces, least: float) -> Iterator[list[int]]:
    """Group the faces that are all alike to each other, never two of one photo."""
    home = {index: [index] for index in range(len(faces.places))}
    photos = {index: {place.photo} for index, place in enumerate(faces.places)}
    for one, other in _links(faces.vectors, least):
        ours, theirs = home[one], home[other]
        if ours is theirs or photos[ours[0]] & photos[theirs[0]]:
            continue
        if (faces.vectors[ours] @ faces.vectors[theirs].T).min() >= least:
            photos[ours[0]] |= photos[theirs[0]]
            ours += theirs
            home.update((index, ours) for index in theirs)
    for cluster in {id(members): members for members in home.values()}.values():
        if len(cluster) > 1:
            yield sorted(cluster)


def _links(vectors: Floats, least: float) -> Iterator[tuple[int, int]]:
    """Pairs of faces that are alike enough, the most alike first; for each face those nearest to it."""
    found: list[tuple[float, int, int]] = []
    for start in range(0, len(vectors), _BLOCK):
        scores = vectors[start : start + _BLOCK] @ vectors.T
        rows = np.arange(len(scores))
        scores[rows, start + rows] = -1.0
        nearest = np.argpartition(-scores, min(_NEIGHBOURS, len(vectors) - 1), axis=1)[:, :_NEIGHBOURS]
        best = np.take_along_axis(scores, nearest, axis=1)
        for row, column in np.argwhere(best >= least).tolist():
            found.append((float(best[row, column]), start + row, int(nearest[row, column])))
    yield from ((one, other) for _, one, other in sorted(found, reverse=True))

"""Link the faces of one person across the photos of an event, in memory, for the length of one run.

Several photos of a face say more about who it is than one does. A person whom one photo leaves in doubt is confirmed
where photos agree; and whoever is taken for different people, or matches somebody in one photo while all photos
together do not, is covered in all of them. A link confirms only who comes near the threshold alone, and the faces
together have to pass it like one face does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.identify import Gallery, once_a_photo
from imgguard.types import Embedding, Identification, Outcome, Probe

if TYPE_CHECKING:
    from imgguard.types import Floats

# Two faces of an event are linked at this score, or where the gallery's people are hard to tell apart, at so much
# above the threshold.
LINK_SCORE = 0.5
_ABOVE_THRESHOLD = 0.05
# So far below the threshold a face may lie that others confirm.
MOST_DOUBT = 0.1
# The faces of a stranger, averaged, lie a little nearer to everybody than one of them does.
_TOGETHER = 0.02
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class _Place:
    """Which face of which photo."""

    photo: int
    face: int


_Photos = Sequence[Sequence[Identification]]


def link_photos(photos: _Photos, gallery: Gallery) -> tuple[tuple[Identification, ...], ...]:
    """Revise what was found in each photo of an event by what was found in the others.

    Args:
        photos: For each photo the identifications of its faces.
        gallery: The gallery that was searched.

    Returns:
        The same, with outcomes revised; `Identification.photos` says how many photos each rests on.
    """
    revised = [list(found) for found in photos]
    for places in _clusters(photos, gallery):
        for place, outcome in _judge([photos[p.photo][p.face] for p in places], places, gallery):
            before = revised[place.photo][place.face]
            revised[place.photo][place.face] = replace(before, outcome=outcome, photos=len(places))
    return tuple(once_a_photo(found) for found in revised)


def _judge(
    faces: Sequence[Identification], places: Sequence[_Place], gallery: Gallery
) -> Iterator[tuple[_Place, Outcome]]:
    """Decide about all faces of one person together."""
    named = {face.subject_id for face in faces if face.subject_id is not None}
    together = gallery.identify(_mean_probe(faces))
    agreed = together.subject_id if together.candidates and _passes(together) else None
    if named - {agreed}:
        yield from ((place, Outcome.CONTRADICTED) for place in places)
    elif agreed is not None:
        for face, place in zip(faces, places, strict=True):
            best = face.candidates[0]
            if best.subject_id == agreed and best.score >= face.threshold - MOST_DOUBT:
                yield place, Outcome.MATCH


def _passes(together: Identification) -> bool:
    return together.candidates[0].score >= together.threshold + _TOGETHER


def _mean_probe(faces: Sequence[Identification]) -> Probe:
    vectors = np.array([_embedding(face).vector for face in faces])
    mean = vectors.mean(axis=0)
    vector = (mean / max(float(np.linalg.norm(mean)), 1e-6)).astype(np.float32)
    return replace(faces[0].probe, embedding=Embedding(vector, _embedding(faces[0]).model_id))


def _embedding(face: Identification) -> Embedding:
    assert face.probe.embedding is not None
    return face.probe.embedding


def _clusters(photos: _Photos, gallery: Gallery) -> Iterator[list[_Place]]:
    """Group the faces that are all alike to each other, never two of one photo."""
    places = [
        _Place(i, j)
        for i, found in enumerate(photos)
        for j, face in enumerate(found)
        if face.probe.embedding is not None
    ]
    embeddings = [_embedding(photos[place.photo][place.face]) for place in places]
    links = _links(embeddings, gallery)
    near: dict[int, set[int]] = defaultdict(set)
    for _, one, other in links:
        near[one].add(other)
        near[other].add(one)
    home = {index: [index] for index in near}
    for _, one, other in sorted(links, reverse=True):
        ours, theirs = home[one], home[other]
        if ours is theirs or {places[i].photo for i in ours} & {places[i].photo for i in theirs}:
            continue
        if all(near[i].issuperset(theirs) for i in ours):
            ours += theirs
            home.update((index, ours) for index in theirs)
    for cluster in {id(members): members for members in home.values()}.values():
        if len(cluster) > 1:
            yield [places[index] for index in sorted(cluster)]


def _links(embeddings: Sequence[Embedding], gallery: Gallery) -> list[tuple[float, int, int]]:
    """All pairs of faces that are alike enough, (score, one, other)."""
    least = max(LINK_SCORE, gallery.threshold + _ABOVE_THRESHOLD)
    links = []
    for start in range(0, len(embeddings), _BLOCK):
        scores: Floats = gallery.scores_between(embeddings[start : start + _BLOCK], embeddings[start:])
        rows, columns = np.nonzero(np.triu(scores >= least, 1))
        links += [
            (float(scores[row, column]), start + int(row), start + int(column))
            for row, column in zip(rows, columns, strict=True)
        ]
    return links

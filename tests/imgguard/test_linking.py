from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgguard import Embedding, Gallery, Identification, Outcome, Probe
from imgguard.identify import identify_photo
from imgguard.linking import LINK_SCORE, MOST_DOUBT, link_photos
from tests.imgguard.test_identify import AXES, FINE, GALLERY, detection_at, gallery_of, reference, unit

Photo = tuple[Identification, ...]
NEEDED = GALLERY.threshold


def face(vector: np.ndarray) -> Probe:
    return Probe(detection_at(0, 0, 100), Embedding(vector.astype(np.float32), "m"), FINE)


def seen(*vectors: np.ndarray, gallery: Gallery = GALLERY) -> Photo:
    return identify_photo([face(vector) for vector in vectors], gallery)


def like(person: int, score: float, *, own: int, spread: float = 0.35) -> np.ndarray:
    """Somebody who scores so much with a person of the gallery: one face in many pictures, told apart by `own`."""
    vector = np.zeros(128, np.float32)
    vector[person] = score
    vector[60] = np.sqrt(1 - score**2 - spread**2)
    vector[70 + own] = spread
    return vector


def outcomes(photos: tuple[Photo, ...]) -> list[list[Outcome]]:
    return [[found.outcome for found in photo] for photo in photos]


def test_photos_that_agree_confirm_whom_one_of_them_leaves_in_doubt() -> None:
    sure, doubtful = like(2, NEEDED + 0.15, own=0), like(2, NEEDED - 0.05, own=1)
    alone = (seen(sure), seen(doubtful))
    assert outcomes(alone) == [[Outcome.MATCH], [Outcome.NON_MATCH]]
    linked = link_photos(alone, GALLERY)
    assert outcomes(linked) == [[Outcome.MATCH], [Outcome.MATCH]]
    assert [photo[0].subject_id for photo in linked] == ["p2", "p2"]
    assert [photo[0].photos for photo in linked] == [2, 2]


def test_two_who_are_both_in_doubt_confirm_each_other_only_if_they_pass_together() -> None:
    near = [like(2, NEEDED - 0.02, own=i, spread=0.68) for i in range(2)]
    far = [like(2, NEEDED - 0.09, own=i, spread=0.1) for i in range(2)]
    assert outcomes(link_photos(tuple(map(seen, near)), GALLERY)) == [[Outcome.MATCH], [Outcome.MATCH]]
    assert outcomes(link_photos(tuple(map(seen, far)), GALLERY)) == [[Outcome.NON_MATCH], [Outcome.NON_MATCH]]


def test_who_is_too_far_from_the_threshold_alone_is_not_confirmed() -> None:
    sure = [like(2, NEEDED + 0.2, own=i) for i in range(3)]
    far = like(2, NEEDED - MOST_DOUBT - 0.02, own=4)
    linked = link_photos(tuple(map(seen, [*sure, far])), GALLERY)
    assert outcomes(linked) == [[Outcome.MATCH]] * 3 + [[Outcome.NON_MATCH]]


def test_a_face_that_is_taken_for_two_people_is_nobody() -> None:
    one, other = like(2, NEEDED + 0.03, own=0), like(5, NEEDED + 0.03, own=1)
    alone = (seen(one, AXES[9]), seen(other))
    assert outcomes(alone) == [[Outcome.MATCH, Outcome.MATCH], [Outcome.MATCH]]
    linked = link_photos(alone, GALLERY)
    assert outcomes(linked) == [[Outcome.CONTRADICTED, Outcome.MATCH], [Outcome.CONTRADICTED]]
    assert linked[0][0].subject_id is None


def test_a_stranger_who_matches_in_one_photo_by_chance_is_found_out_by_the_others() -> None:
    chance, usual = like(2, NEEDED + 0.01, own=0), [like(2, NEEDED - 0.3, own=i) for i in (1, 2, 3)]
    alone = tuple(map(seen, [chance, *usual]))
    assert outcomes(alone)[0] == [Outcome.MATCH]
    assert outcomes(link_photos(alone, GALLERY)) == [[Outcome.CONTRADICTED]] * 4


def test_strangers_who_are_not_alike_are_not_linked() -> None:
    photos = (seen(like(2, NEEDED + 0.1, own=0)), seen(like(2, NEEDED - 0.05, own=1)[::-1].copy()))
    assert outcomes(link_photos(photos, GALLERY)) == outcomes(photos)
    assert LINK_SCORE > NEEDED, "whoever is linked is more alike than a match has to be"


def test_nobody_is_linked_within_one_photo_or_kept_twice_in_it() -> None:
    twins = seen(like(2, NEEDED + 0.1, own=0), like(2, NEEDED - 0.02, own=1))
    assert outcomes(link_photos((twins,), GALLERY)) == outcomes((twins,))
    linked = link_photos((twins, seen(like(2, NEEDED + 0.2, own=2))), GALLERY)
    assert [found.outcome for found in linked[0]].count(Outcome.MATCH) <= 1


def test_faces_that_cannot_be_compared_are_left_as_they_are() -> None:
    nothing = identify_photo([Probe(detection_at(0, 0, 20), None, FINE)], GALLERY)
    assert outcomes(link_photos((nothing, nothing, seen(AXES[1])), GALLERY)) == [
        [Outcome.NOT_COMPARABLE],
        [Outcome.NOT_COMPARABLE],
        [Outcome.MATCH],
    ]
    assert link_photos((), GALLERY) == ()


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 5))
def test_linking_names_nobody_who_is_far_from_the_threshold(seed: int, photos: int, faces: int) -> None:
    rng = np.random.default_rng(seed)
    few = [unit(*rng.normal(size=12)) for _ in range(3)]
    pictures = tuple(
        seen(*(unit(*(few[rng.integers(3)][:12] + rng.normal(0, 0.12, 12))) for _ in range(faces)))
        for _ in range(photos)
    )
    linked = link_photos(pictures, GALLERY)
    assert [len(photo) for photo in linked] == [len(photo) for photo in pictures]
    for before, after in zip(sum(pictures, ()), sum(linked, ()), strict=True):
        if after.outcome is Outcome.MATCH:
            assert after.candidates == before.candidates
            assert after.candidates[0].score >= NEEDED - MOST_DOUBT
    for photo in linked:
        names = [found.subject_id for found in photo if found.subject_id]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_photos_does_not_matter(order: tuple[int, ...]) -> None:
    vectors = [like(2, NEEDED + 0.15, own=0), like(2, NEEDED - 0.05, own=1), like(5, NEEDED + 0.02, own=3)[::-1].copy()]
    found = link_photos(tuple(seen(vectors[i]) for i in order), GALLERY)
    assert {i: photo[0].outcome for i, photo in zip(order, found, strict=True)} == {
        i: photo[0].outcome for i, photo in enumerate(link_photos(tuple(map(seen, vectors)), GALLERY))
    }


def test_a_hard_gallery_links_only_above_its_own_threshold() -> None:
    alike = gallery_of(reference("a", unit(1, 0)), reference("b", unit(0.75, 0.66)))
    assert alike.threshold > LINK_SCORE
    one, other = unit(1, 0, 0, 0.3), unit(1, 0, 0, 0, 0.9)
    photos = (seen(one, gallery=alike), seen(other, gallery=alike))
    assert float(one @ other) > LINK_SCORE
    assert outcomes(link_photos(photos, alike)) == outcomes(photos)

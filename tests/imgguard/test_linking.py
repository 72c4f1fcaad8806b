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


def test_two_who_are_sure_confirm_a_third_who_is_in_doubt() -> None:
    sure, doubtful = [like(2, NEEDED + 0.1, own=i) for i in (0, 1)], like(2, NEEDED - 0.05, own=2)
    alone = tuple(map(seen, [*sure, doubtful]))
    assert outcomes(alone) == [[Outcome.MATCH], [Outcome.MATCH], [Outcome.NON_MATCH]]
    linked = link_photos(alone, GALLERY)
    assert outcomes(linked) == [[Outcome.MATCH]] * 3
    assert [photo[0].subject_id for photo in linked] == ["p2"] * 3
    assert linked[2][0].photos == 3


def test_one_who_is_sure_and_copies_of_the_same_picture_confirm_nobody() -> None:
    sure, doubtful = like(2, NEEDED + 0.1, own=0), like(2, NEEDED - 0.05, own=2)
    for witnesses in ([sure], [sure, sure, sure]):
        alone = tuple(map(seen, [*witnesses, doubtful]))
        assert outcomes(link_photos(alone, GALLERY)) == outcomes(alone)


@pytest.mark.parametrize("times", [2, 6, 20])
@pytest.mark.parametrize("spread", [0.3, 0.68])
def test_nobody_is_named_who_is_below_the_threshold_in_every_photo(times: int, spread: float) -> None:
    """However often a stranger who resembles somebody is photographed."""
    alone = tuple(seen(like(2, NEEDED - 0.03, own=i, spread=spread)) for i in range(times))
    assert outcomes(link_photos(alone, GALLERY)) == [[Outcome.NON_MATCH]] * times


def test_who_is_too_far_from_the_threshold_alone_is_not_confirmed() -> None:
    sure = [like(2, NEEDED + 0.2, own=i) for i in range(3)]
    far = like(2, NEEDED - MOST_DOUBT - 0.02, own=4)
    linked = link_photos(tuple(map(seen, [*sure, far])), GALLERY)
    assert outcomes(linked) == [[Outcome.MATCH]] * 3 + [[Outcome.NON_MATCH]]


def test_who_could_be_a_relative_is_not_confirmed_by_the_relatives_photos() -> None:
    family = {"p2": frozenset({"rowe"}), "p5": frozenset({"rowe"})}
    related = gallery_of(*(reference(f"p{i}", axis) for i, axis in enumerate(AXES)), families=family)
    sure = [like(2, 0.75, own=i, spread=0.2) for i in (0, 1, 2)]
    for own in (NEEDED + 0.02, NEEDED - 0.05):
        sibling = like(2, own, own=3, spread=0.2)
        sibling[5], sibling[60] = own - 0.01, 0.6
        sibling /= np.linalg.norm(sibling)
        alone = tuple(seen(vector, gallery=related) for vector in [*sure, sibling])
        assert outcomes(link_photos(alone, related))[-1] == outcomes(alone)[-1] != [Outcome.MATCH]


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


def test_copies_of_one_picture_do_not_contradict_each_other() -> None:
    alone = (seen(like(2, NEEDED + 0.01, own=0)),) * 3
    assert outcomes(link_photos(alone, GALLERY)) == [[Outcome.MATCH]] * 3


def test_who_stands_beside_the_person_is_not_that_person_in_other_photos_either() -> None:
    """In the first photo the real one is nearer; so the other face is somebody else, wherever it is seen."""
    stranger = [like(2, NEEDED + 0.06, own=i) for i in range(4)]
    real = np.zeros(128, np.float32)
    real[2], real[90] = 0.8, 0.6
    alone = (seen(real, stranger[0]), *(seen(vector) for vector in stranger[1:]))
    assert outcomes(alone) == [[Outcome.MATCH, Outcome.AMBIGUOUS], *[[Outcome.MATCH]] * 3]
    linked = link_photos(alone, GALLERY)
    assert outcomes(linked) == [[Outcome.MATCH, Outcome.CONTRADICTED], *[[Outcome.CONTRADICTED]] * 3]


def test_two_of_one_photo_with_one_name_are_both_nobody() -> None:
    stranger = np.zeros(128, np.float32)
    stranger[2], stranger[90] = NEEDED + 0.02, np.sqrt(1 - (NEEDED + 0.02) ** 2)
    sure, doubtful = [like(2, NEEDED + 0.15, own=i) for i in (0, 1)], like(2, NEEDED - 0.05, own=2)
    alone = (*map(seen, sure), seen(doubtful, stranger))
    assert outcomes(alone)[-1] == [Outcome.NON_MATCH, Outcome.MATCH]
    assert outcomes(link_photos(alone, GALLERY))[-1] == [Outcome.AMBIGUOUS, Outcome.AMBIGUOUS]


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
        assert not (before.outcome is Outcome.AMBIGUOUS and after.outcome is Outcome.MATCH)
        if after.outcome is Outcome.MATCH:
            assert after.candidates == before.candidates
            assert after.candidates[0].score >= NEEDED - MOST_DOUBT
    for photo in linked:
        names = [found.subject_id for found in photo if found.subject_id]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_photos_does_not_matter(order: tuple[int, ...]) -> None:
    vectors = [like(2, NEEDED + 0.1, own=0), like(2, NEEDED + 0.12, own=1), like(2, NEEDED - 0.05, own=2)]
    found = link_photos(tuple(seen(vectors[i]) for i in order), GALLERY)
    assert outcomes(found) == [[Outcome.MATCH]] * 3


def test_a_hard_gallery_links_only_above_its_own_threshold() -> None:
    alike = gallery_of(reference("a", unit(1, 0)), reference("b", unit(0.75, 0.66)))
    assert alike.threshold > LINK_SCORE
    one, other = unit(1, 0, 0, 0.3), unit(1, 0, 0, 0, 0.9)
    photos = (seen(one, gallery=alike), seen(other, gallery=alike))
    assert float(one @ other) > LINK_SCORE
    assert outcomes(link_photos(photos, alike)) == outcomes(photos)

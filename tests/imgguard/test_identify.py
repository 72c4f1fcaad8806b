from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgguard import Candidate, Embedding, Gallery, Outcome, Probe, Quality, Reference, SetupError
from imgguard.calibration import default_calibration, read_calibration
from imgguard.identify import MIN_LEAD, identify_photo
from imgguard.threshold import own_threshold, size_threshold
from tests.fakes import detection_at, plain_calibration

FINE = Quality(100, 10, 0, None)


def unit(*values: float) -> np.ndarray:
    vector = np.zeros(128, np.float32)
    vector[: len(values)] = values
    return vector / np.linalg.norm(vector)


def reference(subject: str, vector: np.ndarray, model: str = "m") -> Reference:
    return Reference(subject, vector.astype("<f4").tobytes(), model, None, date(2027, 6, 30))


def probe(vector: np.ndarray | None, model: str = "m") -> Probe:
    embedding = None if vector is None else Embedding(vector.astype(np.float32), model)
    return Probe(detection_at(0, 0, 100), embedding, FINE)


PLAIN = plain_calibration("m")


def gallery_of(*references: Reference, **options: object) -> Gallery:
    return Gallery.from_references(references, calibration=PLAIN, **options)  # type: ignore[arg-type]


AXES = [unit(*[0] * i, 1) for i in range(10)]
GALLERY = gallery_of(*(reference(f"p{i}", axis) for i, axis in enumerate(AXES)))


def test_a_clear_match_names_the_person() -> None:
    found = GALLERY.identify(probe(unit(0, 0, 1, 0.2)))
    assert (found.outcome, found.subject_id) == (Outcome.MATCH, "p2")
    assert found.candidates[0].score > found.candidates[1].score


def test_a_score_below_the_threshold_names_nobody() -> None:
    weak = unit(0, 0, 0.35, *[0] * 20, 0.9)
    found = GALLERY.identify(probe(weak))
    assert found.candidates[0] == Candidate("p2", pytest.approx(float(weak[2])))
    assert (found.outcome, found.subject_id) == (Outcome.NON_MATCH, None)


@pytest.mark.parametrize(("lead", "outcome"), [(MIN_LEAD * 0.8, Outcome.AMBIGUOUS), (MIN_LEAD * 1.3, Outcome.MATCH)])
def test_a_tie_between_two_people_names_nobody(lead: float, outcome: Outcome) -> None:
    found = GALLERY.identify(probe(unit(0.6, 0.6 + lead * 0.86)))
    assert found.outcome is outcome


def test_a_face_that_cannot_be_compared_is_not_searched() -> None:
    found = GALLERY.identify(probe(None))
    assert (found.outcome, found.candidates) == (Outcome.NOT_COMPARABLE, ())


def test_an_empty_gallery_matches_nobody() -> None:
    found = gallery_of().identify(probe(AXES[0]))
    assert (found.outcome, found.candidates) == (Outcome.NON_MATCH, ())


def test_several_references_are_averaged() -> None:
    gallery = gallery_of(reference("a", unit(1, 0)), reference("a", unit(0, 1)), reference("b", AXES[5]))
    assert len(gallery) == 2
    assert gallery.templates[0] == pytest.approx(unit(1, 1))


def test_templates_and_probes_of_another_model_are_refused() -> None:
    with pytest.raises(SetupError, match="different models"):
        gallery_of(reference("a", AXES[0], "m"), reference("b", AXES[1], "n"))
    with pytest.raises(SetupError, match="other"):
        GALLERY.identify(probe(AXES[0], "other"))


def test_a_score_that_is_no_number_names_nobody() -> None:
    broken = np.full(128, np.nan, np.float32)
    assert GALLERY.identify(probe(broken)).outcome is Outcome.NON_MATCH
    for bad in (broken, np.zeros(128, np.float32)):
        with pytest.raises(SetupError, match="a cannot be averaged"):
            gallery_of(reference("a", bad))
    with pytest.raises(SetupError):
        gallery_of(reference("a", AXES[0]), reference("a", -AXES[0]))


def test_an_expired_reference_is_not_used() -> None:
    assert len(gallery_of(reference("a", AXES[0]), on=date(2027, 6, 30))) == 1
    assert len(gallery_of(reference("a", AXES[0]), on=date(2027, 7, 1))) == 0


def test_nobody_is_in_a_photo_twice() -> None:
    better, worse, else_ = unit(1, 0.1), unit(1, 0.5), unit(0, 0, 1)
    found = identify_photo([probe(worse), probe(better), probe(else_)], GALLERY)
    assert [f.outcome for f in found] == [Outcome.AMBIGUOUS, Outcome.MATCH, Outcome.MATCH]
    assert [f.subject_id for f in found] == [None, "p0", "p2"]


def test_the_threshold_grows_with_the_gallery_and_never_falls() -> None:
    sizes = [1, 14, 25, 100, 400, 1000, 5000, 100_000]
    thresholds = [size_threshold(size, PLAIN) for size in sizes]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] == thresholds[2] >= 0.38, "a gallery too small to show how alike its people are is not trusted"
    assert size_threshold(100, PLAIN) >= 0.41 and size_threshold(400, PLAIN) >= 0.445


@given(st.floats(1e-7, 0.5), st.floats(1e-7, 0.5), st.integers(1, 10_000), st.floats(1, 5))
def test_a_stricter_rate_never_asks_for_less(one: float, other: float, people: int, references: float) -> None:
    strict, lax = (size_threshold(people, PLAIN, rate, references) for rate in sorted((one, other)))
    assert strict >= lax
    assert size_threshold(people, PLAIN, 0.0001) > size_threshold(people, PLAIN, 0.01)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.0, 7.0, float("nan")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="not a rate"):
        gallery_of(reference("a", AXES[0]), fpir=rate)


def crowd(people: int, alike: float, seed: int = 0) -> np.ndarray:
    """People who have so much of one face in common."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(people, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[:, 0] += alike
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("people", [2, 14, 100, 400])
def test_people_who_look_alike_raise_the_threshold(people: int) -> None:
    easy, alike = (
        gallery_of(*(reference(f"{i:03}", vector) for i, vector in enumerate(crowd(people, much)))) for much in (0, 0.8)
    )
    assert easy.threshold == easy.difficulty.calibrated == size_threshold(people, PLAIN)
    assert alike.threshold == alike.difficulty.own > easy.threshold + 0.1
    assert alike.difficulty.words != easy.difficulty.words
    assert easy.difficulty.closest[0][2] == max(score for *_, score in easy.difficulty.closest)


@pytest.mark.parametrize("people", [14, 100])
def test_strangers_of_a_hard_crowd_are_kept_out_by_its_own_threshold(people: int) -> None:
    """Strangers resemble this crowd as its own people do; the calibrated threshold alone would let many in."""
    everybody = crowd(people + 3000, 0.55, seed=1)
    gallery = gallery_of(*(reference(f"{i:03}", vector) for i, vector in enumerate(everybody[:people])))
    nearest = (everybody[people:] @ everybody[:people].T).max(axis=1)
    assert (nearest >= gallery.threshold).mean() <= 0.001
    assert (nearest >= gallery.difficulty.calibrated).mean() > 0.01


def test_one_person_shows_nothing_about_the_others() -> None:
    assert own_threshold(AXES[0][None], np.zeros(1, np.intp), AXES[0][None], PLAIN) is None
    assert gallery_of(reference("a", AXES[0])).difficulty.own is None


def test_relatives_have_to_be_told_apart_more_clearly() -> None:
    face = probe(unit(0.75, 0.6))
    people = [reference("a", unit(1, 0)), reference("b", unit(0, 1))]
    related = {"a": frozenset({"rowe"}), "b": frozenset({"rowe", "guardian x"})}
    apart = {"a": frozenset({"rowe"}), "b": frozenset({"guardian x"})}
    assert gallery_of(*people, families=related).identify(face).outcome is Outcome.AMBIGUOUS
    assert gallery_of(*people, families=apart).identify(face).outcome is Outcome.MATCH
    assert gallery_of(*people).identify(face).outcome is Outcome.MATCH


def test_a_relative_on_the_third_place_counts_too() -> None:
    face = probe(unit(0.7, 0.55, 0.53))
    people = [reference(name, axis) for name, axis in zip("abc", AXES, strict=False)]
    related = {"a": frozenset({"rowe"}), "c": frozenset({"rowe"})}
    assert gallery_of(*people).identify(face).outcome is Outcome.MATCH
    assert gallery_of(*people, families=related).identify(face).outcome is Outcome.AMBIGUOUS


def test_a_gallery_of_another_model_than_the_calibrations_is_refused() -> None:
    with pytest.raises(SetupError, match="measured with sface"):
        Gallery.from_references([reference("a", AXES[0])])


def test_the_shipped_calibration_is_for_the_shipped_model() -> None:
    from imgguard.backends import default_backends

    shipped = default_calibration()
    assert shipped.model_id == default_backends().embedder.model_id
    assert shipped.people > 1000
    again = read_calibration(shipped.as_json())
    np.testing.assert_array_equal(again.covariance, shipped.covariance)
    assert again.tails == shipped.tails and again.nearests == shipped.nearests
    for bad in ("{}", "no json", shipped.as_json().replace('"mean"', '"main"')):
        with pytest.raises(SetupError, match="damaged"):
            read_calibration(bad)


def test_prepared_vectors_of_strangers_score_about_nothing() -> None:
    shipped = default_calibration()
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(shipped.covariance.astype(np.float64) + 1e-9 * np.eye(128))
    faces = rng.normal(size=(500, 128)) @ root.T + shipped.mean
    faces = (faces / np.linalg.norm(faces, axis=1, keepdims=True)).astype(np.float32)
    scores = (shipped.prepare(faces) @ shipped.prepare(faces).T)[np.triu_indices(500, 1)]
    plain = (faces @ faces.T)[np.triu_indices(500, 1)]
    assert abs(scores.mean()) < 0.02 < plain.mean()

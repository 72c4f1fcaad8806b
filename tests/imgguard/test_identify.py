from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from imgguard import Candidate, Embedding, Gallery, Outcome, Probe, Quality, Reference, SetupError
from imgguard.identify import MIN_LEAD, identify_photo
from imgguard.threshold import own_threshold, size_threshold
from tests.fakes import detection_at

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


AXES = [unit(*[0] * i, 1) for i in range(10)]
GALLERY = Gallery.from_references(reference(f"p{i}", axis) for i, axis in enumerate(AXES))


def test_a_clear_match_names_the_person() -> None:
    found = GALLERY.identify(probe(unit(0, 0, 1, 0.2)))
    assert (found.outcome, found.subject_id) == (Outcome.MATCH, "p2")
    assert found.candidates[0].score > found.candidates[1].score


def test_a_score_below_the_threshold_names_nobody() -> None:
    weak = unit(0, 0, 0.4, *[0] * 20, 0.9)
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
    found = Gallery.from_references([]).identify(probe(AXES[0]))
    assert (found.outcome, found.candidates) == (Outcome.NON_MATCH, ())


def test_several_references_are_averaged() -> None:
    gallery = Gallery.from_references([reference("a", unit(1, 0)), reference("a", unit(0, 1)), reference("b", AXES[5])])
    assert len(gallery) == 2
    assert gallery.templates[0] == pytest.approx(unit(1, 1))


def test_templates_and_probes_of_another_model_are_refused() -> None:
    with pytest.raises(SetupError, match="different models"):
        Gallery.from_references([reference("a", AXES[0], "m"), reference("b", AXES[1], "n")])
    with pytest.raises(SetupError, match="other"):
        GALLERY.identify(probe(AXES[0], "other"))


def test_a_score_that_is_no_number_names_nobody() -> None:
    broken = np.full(128, np.nan, np.float32)
    assert GALLERY.identify(probe(broken)).outcome is Outcome.NON_MATCH
    for bad in (broken, np.zeros(128, np.float32)):
        with pytest.raises(SetupError, match="a cannot be averaged"):
            Gallery.from_references([reference("a", bad)])
    with pytest.raises(SetupError):
        Gallery.from_references([reference("a", AXES[0]), reference("a", -AXES[0])])


def test_an_expired_reference_is_not_used() -> None:
    assert len(Gallery.from_references([reference("a", AXES[0])], on=date(2027, 6, 30))) == 1
    assert len(Gallery.from_references([reference("a", AXES[0])], on=date(2027, 7, 1))) == 0


def test_nobody_is_in_a_photo_twice() -> None:
    better, worse, else_ = unit(1, 0.1), unit(1, 0.5), unit(0, 0, 1)
    found = identify_photo([probe(worse), probe(better), probe(else_)], GALLERY)
    assert [f.outcome for f in found] == [Outcome.AMBIGUOUS, Outcome.MATCH, Outcome.MATCH]
    assert [f.subject_id for f in found] == [None, "p0", "p2"]


def test_the_threshold_grows_with_the_gallery_and_never_falls() -> None:
    sizes = [1, 14, 25, 100, 400, 1000, 5000, 100_000]
    thresholds = [size_threshold(size) for size in sizes]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] == thresholds[2] >= 0.45, "a gallery too small to show how alike its people are is not trusted"
    assert size_threshold(100) >= 0.48 and size_threshold(400) >= 0.53


def test_a_stricter_rate_asks_for_more() -> None:
    assert size_threshold(100, 0.0001) > size_threshold(100, 0.001) > size_threshold(100, 0.01)


def test_people_who_look_alike_raise_the_threshold() -> None:
    alike = [unit(1, 0), unit(0.8, 0.6)]
    assert own_threshold(np.stack(alike)) == pytest.approx(0.8 + 0.08)
    gallery = Gallery.from_references(reference(str(i), vector) for i, vector in enumerate(alike))
    assert gallery.threshold == pytest.approx(0.88)
    assert GALLERY.threshold == pytest.approx(size_threshold(10))


def test_a_large_gallery_is_judged_by_its_whole_distribution() -> None:
    rng = np.random.default_rng(0)
    easy = rng.normal(size=(300, 128)).astype(np.float32)
    easy /= np.linalg.norm(easy, axis=1, keepdims=True)
    alike = easy + 0.1
    alike /= np.linalg.norm(alike, axis=1, keepdims=True)
    assert own_threshold(alike) > own_threshold(easy)
    assert own_threshold(alike) > size_threshold(300)

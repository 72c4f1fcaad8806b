"""A large gallery is searched by other means than a small one, and finds the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgguard import Gallery, Outcome, threshold
from imgguard.calibration import default_calibration
from imgguard.identify import _SHOWN_CANDIDATES
from imgguard.threshold import asked_people, nearest_others
from tests.imgguard.test_identify import crowd, gallery_of, probe, reference

MODEL = default_calibration().model_id


def people(count: int, copies: int, seed: int) -> np.ndarray:
    """Make people some of whom have the very same template."""
    vectors = crowd(count, 0.3, seed)
    vectors[: min(copies, count // 2)] = vectors[count - 1]
    return vectors


def plainly(gallery: Gallery, face: np.ndarray) -> list[tuple[str, float]]:
    """Rank everybody, one after the other."""
    calibration = default_calibration()
    known, asked = (calibration.prepare(vectors).astype(float) for vectors in (gallery.templates, face))
    scores = [float((one * asked).sum()) for one in known]
    ranked = sorted(range(len(gallery)), key=lambda i: (-scores[i], i))[:_SHOWN_CANDIDATES]
    return [(gallery.subject_ids[i], scores[i]) for i in ranked]


def enrolled(vectors: np.ndarray) -> Gallery:
    return Gallery.from_references(reference(f"{i:04}", vector, MODEL) for i, vector in enumerate(vectors))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(0, 20), st.integers(1, 35), st.integers(0, 2**32 - 1))
def test_many_faces_at_once_find_whom_each_finds_alone(count: int, copies: int, faces: int, seed: int) -> None:
    known = people(count, copies, seed)
    gallery = enrolled(known)
    seen = np.concatenate([known[:: max(count // faces, 1)][:faces], crowd(3, 0.3, seed + 1)])
    together = gallery.identify_all([probe(face, MODEL) for face in seen])
    for face, found in zip(seen, together, strict=True):
        alone = gallery.identify(probe(face, MODEL))
        assert (found.candidates, found.outcome) == (alone.candidates, alone.outcome)
        wanted = plainly(gallery, face)
        assert [one.score for one in found.candidates] == pytest.approx([score for _, score in wanted], abs=1e-6)
        assert [one.subject_id for one in found.candidates] == [name for name, _ in wanted]
        assert gallery.similarity(found.probe.embedding) == found.candidates[0].score


def test_of_equal_people_the_first_of_the_gallery_comes_first() -> None:
    gallery = enrolled(np.repeat(crowd(3, 0, 5), 40, axis=0))
    found = gallery.identify(probe(gallery.templates[45], MODEL))
    assert [one.subject_id for one in found.candidates] == ["0040", "0041", "0042", "0043", "0044"]
    assert found.outcome is Outcome.AMBIGUOUS


def test_a_face_that_is_no_number_is_nobodys_in_any_company() -> None:
    gallery = enrolled(crowd(50, 0, 6))
    broken, fine = probe(np.full(128, np.nan), MODEL), probe(gallery.templates[7], MODEL)
    found = gallery.identify_all([broken, fine, probe(None), broken])
    assert [one.subject_id for one in found] == [None, "0007", None, None]
    assert found[0].outcome is Outcome.NON_MATCH and found[2].outcome is Outcome.NOT_COMPARABLE


def test_a_gallery_compared_in_parts_asks_for_the_same_score(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = crowd(400, 0.3, 7)
    whole = enrolled(vectors).difficulty
    monkeypatch.setattr(threshold, "_BLOCK", 400 * 7)
    parts = enrolled(vectors).difficulty
    assert parts.own == pytest.approx(whole.own, abs=1e-6)
    assert [pair[:2] for pair in parts.closest] == [pair[:2] for pair in whole.closest]
    known = default_calibration().prepare(vectors)
    scores = known @ known.T
    ones, others = np.triu_indices(400, 1)
    best = np.argsort(-scores[ones, others], kind="stable")[:5]
    assert [score for *_, score in whole.closest] == pytest.approx(scores[ones[best], others[best]].tolist(), abs=1e-6)
    np.fill_diagonal(scores, -np.inf)
    assert nearest_others(known, np.arange(400), known) == pytest.approx(scores.max(axis=1), abs=1e-6)


def test_everybody_is_asked_up_to_ten_thousand_and_then_as_many_evenly_spread() -> None:
    for count in (0, 1, 2, 9_999, 10_000):
        assert np.array_equal(asked_people(count), np.arange(count))
    asked = asked_people(100_000)
    assert len(asked) == 10_000 and asked[0] == 0 and asked[-1] == 99_999
    assert set(np.diff(asked).tolist()) <= {9, 10, 11}


def test_of_two_alike_it_is_enough_that_one_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = crowd(101, 0, 9)
    vectors[4] = vectors[3]
    monkeypatch.setattr(threshold, "_MOST_ASKED", 51)
    assert set(asked_people(101)) == set(range(0, 101, 2))
    (one, other, score), *_ = enrolled(vectors).difficulty.closest
    assert (one, other) == ("0003", "0004") and score > 0.99


def test_those_who_are_asked_speak_for_all_and_never_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = [reference(f"{i:04}", vector) for i, vector in enumerate(crowd(1000, 0.8))]
    everybody = gallery_of(*vectors).difficulty.own
    monkeypatch.setattr(threshold, "_MOST_ASKED", 250)
    some = gallery_of(*vectors).difficulty.own
    assert everybody is not None and some is not None
    assert everybody - 0.002 < some < everybody + 0.03

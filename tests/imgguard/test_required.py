from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from consent.policy import Decision, Reason, Verdict
from imgguard.covers import cover_for, cover_mask
from imgguard.required import cover_required
from imgguard.rules import Rules
from imgguard.types import BoundingBox, Detection, FaceResult, Outcome, Required, Source, Style
from tests.conftest import TODAY

RULES = Rules(None, {}, None, TODAY, Style.SOLID, None)
GONE = Decision(Verdict.COVER, Reason.WITHDRAWN, "020411")
KEPT = Decision(Verdict.KEEP, Reason.CONSENTED, "020522")
NOBODY = Decision(Verdict.COVER, Reason.NO_MATCH, None)
HERE = BoundingBox(100, 100, 180, 200)


def required(box: BoundingBox = HERE) -> Required:
    return Required(box, 0.9, GONE)


def face(box: BoundingBox, decision: Decision) -> FaceResult:
    middle = np.tile(np.array(box.center, np.float32), (5, 1))
    detection = Detection(box, 0.9, middle, Source.YUNET)
    cover = cover_for(detection, Style.SOLID) if decision.verdict is Verdict.COVER else None
    return FaceResult(detection, None, (), Outcome.MATCH, 0.5, decision, cover)


def moved(box: BoundingBox, x: float, y: float = 0) -> BoundingBox:
    return BoundingBox(box.x1 + x, box.y1 + y, box.x2 + x, box.y2 + y)


def test_a_face_that_is_kept_today_where_somebody_has_to_be_covered_is_covered() -> None:
    kept = face(moved(HERE, 6, -4), KEPT)
    (found,), added = cover_required([kept], [required()], RULES)
    assert kept.cover is None, "the control"
    assert found.decision == GONE and found.cover is not None and added == ()
    box = found.detection.box
    assert box == BoundingBox(100, 96, 186, 200), "both places are under it"


def test_where_nobody_is_found_today_the_place_is_covered_all_the_same() -> None:
    elsewhere = face(moved(HERE, 400), KEPT)
    (found,), (added,) = cover_required([elsewhere], [required()], RULES)
    assert found is elsewhere
    assert (added.detection.box, added.detection.source, added.decision) == (HERE, Source.RECORD, GONE)
    assert added.cover is not None and added.cover.face == HERE


def test_a_face_that_is_covered_there_already_is_left_as_it_is_and_only_grows() -> None:
    same = face(HERE, NOBODY)
    assert cover_required([same], [required()], RULES) == ((same,), ())
    (grown,), added = cover_required([face(moved(HERE, 10), NOBODY)], [required()], RULES)
    assert added == () and grown.decision == NOBODY
    assert grown.detection.box == BoundingBox(100, 100, 190, 200)


def test_a_neighbour_who_merely_touches_the_place_stays_visible() -> None:
    neighbour = face(moved(HERE, 70), KEPT)
    (found,), (added,) = cover_required([neighbour], [required()], RULES)
    assert found is neighbour and added.detection.box == HERE


def test_a_small_face_inside_the_place_may_be_the_one_and_is_covered() -> None:
    (found,), _ = cover_required([face(BoundingBox(120, 130, 150, 165), KEPT)], [required()], RULES)
    assert found.decision == GONE


def test_nothing_is_changed_where_nobody_is_required() -> None:
    faces = (face(HERE, KEPT), face(moved(HERE, 300), NOBODY))
    assert cover_required(faces, (), RULES) == (faces, ())


_BOXES = st.builds(
    lambda x, y, width, height: BoundingBox(x, y, x + width, y + height),
    st.floats(0, 300), st.floats(0, 200), st.floats(12, 120), st.floats(12, 120),
)  # fmt: skip


@given(
    st.lists(st.tuples(_BOXES, st.sampled_from([KEPT, NOBODY])), max_size=5), st.lists(_BOXES, min_size=1, max_size=3)
)
def test_whatever_is_found_today_every_required_place_is_wholly_under_covers(
    found: list[tuple[BoundingBox, Decision]], places: list[BoundingBox]
) -> None:
    faces = [face(box, decision) for box, decision in found]
    changed, added = cover_required(faces, map(required, places), RULES)
    results = (*changed, *added)
    covers = [one.cover for one in results if one.cover]
    mask = cover_mask(covers, [one.detection.box for one in results if one.cover is None], (450, 350))
    for place in places:
        x1, y1, x2, y2 = (int(value) for value in (place.x1, place.y1, place.x2, place.y2))
        assert mask[y1:y2, x1:x2].all()
    assert [one.quality for one in changed] == [one.quality for one in faces], "in the same order"
    assert not any(before.cover and not after.cover for before, after in zip(faces, changed, strict=True))


def test_the_day_has_no_say_in_it() -> None:
    later = replace(RULES, on=date(2040, 1, 1))
    assert cover_required([], [required()], later)[1][0].decision == GONE
